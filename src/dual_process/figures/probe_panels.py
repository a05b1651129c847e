"""Probe accuracy by layer and step: its table, and a heatmap with the steps of its rise.

Legend: a row of the heatmap is a layer, 0 (the embedding output) at the bottom; colour is the mean over seeds; marks
are means over seeds, with a bar from the smallest to the largest seed. What was measured early in a reset cycle is in
the table but not in the heatmap, where it would cut each cycle into stripes.
"""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.lines import Line2D

from dual_process.figures import curves, heatmaps, style

PROBED = ("val", "tail")
THRESHOLD = 0.6
LEAST_RISE = 0.05
"""A layer whose accuracy rises less than this over training has no half rise."""
MARKS = {
    "above": ("o", f"first step above {THRESHOLD:g}"),
    "half": ("^", "first step at half of the layer's rise"),
}
"""Marker and words of each mark."""


def probe_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Probe accuracy of all runs, one row per run, step, layer and ``probed``, in ``value``."""
    present = [name for name in PROBED if name in dataset["probed"].values]
    frame = curves.run_frame(curves.with_phase(dataset, "probe_accuracy").sel(probed=present), name="value")
    if frame.empty:
        raise ValueError("no run has a probe accuracy on val or tail; add such runs to the grids of this figure")
    return frame


def steps_of_rise(numbers: pd.DataFrame) -> pd.DataFrame:
    """Steps at which the accuracy of each layer of each run passes `THRESHOLD` and half of its own rise.

    Returns
    -------
    pandas.DataFrame
        Index ``run``, ``layer``; columns "above" and "half", in steps, NaN where a layer never gets there.
    """
    numbers = numbers.sort_values("step")
    curve = numbers.groupby(["run", "layer"])["value"]
    start, top = curve.transform("first"), curve.transform("max")
    late = (numbers["value"] >= (start + top) / 2) & (top - start >= LEAST_RISE)
    rows = numbers.assign(above=numbers["step"].where(numbers["value"] > THRESHOLD), half=numbers["step"].where(late))
    return rows.groupby(["run", "layer"])[list(MARKS)].min()


def draw_probe(axes: Axes, numbers: pd.DataFrame, *, limits: tuple[float, float]) -> QuadMesh | None:
    """Draw the heatmap of one condition, late in the reset cycles; says "not measured" if it has no numbers.

    Parameters
    ----------
    axes
        Where to draw.
    numbers
        Rows of `probe_frame` of one distribution, schedule, protocol and ``probed``; any number of seeds.
    limits
        Values at the two ends of the colour map.

    Returns
    -------
    matplotlib.collections.QuadMesh or None
        Pass it to `heatmaps.colour_bar`; None if there are no numbers.
    """
    numbers = numbers[~(numbers[curves.PHASE] < numbers["period"] / 2)]
    if numbers.empty:
        blank(axes, "not measured")
        return None
    numbers = numbers.astype({"layer": int})
    table = numbers.pivot_table(index="layer", columns="step", values="value").sort_index(ascending=False)
    mesh = heatmaps.draw_over_steps(axes, table, limits=limits)
    rise = steps_of_rise(numbers)
    for name, (marker, _) in MARKS.items():
        for layer, steps in rise[name].dropna().groupby("layer"):
            y = table.index.get_loc(layer) + {"above": 0.68, "half": 0.32}[name]
            axes.plot([steps.min(), steps.max()], [y, y], color=style.BLACK, linewidth=0.9, solid_capstyle="butt")
            axes.plot(steps.mean(), y, marker, mfc="white", mec=style.BLACK, mew=0.7, markersize=4, clip_on=False)
    return mesh


def blank(axes: Axes, words: str) -> None:
    """Leave a panel empty but for a word; its y label stays, since it names the row."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=style.GREY)


def limits_of(numbers: pd.DataFrame) -> tuple[float, float]:
    """Colour limits: from the smallest value, rounded down to a twentieth, to 1."""
    return float(np.floor(min(numbers["value"].min(), 0.95) * 20) / 20), 1.0


def mark_handles(numbers: pd.DataFrame) -> list[Line2D]:
    """Legend entries of the marks."""
    several = numbers.groupby([*columns_of_panel(numbers), "layer"])["run"].nunique().max() > 1
    bar = " (bar: smallest to largest seed)" if several else ""
    return [
        Line2D(
            [], [], marker=marker, mfc="white", mec=style.BLACK, mew=0.7, markersize=4, linestyle="", label=word + bar
        )
        for marker, word in MARKS.values()
    ]


def columns_of_panel(numbers: pd.DataFrame) -> list[str]:
    """Columns that tell panels apart, so that what is left within one are seeds."""
    return [name for name in ("task", "distribution", "schedule", "protocol", "probed") if name in numbers]


def seeds_text(numbers: pd.DataFrame) -> str:
    """Say what the colour of a cell is."""
    counts = numbers.groupby(columns_of_panel(numbers))["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    phase = ", late in a reset cycle" if curves.has_early(numbers) else ""
    if high == 1:
        return f"cells: one seed{phase}"
    return f"cells: mean over {high if low == high else f'{low} to {high}'} seeds{phase}"
