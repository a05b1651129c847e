"""Figure 5: what the word embeddings hold, by forgetting schedule.

Dataset of the probe store in, figure out. Top: accuracy of linear probes and separability of the embedding rows over
training, a row a distribution, colour: schedule. Bottom: the rows of one seed at the last analysis step in their first
two principal components, a row a distribution and protocol, a column a schedule.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dual_process.figures import clouds, curves, selection, style
from dual_process.store import RUN_COLUMNS

VARIABLES = (
    "probe_accuracy",
    "separability",
    "steps_since_reset",
    "embedding_coordinates",
    "explained_variance",
)
TITLES = {
    ("layer 0 probe", "val"): "layer 0 probe\nvalidation",
    ("layer 0 probe", "unseen"): "layer 0 probe\nunseen",
    ("best layer probe", "val"): "best layer probe\nvalidation",
    ("best layer probe", "unseen"): "best layer probe\nunseen",
    ("separability", "seen_unseen"): "separability\ntrained | unseen",
    ("separability", "noun_adjective"): "separability\nnoun | adjective",
}
"""Title of each quantity and what it is measured on, in the order of the columns."""
PROBED = ("val", "unseen")
EMBEDDING = "embedding"
ROW_HEIGHT, ONLY_ROW_HEIGHT = 1.1, 1.5
LEGEND_LINE = 0.16


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Everything that is drawn, for the first task, model and training.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` says what a row is. For curves: ``subject``, ``step``, ``value`` and, for the best layer of a
        run at a step, ``layer``. For "embedding": ``step``, ``token``, ``role``, ``component_1``, ``component_2`` and
        their ``explained_1``, ``explained_2``, for the first seed of each distribution, schedule and protocol.
        ``shown`` says what is left out.
    """
    chosen, title = selection.first_setting(dataset)
    present = [name for name in PROBED if name in chosen["probed"].values]
    probe = curves.with_phase(chosen, "probe_accuracy").sel(probed=present).rename(probed="subject")
    separability = curves.with_phase(chosen, "separability").rename(contrast="subject")
    probes = curves.run_frame(probe, name="value")
    frames = {
        "layer 0 probe": probes[probes["layer"] == 0],
        "best layer probe": probes.loc[probes.groupby(["run", "step", "subject"])["value"].idxmax()],
        "separability": curves.run_frame(separability, name="value"),
        EMBEDDING: clouds.cloud_frame(chosen),
    }
    parts = [frame.assign(quantity=quantity) for quantity, frame in frames.items() if len(frame)]
    if not parts:
        raise ValueError(
            "no run has probes, separability or coordinates of its word embedding; give this figure grids of the "
            "part-of-speech task, with the analyses of probes and embeddings"
        )
    columns = ["quantity", "run", *RUN_COLUMNS, "subject", "step", curves.PHASE, "layer", "value"]
    columns += [name for name in clouds.COLUMNS if name != "step"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns).assign(shown=title)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    over_steps, rows = numbers[numbers["quantity"] != EMBEDDING], numbers[numbers["quantity"] == EMBEDDING]
    grid = clouds.CloudGrid(rows) if len(rows) else None
    num_rows = over_steps["distribution"].nunique()
    num_entries = over_steps["schedule"].nunique() + over_steps["protocol"].nunique() + 1
    top = num_rows * (ROW_HEIGHT if num_rows > 1 else ONLY_ROW_HEIGHT) + 0.9 + LEGEND_LINE * -(-num_entries // 3)
    heights = [top if num_rows else 0, grid.height + 0.65 if grid else 0]
    figure = Figure(figsize=(style.WIDTH, sum(heights)), layout="constrained")
    parts = figure.subfigures(sum(map(bool, heights)), 1, squeeze=False, height_ratios=list(filter(None, heights)))
    if num_rows:
        _draw_curves(parts[0, 0], over_steps)
    if grid:
        grid.draw(parts[-1, 0])
        parts[-1, 0].legend(handles=clouds.role_handles(), loc="outside lower center", ncols=3, title=grid.text())
    title = numbers["shown"].iloc[0]
    if isinstance(title, str) and title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_curves(figure: SubFigure, numbers: pd.DataFrame) -> None:
    """Draw the upper block: a row a distribution, a column a quantity."""
    distributions, labels = style.distribution_order(numbers), style.distribution_labels(numbers)
    axes = figure.subplots(len(distributions), len(TITLES), sharex=True, sharey=True, squeeze=False)
    palette, dashes = style.schedule_colours(numbers), style.protocol_dashes(numbers)
    lowest = min(0.4, numbers["value"].min()) - 0.02
    for distribution, row in zip(distributions, axes, strict=True):
        here = numbers[numbers["distribution"] == distribution]
        for (quantity, subject), panel in zip(TITLES, row, strict=True):
            cell = here[(here["quantity"] == quantity) & (here["subject"] == subject)]
            curves.draw_curves(panel, cell, y="value", hue="schedule", palette=palette, dashes=dashes)
            curves.finish_panel(panel, last_step=numbers["step"].max(), chance=True)
            panel.xaxis.set_major_locator(MaxNLocator(2, integer=True))
            panel.set_ylim(lowest, 1.02)
            if cell.empty:
                panel.text(0.5, 0.3, "not measured", transform=panel.transAxes, ha="center", color=style.GREY)
        row[0].set_ylabel(f"{labels[distribution]}\naccuracy")
    for title, top, bottom in zip(TITLES.values(), axes[0], axes[-1], strict=True):
        top.set_title(title)
        bottom.set_xlabel("training step")
    handles = curves.colour_handles(palette, style.schedule_labels(numbers)) + curves.protocol_handles(dashes)
    handles.append(Line2D([], [], color=style.BLACK, linewidth=0.8, linestyle=":", label="chance"))
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=curves.band_text(numbers))
