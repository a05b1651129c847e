"""Curves over training: their numbers from the probe store, and how they are drawn.

Legend: a panel is one axes; colour is what is compared within it, line style is the protocol, the line is the mean
over seeds and the band goes from the smallest to the largest seed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dual_process.figures import style
from dual_process.store import RUN_COLUMNS

MAX_RESET_MARKS = 100
DECIMALS = 6
"""Values are rounded to what single precision holds, so that a csv read again draws the same."""
BAND_OPACITY = 0.35
CHANCE = 0.5
PHASE = "steps_since_reset"


def run_frame(values: xr.DataArray, *, name: str) -> pd.DataFrame:
    """Tidy table of a variable: one row per run and cell that was measured.

    Parameters
    ----------
    values
        A variable of the probe store with a dimension ``run``.
    name
        Column that takes the values.

    Returns
    -------
    pandas.DataFrame
        Columns ``run``, `RUN_COLUMNS`, the dimensions of `values` and `name`; cells that are NaN are left out.
    """
    dims = [str(dim) for dim in values.dims if dim != "run"]
    for coordinate in values.coords:
        if values[coordinate].dtype.kind in "TU":
            values = values.assign_coords({coordinate: values[coordinate].astype(object)})
    frame = values.to_dataframe(name=name).reset_index().dropna(subset=name)
    frame[name] = frame[name].astype(float).round(DECIMALS)
    phase = [PHASE] if PHASE in frame else []
    return frame[["run", *RUN_COLUMNS, *dims, *phase, name]].reset_index(drop=True)


def with_phase(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable over `step` together with the steps since the last reset, as a coordinate."""
    return dataset[name].assign_coords({PHASE: dataset[PHASE]})


def score_frame(dataset: xr.Dataset, *, kinds: Sequence[str], evaluations: Sequence[str]) -> pd.DataFrame:
    """Exact match and two-way accuracy of all runs under schedules of the given kinds.

    Raises
    ------
    ValueError
        If none of the runs has any of the evaluations.
    """
    score = with_phase(dataset, "score").isel(run=np.isin(dataset["kind"].values.astype(object), list(kinds)))
    present = [name for name in evaluations if name in score["evaluation"].values]
    frame = run_frame(score.sel(evaluation=present, metric=list(style.METRIC_LABELS)), name="accuracy")
    if frame.empty:
        raise ValueError(
            f"no run under a schedule of kind {', '.join(kinds)} has scores for {', '.join(evaluations)}; "
            f"add such runs to the grids of this figure"
        )
    return frame


def first_setting(numbers: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Restrict to one task, model and training, so that a band is a spread over seeds and nothing else.

    Returns
    -------
    numbers
        Rows of the first task, model and training, by name.
    title
        What is shown, if something is left out; else empty.
    """
    keys = ["task", "model", "training"]
    settings = numbers[keys].drop_duplicates().sort_values(keys)
    first = settings.iloc[0]
    words = ", ".join(f"{key} {first[key]}" for key in keys if settings[key].nunique() > 1)
    title = f"{words} (first of {len(settings)} settings)" if words else ""
    return numbers[(numbers[keys] == first).all(axis=1)], title


def draw_curves(
    axes: Axes,
    numbers: pd.DataFrame,
    *,
    y: str = "accuracy",
    hue: str,
    palette: Mapping[str, str],
    dashes: Mapping[str, tuple[float, ...]],
) -> None:
    """Draw mean and band over seeds, a line per value of `hue` and protocol.

    Curves saw-tooth with the resets, so a line joins what was measured late in a cycle; what was measured in the first
    half of a cycle is drawn as dots.
    """
    if numbers.empty:
        return
    early = numbers[PHASE] < numbers["period"] / 2
    for (name, _, _), dots in numbers[early].groupby([hue, "protocol", "step"]):
        axes.plot(dots["step"].iloc[0], dots[y].mean(), ".", color=palette[name], markersize=2.5)
    sns.lineplot(
        data=numbers[~early],
        x="step",
        y=y,
        hue=hue,
        hue_order=[name for name in palette if (numbers[hue] == name).any()],
        palette=dict(palette),
        style="protocol",
        style_order=[name for name in dashes if (numbers["protocol"] == name).any()],
        dashes=dict(dashes),
        errorbar=("pi", 100),
        err_kws={"alpha": BAND_OPACITY / len(dashes), "linewidth": 0},
        legend=False,
        ax=axes,
    )


def finish_panel(axes: Axes, *, last_step: float, chance: bool) -> None:
    """Set limits, ticks and the chance line of an accuracy panel."""
    axes.set(xlabel="", ylabel="", xlim=(0, last_step), ylim=(-0.04, 1.04))
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if chance:
        axes.axhline(CHANCE, color=style.BLACK, linewidth=0.8, linestyle=":", zorder=0)


def mark_resets(axes: Axes, *, period: float, until: float) -> bool:
    """Mark the resets before step `until` as ticks on the lower edge; too many are not marked.

    Returns
    -------
    bool
        Whether anything was marked.
    """
    if np.isnan(period):
        return False
    resets = np.arange(period, until, period)
    if not 0 < len(resets) <= MAX_RESET_MARKS:
        return False
    axes.vlines(resets, 0, 0.045, transform=axes.get_xaxis_transform(), colors=style.GREY, linewidth=0.5)
    return True


def colour_handles(palette: Mapping[str, str], labels: Mapping[str, str]) -> list[Line2D]:
    """Legend entries of the colours."""
    return [Line2D([], [], color=colour, label=labels[name]) for name, colour in palette.items()]


def protocol_handles(dashes: Mapping[str, tuple[float, ...]]) -> list[Line2D]:
    """Legend entries of the line styles; none for a single protocol."""
    if len(dashes) < 2:
        return []
    handles = []
    for name, pattern in dashes.items():
        line: Any = Line2D([], [], color=style.BLACK, label=f"protocol {name}")
        if pattern:
            line.set_dashes(pattern)
        handles.append(line)
    return handles


def chance_handle() -> Line2D:
    """Legend entry of the chance line."""
    return Line2D([], [], color=style.BLACK, linewidth=0.8, linestyle=":", label="chance (two-way)")


def early_handle() -> Line2D:
    """Legend entry of the dots."""
    return Line2D([], [], color=style.BLACK, marker=".", markersize=3, linestyle="", label="early in a reset cycle")


def has_early(numbers: pd.DataFrame) -> bool:
    """Whether anything was measured in the first half of a reset cycle."""
    return bool((numbers[PHASE] < numbers["period"] / 2).any())


def reset_handle() -> Line2D:
    """Legend entry of the marks of resets."""
    return Line2D([], [], color=style.GREY, marker="|", markersize=5, linestyle="", label="reset of the embedding")


def band_text(numbers: pd.DataFrame) -> str:
    """Say what lines and bands are."""
    counts = numbers.groupby(["distribution", "schedule", "protocol"])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        return "lines: one seed"
    seeds = f"{high} seeds" if low == high else f"{low} to {high} seeds"
    return f"lines: mean over {seeds}; bands: minimum to maximum"
