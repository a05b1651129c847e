"""Claims of figure A2: what a language model knows of words is read from upper layers first and moves down.

Stores of push-down probes in, claims out, for vanilla training. The paper's layer 2 of 12 becomes 1/6 of the depth, its
40k of 2,000k steps 2% of the training; what comes before 1% is left out where layers are ranked, for an untrained model
has no best layer. Triangles are those of the heatmap, cut from its upper left corner, the last layer at the first
checkpoint, to its lower right one; accuracy that merely grows counts there too, so the knees of the curves are compared
as well, which the published code defines and never uses.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.f2 import TRAINED, num_layers, within
from dual_process.claims.ranks import rank_correlation
from dual_process.claims.verdict import Cell, Claim, Statement, cells, end, judge
from dual_process.push_down_statistics import FEWEST_STEPS, knee_steps, push_down_score, triangle_difference

FIGURE = "push_down"
ID = "A2"
VARIABLES = ("push_down",)
ABSENT = "checkpoints absent: this configuration names none for push_down; see config/naturalistic.yaml"
LABELS = ("cpos", "fpos", "ner")
LOW_SHARE, EARLY = 1 / 6, 0.02
NOT_MEASURED = "not measured: the corpus has no such label, or fewer than three checkpoints from 1% of the steps on"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each series of checkpoints and label."""
    return [claim for cell in cells(dataset, FIGURE) for label in LABELS for claim in _label(cell, label)]


def heatmaps(cell: Cell, variable: str, **where: str) -> dict[int, pd.DataFrame]:
    """Accuracy by layer (column) and step (row) under vanilla training, by seed; steps at which all layers are there.

    Parameters
    ----------
    cell
        The runs.
    variable
        ``push_down`` or ``structure``.
    where
        The label or measure.
    """
    found: dict[int, dict[int, pd.Series]] = {}
    for layer in range(num_layers(cell) + 1):
        for seed, curve in cell.curves(variable, cell.names("vanilla")[0], layer=layer, **where).items():
            found.setdefault(seed, {})[layer] = curve
    tables = {seed: pd.DataFrame(curves).dropna() for seed, curves in found.items()}
    return {seed: table for seed, table in tables.items() if len(table)}


def trained(table: pd.DataFrame) -> pd.DataFrame:
    """Rows from 1% of the steps on; none if they are too few to say how they change."""
    kept = table.loc[within(pd.Series(0, index=table.index), TRAINED, 1).index]
    return kept if len(kept) >= FEWEST_STEPS else kept[:0]


def course(table: pd.DataFrame, layers: pd.Series) -> float:
    """Rank correlation of a layer with the step: 0 where the layer never changes, NaN without steps."""
    if table.empty:
        return float("nan")
    correlation = rank_correlation(layers.index.to_numpy(), layers.to_numpy())
    return 0.0 if np.isnan(correlation) else correlation


def triangles(table: pd.DataFrame) -> float:
    """Mean of the upper triangle of a heatmap minus that of the lower one; NaN of an empty one."""
    return triangle_difference(table.to_numpy(float))


def knee_lag(table: pd.DataFrame) -> float:
    """Share of the training by which the knee of the lowest layer's curve comes after that of the highest one."""
    if table.empty:
        return float("nan")
    steps = table.index.to_numpy(float)
    return push_down_score(knee_steps(table.to_numpy(float), steps)) / (steps[-1] - steps[0])


def _label(cell: Cell, label: str) -> Iterator[Claim]:
    tables = heatmaps(cell, "push_down", label=label)
    late = [trained(table) for table in tables.values()]
    low = max(1, round(LOW_SHARE * num_layers(cell)))
    conditions = f"vanilla, {label}"
    rows = [
        (
            Statement(f"A2.vanilla.best_layer_falls.{label}", "The best layer falls as training goes on.", "<", 0.0),
            [course(table, table.idxmax(axis=1)) for table in late],
            f"{conditions}; value: rank correlation of best layer and step, 0 if the layer never changes",
        ),
        (
            Statement(
                f"A2.vanilla.low_layer_rises.{label}",
                "A low layer, 2 of 12, gains more than .03 after the first 2% of the steps.",
                ">",
                0.03,
            ),
            [_gain(table[low]) for table in tables.values()],
            f"{conditions}, layer {low} of {num_layers(cell)}; value: end minus value at 2% of the steps",
        ),
        (
            Statement(
                f"A2.vanilla.upper_triangle.{label}",
                "The upper triangle of the heatmap, high layers and late steps, exceeds the lower one.",
                ">",
                0.0,
            ),
            [triangles(table) for table in late],
            f"{conditions}; value: difference of the means",
        ),
        (
            Statement(
                f"A2.vanilla.knee_comes_later_below.{label}",
                "The lowest layer reaches the knee of its curve later than the highest one (ours).",
                ">",
                0.0,
            ),
            [knee_lag(table) for table in late],
            f"{conditions}; value: difference of the knees, as a share of the steps",
        ),
    ]
    for statement, values, words in rows:
        measured = bool(np.isfinite(values).any())
        yield judge(cell, statement, values, conditions=words, note="" if measured else NOT_MEASURED)


def _gain(curve: pd.Series) -> float:
    """End minus the first value from 2% of the steps on."""
    later = within(curve, EARLY, 1)
    return end(curve) - float(later.iloc[0]) if len(later) > 1 else float("nan")
