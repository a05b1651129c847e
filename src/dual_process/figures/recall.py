"""Curves of the associative-recall task, shared by figures V1 and V2.

Probe store in, tidy table and figure out. Columns: evaluation; rows: metric, within distribution where the colours are
schedules and within schedule where they are distributions. Line styles are protocols, bands go from the smallest to
the largest seed.
"""

from collections.abc import Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dual_process.figures import curves, style

EVALUATIONS = ("unseen", "context", "weights", "val")
LABELS = {
    "unseen": "unseen items",
    "context": "trained items, new labels",
    "weights": "query not in the context",
    "val": "validation",
}
RELABELLED = ("unseen", "context")
"""Evaluations whose labels are in the context alone, so that an answer may come from counting labels."""
COUNTING = "counting_accuracy"
"""Coordinate along `run`: two-way accuracy, in those sets, of answering the label that is most frequent there."""
METRICS = ("two_way", "exact_match")
ROW_HEIGHT = 1.25
LEGEND_HEIGHT = 1.2
LEGEND_LETTERS = 95
"""Letters that the longest labels of the columns of the legend may have together."""


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all runs of associative recall, one row per run, step, evaluation and metric.

    Returns
    -------
    pandas.DataFrame
        As `curves.score_frame`, with what counting labels achieves in ``counting_accuracy``.

    Raises
    ------
    ValueError
        If there are none.
    """
    if "context" not in dataset["evaluation"].values.astype(object):
        raise ValueError(
            "no run has the evaluation context; add a grid whose tasks are of kind associative-recall to this figure"
        )
    kinds = sorted(set(dataset["kind"].values.astype(object)))
    frame = curves.score_frame(dataset, kinds=kinds, evaluations=EVALUATIONS)
    recall = set(frame.loc[frame["evaluation"] == "context", "run"])  # other tasks have sets of the same names
    frame = frame[frame["run"].isin(recall)].reset_index(drop=True)
    counting = dict(zip(dataset["run"].values.astype(object), dataset[COUNTING].values.astype(float), strict=True))
    frame.insert(frame.columns.get_loc("accuracy"), COUNTING, frame["run"].map(counting))
    return frame


def draw(numbers: pd.DataFrame, *, hue: str) -> Figure:
    """Draw the first task, model and training, with a colour for each value of `hue`, distribution or schedule."""
    shown, title = curves.first_setting(numbers)
    schedules, distributions = style.schedule_labels(shown), style.distribution_labels(shown)
    block, blocks = ("distribution", distributions) if hue == "schedule" else ("schedule", schedules)
    rows = [(metric, name) for name in blocks for metric in METRICS]
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(rows) + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(len(rows), len(EVALUATIONS), sharex=True, sharey=True, squeeze=False)
    palette = style.schedule_colours(shown) if hue == "schedule" else style.distribution_colours(shown)
    dashes = style.protocol_dashes(shown)
    for (metric, name), row in zip(rows, axes, strict=True):
        part = shown[(shown["metric"] == metric) & (shown[block] == name)]
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            cell = part[part["evaluation"] == evaluation]
            curves.draw_curves(panel, cell, hue=hue, palette=palette, dashes=dashes)
            curves.finish_panel(panel, last_step=shown["step"].max(), chance=metric == "two_way")
            if metric == "two_way" and evaluation in RELABELLED:
                _mark_counting(panel, cell)
            if cell.empty:
                panel.text(0.5, 0.25, "not measured", transform=panel.transAxes, ha="center", color=style.GREY)
        row[0].set_ylabel(f"{blocks[name]}\n{style.METRIC_LABELS[metric]}")
    for evaluation, top, bottom in zip(EVALUATIONS, axes[0], axes[-1], strict=True):
        top.set_title(LABELS[evaluation])
        bottom.set_xlabel("training step")
    handles = curves.colour_handles(palette, schedules if hue == "schedule" else distributions)
    handles += [*curves.protocol_handles(dashes), *_reference_handles(shown)]
    handles += [curves.early_handle()] if curves.has_early(shown) else []
    figure.legend(
        handles=handles, loc="outside lower center", ncols=_num_columns(handles), title=curves.band_text(shown)
    )
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _num_columns(handles: Sequence[Line2D]) -> int:
    """Three columns, or as many as the width of the figure has room for; a legend is filled column by column."""
    lengths = [len(str(handle.get_label())) for handle in handles]
    for count in (3, 2):
        rows = -(-len(lengths) // count)
        if sum(max(lengths[first : first + rows]) for first in range(0, len(lengths), rows)) <= LEGEND_LETTERS:
            return count
    return 1


def _mark_counting(axes: Axes, cell: pd.DataFrame) -> None:
    """Draw what counting labels achieves, where that is more than chance."""
    for level in _counting(cell):
        axes.axhline(level, color=style.BLACK, linewidth=0.8, linestyle="-.", zorder=0)


def _reference_handles(numbers: pd.DataFrame) -> list[Line2D]:
    """Legend entries of the horizontal lines."""
    handles = [curves.chance_handle()]
    for protocols in _counting(numbers).values():
        label = f"most frequent label in the context ({', '.join(protocols)})"
        handles.append(Line2D([], [], color=style.BLACK, linewidth=0.8, linestyle="-.", label=label))
    return handles


def _counting(numbers: pd.DataFrame) -> dict[float, list[str]]:
    """Levels above chance that counting labels reaches, and the protocols in which it does."""
    above = numbers[numbers[COUNTING] > curves.CHANCE]
    return {float(level): sorted(part["protocol"].unique()) for level, part in above.groupby(COUNTING)}
