"""Choices of the protocol, such as the scale of a reset, and what each does to the end of training.

Dataset of the probe store in, figure out. One row a protocol, columns are evaluations; colour is the schedule, the
marker is the metric. Rows of panels are distributions.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dual_process.figures import curves, grids, style

VARIABLES = ("score",)
EVALUATIONS = ("unseen", "switch", "tail_switch", "val")
MARKERS = {"two_way": "o", "exact_match": "x"}
LINE_HEIGHT = 0.11
"""Height of one schedule of one protocol, in inches."""
PROTOCOL_GAP = 0.08
MIN_HEIGHT = 0.8
SPREAD = 0.7
"""Share of a protocol's row over which its schedules are spread."""


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies at the end of training, one row per run, evaluation and metric."""
    return grids.end_frame(dataset, EVALUATIONS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    palette, labels = style.schedule_colours(shown), style.distribution_labels(shown)
    protocols = {name: style.protocol_order(shown[shown["distribution"] == name]) for name in labels}
    row_height = len(palette) * LINE_HEIGHT + PROTOCOL_GAP
    heights = [max(MIN_HEIGHT, len(names) * row_height + 0.15) for names in protocols.values()]
    legend_height = 0.65 + 0.15 * (-(-(len(palette) + len(MARKERS) + 1) // 3))
    figure = Figure(figsize=(style.WIDTH, sum(heights) + legend_height), layout="constrained")
    axes = figure.subplots(
        len(labels), len(EVALUATIONS), sharex=True, sharey="row", squeeze=False, height_ratios=heights
    )
    for (distribution, names), row in zip(protocols.items(), axes, strict=True):
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            cell = shown[(shown["distribution"] == distribution) & (shown["evaluation"] == evaluation)]
            _draw_dots(panel, cell, names, palette)
            _finish(panel, names)
            if cell.empty:
                grids.not_measured(panel)
        row[0].set_ylabel(labels[distribution])
    for evaluation, top, bottom in zip(EVALUATIONS, axes[0], axes[-1], strict=True):
        top.set_title(style.EVALUATION_LABELS[evaluation])
        bottom.set_xlabel("accuracy at the end")
    handles = [*curves.colour_handles(palette, grids.schedule_labels(shown)), *map(_marker_handle, MARKERS)]
    handles.append(curves.chance_handle())
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=grids.ends_text(shown))
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_dots(axes: Axes, numbers: pd.DataFrame, protocols: list[str], palette: Mapping[str, str]) -> None:
    """Draw mean and range over seeds, a line of its own for each schedule and metric of a protocol."""
    lines = [(schedule, metric) for schedule in palette for metric in MARKERS]
    offsets = dict(zip(lines, np.linspace(-SPREAD / 2, SPREAD / 2, len(lines)), strict=True))
    for (protocol, schedule, metric), seeds in numbers.groupby(["protocol", "schedule", "metric"]):
        values, colour = seeds["accuracy"], palette[schedule]
        place = protocols.index(protocol) + offsets[schedule, metric]
        axes.hlines(place, values.min(), values.max(), colors=colour, linewidth=0.9)
        axes.plot(values.mean(), place, MARKERS[metric], color=colour, markersize=3, markeredgewidth=0.9)


def _finish(axes: Axes, protocols: list[str]) -> None:
    axes.set(xlim=(-0.04, 1.04), ylim=(len(protocols) - 0.5, -0.5))
    axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_yticks(range(len(protocols)), protocols)
    axes.tick_params(axis="y", length=0)
    axes.hlines(np.arange(len(protocols) - 1) + 0.5, -0.04, 1.04, colors=style.GREY, linewidth=0.3)
    axes.axvline(curves.CHANCE, color=style.BLACK, linewidth=0.8, linestyle=":", zorder=0)


def _marker_handle(metric: str) -> Line2D:
    label = f"{style.METRIC_LABELS[metric]} accuracy"
    return Line2D([], [], color=style.BLACK, marker=MARKERS[metric], markersize=3, linestyle="", label=label)
