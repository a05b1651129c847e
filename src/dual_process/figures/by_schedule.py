"""Curves over training with the schedules as colours: figure 4 and its relatives.

Rows: distribution within metric; columns: evaluation; colour: schedule. The end of forgetting of a schedule is marked.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from dual_process.figures import curves, grids, style

ROW_HEIGHT = 1.05
LEGEND_HEIGHT = 1.1
METRICS = ("two_way", "exact_match")


def draw(numbers: pd.DataFrame, evaluations: Sequence[str]) -> Figure:
    """Draw a figure of nothing but these curves, for the first task, model and training.

    Parameters
    ----------
    numbers
        What `curves.score_frame` returned.
    evaluations
        Names of the columns, from left to right.
    """
    shown, title = curves.first_setting(numbers)
    figure = Figure(figsize=(style.WIDTH, height(shown)), layout="constrained")
    draw_panels(figure, shown, evaluations)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def height(numbers: pd.DataFrame) -> float:
    """Height that the panels need, in inches."""
    return ROW_HEIGHT * len(_rows(numbers)) + LEGEND_HEIGHT


def draw_panels(figure: Figure | SubFigure, numbers: pd.DataFrame, evaluations: Sequence[str]) -> None:
    """Draw panels and legend into a figure or a part of one; `numbers` is of one task, model and training."""
    rows = _rows(numbers)
    axes = figure.subplots(len(rows), len(evaluations), sharex=True, sharey=True, squeeze=False)
    palette, dashes = style.schedule_colours(numbers), style.protocol_dashes(numbers)
    labels, last_step = style.distribution_labels(numbers), numbers["step"].max()
    ends = numbers.drop_duplicates("schedule").set_index("schedule")["forget_until"].dropna()
    for (metric, distribution), row in zip(rows, axes, strict=True):
        for evaluation, panel in zip(evaluations, row, strict=True):
            chosen = (numbers["metric"] == metric) & (numbers["distribution"] == distribution)
            cell = numbers[chosen & (numbers["evaluation"] == evaluation)]
            curves.draw_curves(panel, cell, hue="schedule", palette=palette, dashes=dashes)
            curves.finish_panel(panel, last_step=last_step, chance=metric == "two_way")
            if cell.empty:
                grids.not_measured(panel)
            else:
                _mark_ends(panel, ends, palette)
        row[0].set_ylabel(f"{labels[distribution]}\n{style.METRIC_LABELS[metric]}")
    for evaluation, top, bottom in zip(evaluations, axes[0], axes[-1], strict=True):
        top.set_title(grids.EVALUATION_LABELS.get(evaluation, evaluation), pad=9 if len(ends) else None)
        bottom.set_xlabel("training step")
    handles = curves.colour_handles(palette, grids.schedule_labels(numbers)) + curves.protocol_handles(dashes)
    handles.append(curves.chance_handle())
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    if len(ends):
        handles.append(
            Line2D([], [], color=style.BLACK, marker="v", markersize=3.5, linestyle="", label="end of forgetting N")
        )
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 3), title=curves.band_text(numbers)
    )


def _rows(numbers: pd.DataFrame) -> list[tuple[str, str]]:
    """Metric and distribution of each row of panels."""
    metrics = [name for name in METRICS if name in set(numbers["metric"])]
    return [(metric, name) for metric in metrics for name in style.distribution_order(numbers)]


def _mark_ends(axes: Axes, ends: pd.Series, palette: Mapping[str, str]) -> None:
    """Mark each end of forgetting by a triangle on the upper edge and a faint line, in the colour of its schedule."""
    for name, end in ends.items():
        colour = palette[str(name)]
        axes.axvline(end, color=colour, linewidth=0.6, alpha=0.45, zorder=0)
        axes.plot(end, 1.05, "v", color=colour, markersize=3.5, transform=axes.get_xaxis_transform(), clip_on=False)
