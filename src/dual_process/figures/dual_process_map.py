"""Where the dual process lies among temporary schedules: by period k of the resets and by the step N at which they end.

Dataset of the probe store in, figure out. Columns: accuracy at the end on unseen tokens, on exchanged classes, and the
distance from the dual-process corner (0 within it); a row of panels is a distribution and a protocol. In each map rows
are k and columns are N; active forgetting is the last column, vanilla training is in the title.
"""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from dual_process.figures import curves, grids, heatmaps, style
from dual_process.figures.phase_portrait import MAX_SWITCH, MIN_UNSEEN

VARIABLES = ("score",)
KINDS = ("vanilla", "active", "temporary")
QUANTITIES = {"unseen": "unseen", "switch": "head switch", "distance": "distance to the corner"}
COLOUR_MAPS = {"unseen": "viridis", "switch": "viridis", "distance": "magma_r"}
LARGEST_DISTANCE = 0.9
"""Distance of a run that has learned nothing of unseen tokens; colours end there."""
NEVER = "never:\nactive"
CELL_HEIGHT = 0.36


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Two-way accuracies at the end of training and the distance from the corner, one row per run and quantity.

    Raises
    ------
    ValueError
        If there is no run with temporary forgetting.
    """
    chosen = dataset.isel(run=np.flatnonzero(np.isin(dataset["kind"].values.astype(object), list(KINDS))))
    if "temporary" not in chosen["kind"].values:
        raise ValueError("no run has a temporary schedule; add temporary schedules of several k and N to the grids")
    frame = grids.end_frame(chosen, ("unseen", "switch"))
    frame = frame[frame["metric"] == "two_way"].drop(columns="metric").rename(columns={"evaluation": "quantity"})
    frame = frame.rename(columns={"accuracy": "value"})
    wide = frame.pivot(index="run", columns="quantity", values="value").reindex(columns=["unseen", "switch"]).dropna()
    distance = np.hypot((MIN_UNSEEN - wide["unseen"]).clip(lower=0), (wide["switch"] - MAX_SWITCH).clip(lower=0))
    runs = frame.drop_duplicates("run")
    runs = runs[runs["run"].isin(wide.index)]
    runs = runs.assign(quantity="distance", value=runs["run"].map(distance).round(curves.DECIMALS))
    return pd.concat([frame, runs], ignore_index=True)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    on_map = shown[shown["kind"] != "vanilla"]
    rows = _rows(on_map)
    periods = sorted(on_map["period"].unique())
    columns = [
        *sorted(on_map["forget_until"].dropna().unique()),
        *([np.inf] if on_map["forget_until"].isna().any() else []),
    ]
    height = (CELL_HEIGHT * len(periods) + 0.75) * len(rows) + 0.75
    figure = Figure(figsize=(style.WIDTH, height), layout="constrained")
    axes = figure.subplots(len(rows), len(QUANTITIES), sharex=True, sharey=True, squeeze=False)
    labels = style.distribution_labels(shown)
    meshes: dict[str, QuadMesh] = {}
    for row, panels in zip(rows, axes, strict=True):
        here = shown[(shown["distribution"] == row[0]) & (shown["protocol"] == row[1])]
        for quantity, panel in zip(QUANTITIES, panels, strict=True):
            meshes[quantity] = _draw_map(panel, here[here["quantity"] == quantity], quantity, periods, columns)
        panels[0].set_ylabel(f"{labels[row[0]]}\n{row[1]}\nperiod k (steps)")
    for panel in axes[-1]:
        panel.set_xlabel("last step N of forgetting")
    for quantity, column in zip(QUANTITIES, axes.T, strict=True):
        label = "distance" if quantity == "distance" else "two-way accuracy at the end"
        figure.colorbar(meshes[quantity], ax=list(column), location="bottom", label=label, aspect=25, shrink=0.9)
    figure.suptitle("; ".join(filter(None, [title, _text(shown)])), fontsize=7)
    return figure


def _rows(numbers: pd.DataFrame) -> list[tuple[str, str]]:
    """Distribution and protocol of each row of panels: those that have a temporary schedule."""
    temporary = numbers[numbers["kind"] == "temporary"]
    measured = set(zip(temporary["distribution"], temporary["protocol"], strict=True))
    order = [
        (name, protocol) for protocol in style.protocol_order(numbers) for name in style.distribution_order(numbers)
    ]
    return [row for row in order if row in measured]


def _draw_map(axes: Axes, numbers: pd.DataFrame, quantity: str, periods: list[float], columns: list[float]) -> QuadMesh:
    """Draw one quantity over periods and ends, with the mean in each cell and half the range of the seeds under it."""
    on_map = numbers[numbers["kind"] != "vanilla"].assign(until=lambda rows: rows["forget_until"].fillna(np.inf))
    by_cell = on_map.groupby(["period", "until"])["value"]
    names = [NEVER if np.isinf(end) else f"{int(end)}" for end in columns]
    tables = {}
    for statistic in ("mean", "min", "max"):
        table = by_cell.agg(statistic).unstack("until").reindex(index=periods, columns=columns)
        tables[statistic] = table.set_axis([f"{int(period)}" for period in periods]).set_axis(names, axis=1)
    half_range = (tables["max"] - tables["min"]) / 2
    notes = half_range.map(lambda value: f"\N{PLUS-MINUS SIGN}{grids.short(value)}") if _several(on_map) else None
    limits = (0.0, LARGEST_DISTANCE) if quantity == "distance" else (0.0, 1.0)
    mesh = heatmaps.draw_cells(axes, tables["mean"], limits=limits, notes=notes, colour_map=COLOUR_MAPS[quantity])
    axes.set_title(QUANTITIES[quantity] + _vanilla(numbers), fontsize=7)
    return mesh


def _several(numbers: pd.DataFrame) -> bool:
    return bool(numbers.groupby("schedule")["seed"].nunique().max() > 1)


def _vanilla(numbers: pd.DataFrame) -> str:
    """Words for the value of vanilla training."""
    values = numbers.loc[numbers["kind"] == "vanilla", "value"]
    if values.empty:
        return "\nvanilla: not measured"
    spread = f" ({grids.short(values.min())}\N{EN DASH}{grids.short(values.max())})" if len(values) > 1 else ""
    return f"\nvanilla: {grids.short(values.mean())}{spread}"


def _text(numbers: pd.DataFrame) -> str:
    """Say what a cell is."""
    corner = "corner: unseen \N{GREATER-THAN OR EQUAL TO} .9 and head switch \N{LESS-THAN OR EQUAL TO} .5, two-way"
    seeds = "mean over seeds \N{PLUS-MINUS SIGN} half their range" if _several(numbers) else "one seed"
    return f"{seeds}; {corner}; hatched: not measured"
