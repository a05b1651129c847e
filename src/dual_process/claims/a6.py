"""Claims of figure A6: under vanilla training a Zipf law makes the part of speech readable late in the embedding.

Probe store in, one claim per statement, distribution and protocol out. Under a Zipf law layer 0 comes after an upper
layer, under the uniform law before it: layer 3 as in the paper, or the last layer of a model with fewer. When a layer
comes is measured twice: as in the paper by the first step with an accuracy above .6, and by the first step at half of
its own rise, since a linear probe recognises frequent tokens by their untrained rows and may begin above .6.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, judge

FIGURE = "a6"
VARIABLES = ("probe_accuracy",)
THRESHOLD = 0.6
LEAST_RISE = 0.05
"""A layer whose accuracy rises less than this has no half rise."""
UPPER_LAYER = 3
ARRIVALS = {"above": "passes .6", "half": "reaches half of its rise"}


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol, Zipf law and the uniform law."""
    protocols: dict[str, list[Cell]] = {}
    for cell in cells(dataset, FIGURE):
        protocols.setdefault(cell.protocol, []).append(cell)
    return [
        claim
        for members in protocols.values()
        for law in ("zipf", "uniform")
        for cell in [cell for cell in members if cell.law == law] or [_absent(members[0], law)]
        for claim in _order(cell)
    ]


def _absent(cell: Cell, law: str) -> Cell:
    """Stand-in without runs, so that the claims of this law are listed as not testable."""
    return replace(cell, rows=(), distribution=law, law=law, alpha=np.nan, label=law)


def _order(cell: Cell) -> Iterator[Claim]:
    """Steps by which layer 0 comes after the upper layer, or before it under the uniform law."""
    sign, word = (1, "later") if cell.law == "zipf" else (-1, "earlier")
    law = "a Zipf law" if cell.law == "zipf" else "the uniform law"
    depth = [int(cell.store.labels("layers")[row]) for row in cell.rows[:1]]
    upper = min([UPPER_LAYER, *depth])
    for arrival, words in ARRIVALS.items():
        for probed in ("val", "tail") if cell.law == "zipf" else ("val",):
            layers = {
                layer: cell.curves("probe_accuracy", cell.names("vanilla")[0], layer=layer, probed=probed)
                for layer in (0, upper)
            }
            seeds = sorted(set(layers[0]) & set(layers[upper]))
            arrivals = [[_arrival(layers[layer][seed], arrival) for layer in (0, upper)] for seed in seeds]
            values = [
                _later(first, second, layers[0][seed]) for seed, (first, second) in zip(seeds, arrivals, strict=True)
            ]
            yield judge(
                cell,
                Statement(
                    f"A6.{cell.law}.layer_0_{word}.{arrival}.{probed}",
                    f"Under vanilla training with {law}, the layer-0 probe {words} {word} than that of an upper layer.",
                    ">",
                    0.0,
                ),
                [sign * value for value in values],
                conditions=f"vanilla, {probed}; value: steps between layers 0 and {upper}",
                note=_note(arrivals, [layers[0][seed] for seed in seeds]),
            )


def _arrival(curve: pd.Series, arrival: str) -> float:
    """Step at which a layer comes; NaN if it never does."""
    half = (curve.iloc[0] + curve.max()) / 2
    rises = curve.max() - curve.iloc[0] >= LEAST_RISE
    there = curve > THRESHOLD if arrival == "above" else (curve >= half) & rises
    return float(curve.index[there.to_numpy()][0]) if there.any() else float("nan")


def _later(first: float, second: float, curve: pd.Series) -> float:
    """Difference in steps; a layer that never comes counts as the last step, two such as NaN."""
    last = float(curve.index[-1])
    if np.isnan(first) and np.isnan(second):
        return float("nan")
    return (last if np.isnan(first) else first) - (last if np.isnan(second) else second)


def _note(arrivals: list[list[float]], curves: list[pd.Series]) -> str:
    """Say what a reader of the value should know."""
    if not arrivals:
        return ""
    table = np.array(arrivals)
    if np.isnan(table).all():
        return "no layer gets there in any seed"
    if np.isnan(table).any():
        return "a layer that never gets there counts as the last step"
    starts = np.array([curve.index[0] for curve in curves])
    return "both are there at the first checkpoint" if (table == starts[:, None]).all() else ""
