"""Heatmaps: cells with their values written in, or rows over training steps, and their colour bar.

A table goes in, its rows from top to bottom and its columns from left to right; what is NaN was not measured and stays
hatched.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch

from dual_process.figures import style

SEQUENTIAL, DIVERGING = "viridis", "RdBu"
MISSING_COLOUR, MISSING_HATCH = "#E6E6E6", "////"
DARK = 0.179
"""Relative luminance at which white and black text have the same contrast, 4.6; below it text is white."""


def draw_cells(
    axes: Axes,
    table: pd.DataFrame,
    *,
    limits: tuple[float, float],
    notes: pd.DataFrame | None = None,
    colour_map: str = SEQUENTIAL,
) -> QuadMesh:
    """Draw cells of equal size, each with its value and, below it, a note.

    Parameters
    ----------
    axes
        Where to draw; the labels of the table become tick labels.
    table
        Values, shape (row, column); NaN where nothing was measured.
    limits
        Values at the two ends of the colour map.
    notes
        Text under each value, such as the range of the seeds; same shape.
    colour_map
        Name of a Matplotlib colour map.

    Returns
    -------
    matplotlib.collections.QuadMesh
        Pass it to `colour_bar`.
    """
    mesh = _mesh(axes, np.arange(table.shape[1] + 1), table, limits, colour_map)
    colours = np.asarray(mesh.to_rgba(np.ma.masked_invalid(table.to_numpy(float))))
    for row, column in np.argwhere(table.notna().to_numpy()):
        text = f"{table.iat[row, column]:.2f}" + (f"\n{notes.iat[row, column]}" if notes is not None else "")
        shade = "white" if _luminance(colours[row, column]) < DARK else style.BLACK
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=shade, linespacing=0.95)
    axes.set_xticks(np.arange(table.shape[1]) + 0.5, [str(label) for label in table.columns])
    axes.tick_params(length=0)
    return mesh


def draw_over_steps(
    axes: Axes, table: pd.DataFrame, *, limits: tuple[float, float], colour_map: str = SEQUENTIAL
) -> QuadMesh:
    """Draw rows over training steps on a logarithmic axis; each checkpoint reaches halfway to its neighbours.

    Parameters
    ----------
    axes
        Where to draw; the first row of the table is on top.
    table
        Values, shape (row, step); its columns are training steps in increasing order.
    limits
        Values at the two ends of the colour map.
    colour_map
        Name of a Matplotlib colour map.

    Returns
    -------
    matplotlib.collections.QuadMesh
        Pass it to `colour_bar`.
    """
    steps = [float(step) for step in table.columns]
    mesh = _mesh(axes, step_edges(steps), table, limits, colour_map)
    logarithmic_steps(axes, steps)
    return mesh


def logarithmic_steps(axes: Axes, steps: Sequence[float]) -> None:
    """Make the x axis logarithmic over some training steps; step 0 stays at the left end."""
    smallest, last = min((step for step in steps if step > 0), default=1.0), max(steps)
    axes.set_xscale("symlog", linthresh=smallest, linscale=0.3)
    ticks = [10**power for power in range(9) if min(steps) <= 10**power <= last]
    axes.set_xticks(ticks, [f"{tick // 1000}k" if tick >= 1000 else str(tick) for tick in ticks])
    axes.minorticks_off()
    if last > min(steps):
        axes.set_xlim(min(steps), last)


def step_edges(steps: Sequence[float]) -> np.ndarray:
    """Edges between checkpoints: geometric means of neighbours, half the first step after step 0, ends as they are."""
    if len(steps) == 1:
        return np.array([steps[0] - 0.5, steps[0] + 0.5])
    x = np.asarray(steps, float)
    between = np.where(x[:-1] > 0, np.sqrt(x[:-1] * x[1:]), x[1:] / 2)
    return np.concatenate([x[:1], between, x[-1:]])


def colour_bar(figure: Figure | SubFigure, mesh: QuadMesh, axes: Sequence[Axes], *, label: str) -> Colorbar:
    """Draw the colour bar at the right of some panels."""
    bar = figure.colorbar(mesh, ax=list(axes), label=label, aspect=30, pad=0.01, fraction=0.05)
    bar.outline.set_linewidth(0.6)
    return bar


def missing_handle() -> Patch:
    """Legend entry of the hatched cells."""
    return Patch(facecolor=MISSING_COLOUR, edgecolor=style.GREY, hatch=MISSING_HATCH, linewidth=0, label="not measured")


def _mesh(
    axes: Axes, x: np.ndarray, table: pd.DataFrame, limits: tuple[float, float], colour_map: str | Any
) -> QuadMesh:
    axes.set_facecolor(MISSING_COLOUR)
    axes.patch.set(hatch=MISSING_HATCH, edgecolor=style.GREY, linewidth=0)
    values = np.ma.masked_invalid(table.to_numpy(float))
    low, high = limits
    mesh = axes.pcolormesh(x, np.arange(len(table) + 1), values, cmap=colour_map, vmin=low, vmax=high, rasterized=True)
    axes.set_ylim(len(table), 0)
    axes.set_yticks(np.arange(len(table)) + 0.5, [str(label) for label in table.index])
    for side in axes.spines.values():
        side.set_visible(False)
    return mesh


def _luminance(colour: np.ndarray) -> float:
    """Relative luminance of a colour, 0 to 1, from its sRGB values."""
    red, green, blue = mpl.colors.to_rgb(tuple(colour))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
