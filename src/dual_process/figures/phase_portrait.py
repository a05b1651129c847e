"""Paths of training between in-context and in-weights learning.

Dataset of the probe store in, figure out. A panel is a distribution (column) and a protocol (row); x is two-way
accuracy on exchanged classes (1 in context, 0 in weights), y that on unseen tokens, a path is a schedule. The shaded
corner is the dual process: in context for unseen tokens, in weights for frequent ones.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dual_process.figures import curves, grids, style

VARIABLES = ("score", "steps_since_reset")
X, Y = "switch", "unseen"
MIN_UNSEEN, MAX_SWITCH = 0.9, 0.5
"""The dual-process corner: the same limits as in the claims."""
CORNER_COLOUR = "#F7E6C4"
NUM_MARKS = 5
"""Marks along a path, evenly spread over training, the start and the end included."""
COLUMNS = 4
PANEL_HEIGHT = 1.75
LOWEST = 0.42
"""Lower end of the y axis, unless a path goes below: two-way accuracy begins at .5."""


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Two-way accuracies of all runs, one row per run, step and evaluation.

    What was measured early in a reset cycle is left out: paths join like phases.
    """
    kinds = sorted(set(dataset["kind"].values.astype(object)))
    frame = curves.score_frame(dataset, kinds=kinds, evaluations=(X, Y))
    late = ~(frame[curves.PHASE] < frame["period"] / 2)
    return frame[late & (frame["metric"] == "two_way")].reset_index(drop=True)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    palette, labels = style.schedule_colours(shown), style.distribution_labels(shown)
    cells = _cells(shown)
    num_columns = min(COLUMNS, max(2, len(cells)))
    num_rows = -(-len(cells) // num_columns)
    height = (PANEL_HEIGHT + 0.3) * num_rows + 0.65 + 0.16 * (-(-(len(palette) + 3) // 3))
    figure = Figure(figsize=(style.WIDTH, height), layout="constrained")
    axes = figure.subplots(num_rows, num_columns, sharex=True, sharey=True, squeeze=False)
    panels = list(axes.flat)
    for (distribution, protocol), panel in zip(cells, panels, strict=False):
        cell = shown[(shown["distribution"] == distribution) & (shown["protocol"] == protocol)]
        for schedule, path in cell.groupby("schedule"):
            _draw_path(panel, path, palette[schedule], last=shown["step"].max())
        _finish(panel, lowest=min(LOWEST, shown["accuracy"].where(shown["evaluation"] == Y).min() - 0.04))
        panel.set_title(f"{labels[distribution]}\n{protocol}", fontsize=7)
    for panel in panels[len(cells) :]:
        panel.set_axis_off()
    for index, panel in enumerate(panels[: len(cells)]):
        if index + num_columns >= len(cells):
            panel.set_xlabel("head switch, two-way")
            panel.tick_params(labelbottom=True)
        if index % num_columns == 0:
            panel.set_ylabel("unseen, two-way")
    handles = [*curves.colour_handles(palette, grids.schedule_labels(shown)), *_handles()]
    text = _text(shown)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=text)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _cells(numbers: pd.DataFrame) -> list[tuple[str, str]]:
    """Distribution and protocol of each panel."""
    measured = set(zip(numbers["distribution"], numbers["protocol"], strict=True))
    order = [
        (name, protocol) for protocol in style.protocol_order(numbers) for name in style.distribution_order(numbers)
    ]
    return [cell for cell in order if cell in measured]


def _draw_path(axes: Axes, path: pd.DataFrame, colour: str, *, last: float) -> None:
    """Draw each seed thin and their mean thick, with marks along the mean and a bar over the seeds at the end."""
    for _, seed in path.groupby("run"):
        table = seed.pivot(index="step", columns="evaluation", values="accuracy").reindex(columns=[X, Y]).dropna()
        axes.plot(table[X], table[Y], color=colour, linewidth=0.5, alpha=0.35)
    mean = path.pivot_table(index="step", columns="evaluation", values="accuracy").reindex(columns=[X, Y]).dropna()
    if mean.empty:
        return
    axes.plot(mean[X], mean[Y], color=colour, linewidth=1.1)
    nearest = [np.abs(mean.index - step).argmin() for step in np.linspace(0, last, NUM_MARKS)]
    for number, index in enumerate(nearest[:-1]):
        size = 2 + number * 0.5
        axes.plot(mean[X].iloc[index], mean[Y].iloc[index], "o", color=colour, markersize=size, markerfacecolor="white")
    ends = path[path["step"] == mean.index[-1]].groupby("evaluation")["accuracy"].agg(["min", "max"])
    x, y = mean[X].iloc[-1], mean[Y].iloc[-1]
    axes.hlines(y, ends.at[X, "min"], ends.at[X, "max"], colors=colour, linewidth=0.9)
    axes.vlines(x, ends.at[Y, "min"], ends.at[Y, "max"], colors=colour, linewidth=0.9)
    axes.plot(x, y, "D", color=colour, markersize=4.5, markeredgecolor="white", markeredgewidth=0.5, zorder=4)


def _finish(axes: Axes, *, lowest: float) -> None:
    axes.set(xlim=(-0.04, 1.04), ylim=(lowest, 1.04), xlabel="", ylabel="")
    axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    ticks = {0: "0", 0.25: ".25", 0.5: ".5", 0.75: ".75", 1: "1"}
    shown = [tick for tick in ticks if tick >= lowest]
    axes.set_yticks(shown, [ticks[tick] for tick in shown])
    axes.fill_between([-0.04, MAX_SWITCH], MIN_UNSEEN, 1.04, color=CORNER_COLOUR, linewidth=0, zorder=0)


def _handles() -> list[Any]:
    mark: dict[str, Any] = {"color": style.BLACK, "linestyle": ""}
    return [
        Line2D([], [], marker="o", markersize=3, markerfacecolor="white", label="0, 1/4, 1/2, 3/4 of training", **mark),
        Line2D([], [], marker="D", markersize=4, label="end of training", **mark),
        Patch(
            color=CORNER_COLOUR,
            linewidth=0,
            label="dual process: unseen \N{GREATER-THAN OR EQUAL TO} .9, switch \N{LESS-THAN OR EQUAL TO} .5",
        ),
    ]


def _text(numbers: pd.DataFrame) -> str:
    """Say what the paths are."""
    if numbers.groupby(["distribution", "schedule", "protocol"])["seed"].nunique().max() == 1:
        return "paths: one seed, measured late in a reset cycle"
    return (
        "thick: mean over seeds, measured late in a reset cycle; thin: each seed; bars at the end: minimum to maximum"
    )
