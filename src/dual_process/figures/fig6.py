"""Figure 6: geometry of the word embedding over training, by forgetting schedule.

Dataset of the probe store in, figure out. Two rows a distribution: norms of the rows and separability by a linear
classifier above, drift from the initial rows and separability by nearest centroids below; colour: schedule.
"""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter, StrMethodFormatter

from dual_process.figures import curves, probe_panels, selection, style
from dual_process.store import RUN_COLUMNS

VARIABLES = ("embedding_norm", "embedding_drift", "separability", "centroid_accuracy", "steps_since_reset")
ROLES = ("noun", "adjective", "unseen")
CONTRASTS = ("noun_adjective", "seen_unseen")
ROWS = (("norm", "separability"), ("drift", "centroid"))
"""Quantity of the panels by role and of the panels by contrast, for both rows of a distribution."""
LABELS = {
    "norm": "mean norm of rows",
    "drift": "mean drift of rows",
    "separability": "linear",
    "centroid": "nearest centroid",
    "noun": "nouns",
    "adjective": "adjectives",
    "unseen": "unseen",
    "noun_adjective": "noun | adjective",
    "seen_unseen": "trained | unseen",
}
ROW_HEIGHT = 1.15
WIDE_RANGE = 20.0
"""Ratio of largest to smallest from which lengths are drawn on a logarithmic axis."""


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Everything that is drawn, for the first task, model and training.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` is "norm" or "drift", in embedding units, with ``subject`` a role and the mean over its tokens;
        or "separability" or "centroid", balanced accuracies, with ``subject`` a contrast. One row per run and step.
        ``shown`` says what is left out.
    """
    chosen, title = selection.first_setting(dataset)
    parts = []
    for quantity, name in (("norm", "embedding_norm"), ("drift", "embedding_drift")):
        means = selection.mean_by_role(chosen[name], chosen, ROLES)
        parts.append(
            curves.run_frame(selection.at_analysis_steps(means, chosen), name="value").assign(quantity=quantity)
        )
    for quantity, name in (("separability", "separability"), ("centroid", "centroid_accuracy")):
        accuracy = curves.with_phase(chosen, name).rename(contrast="subject")
        parts.append(curves.run_frame(accuracy, name="value").assign(quantity=quantity))
    joined = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    joined = joined[joined["subject"].isin([*ROLES, *CONTRASTS])]
    if joined.empty:
        raise ValueError(
            "no run has norms or separability of nouns, adjectives or unseen tokens; give this figure grids "
            "of the part-of-speech task, with the analysis of embeddings"
        )
    columns = ["quantity", "subject", "run", *RUN_COLUMNS, "step", curves.PHASE, "value"]
    return joined.reindex(columns=columns).assign(shown=title)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    distributions = style.distribution_order(numbers)
    num_rows = len(ROWS) * len(distributions)
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * num_rows + 1.2), layout="constrained")
    axes = figure.subplots(num_rows, len(ROLES) + len(CONTRASTS), squeeze=False)
    labels = style.distribution_labels(numbers)
    for index, row in enumerate(axes):
        distribution, quantities = distributions[index // len(ROWS)], ROWS[index % len(ROWS)]
        here = numbers[numbers["distribution"] == distribution]
        _draw_row(row, here, quantities, numbers)
        row[0].set_ylabel(f"{labels[distribution]}\n{row[0].get_ylabel()}")
    for subject, top, bottom in zip((*ROLES, *CONTRASTS), axes[0], axes[-1], strict=True):
        top.set_title(LABELS[subject])
        bottom.set_xlabel("training step")
    palette, dashes = style.schedule_colours(numbers), style.protocol_dashes(numbers)
    handles = curves.colour_handles(palette, style.schedule_labels(numbers)) + curves.protocol_handles(dashes)
    handles.append(Line2D([], [], color=style.BLACK, linewidth=0.8, linestyle=":", label="chance (separability)"))
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=curves.band_text(numbers))
    title = numbers["shown"].iloc[0]
    if isinstance(title, str) and title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_row(row: np.ndarray, numbers: pd.DataFrame, quantities: tuple[str, str], everything: pd.DataFrame) -> None:
    """Draw one row of panels: a length by role, then an accuracy by contrast."""
    length, accuracy = quantities
    lengths = numbers.loc[numbers["quantity"] == length, "value"]
    by_role, by_contrast = row[: len(ROLES)], row[len(ROLES) :]
    for subject, panel in zip((*ROLES, *CONTRASTS), row, strict=True):
        quantity = length if subject in ROLES else accuracy
        cell = numbers[(numbers["quantity"] == quantity) & (numbers["subject"] == subject)]
        if cell.empty:
            probe_panels.blank(panel, "not measured")
        else:
            _draw_cell(panel, cell, everything, lengths=lengths if subject in ROLES else None)
    by_role[0].set_ylabel(LABELS[length])
    by_contrast[0].set_ylabel(LABELS[accuracy])
    for panel in (*by_role[1:], *by_contrast[1:]):
        panel.tick_params(labelleft=False)


def _draw_cell(axes: Axes, numbers: pd.DataFrame, everything: pd.DataFrame, *, lengths: pd.Series | None) -> None:
    """Draw the curves of one quantity and subject; lengths have their own scale, accuracies go from chance to 1."""
    palette, dashes = style.schedule_colours(everything), style.protocol_dashes(everything)
    curves.draw_curves(axes, numbers, y="value", hue="schedule", palette=palette, dashes=dashes)
    curves.finish_panel(axes, last_step=everything["step"].max(), chance=lengths is None)
    axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    if lengths is None:
        accuracies = everything.loc[everything["subject"].isin(CONTRASTS), "value"]
        axes.set_ylim(min(0.4, accuracies.min() - 0.02), 1.03)
        return
    positive = lengths[lengths > 0]
    if len(positive) and positive.max() / positive.min() > WIDE_RANGE:
        axes.set_yscale("log")
        axes.yaxis.set(major_formatter=StrMethodFormatter("{x:g}"), minor_formatter=NullFormatter())
        axes.set_ylim(positive.min() / 1.3, positive.max() * 1.3)
    else:
        axes.set_ylim(0, lengths.max() * 1.08 or 1.0)
        axes.yaxis.set(major_locator=MaxNLocator(4), major_formatter=ScalarFormatter())
