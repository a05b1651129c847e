"""Claims on attention heads: one head carries out the in-context rule, and vanilla training turns it away.

Probe store in, one claim per statement, distribution and protocol out. Statements and thresholds are ours, not the
paper's: the in-context rule says that the adjective is the token after the copula, so a head should read that token
rather than the other one of the statement, on tokens that have no class in the weights.
"""

from collections.abc import Iterator
from itertools import product

import pandas as pd
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, end, judge

FIGURE = "heads"
VARIABLES = ("attention_reading", "ablation_effect")
PROBE_SET = "unseen"
READ, OTHER = "after_copula", "other_slot"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [claim for cell in cells(dataset, FIGURE) for part in (_active, _vanilla) for claim in part(cell)]


def _active(cell: Cell) -> Iterator[Claim]:
    for schedule in cell.names("active"):
        preferences = _preferences(cell, schedule).values()
        yield judge(
            cell,
            Statement(
                "heads.active.reads_after_copula",
                "Under active forgetting, some head ends with .2 more attention to the token after the copula than to "
                "the other one of the statement.",
                ">=",
                0.2,
            ),
            [max(end(curve) for curve in curves) for curves in preferences],
            conditions=f"{schedule}, unseen tokens, first target; value: largest head",
            schedule=schedule,
        )
        yield judge(
            cell,
            Statement(
                "heads.active.one_head_needed",
                "Under active forgetting, zeroing some head takes .2 or more of the two-way accuracy on unseen tokens.",
                ">=",
                0.2,
            ),
            [max(-end(curve) for curve in curves) for curves in _effects(cell, schedule).values()],
            conditions=f"{schedule}, unseen tokens; value: largest loss of a head at the end",
            schedule=schedule,
        )


def _vanilla(cell: Cell) -> Iterator[Claim]:
    preferences = _preferences(cell, cell.names("vanilla")[0]).values()
    yield judge(
        cell,
        Statement(
            "heads.vanilla.reading_fades",
            "Under vanilla training, the head that most prefers the token after the copula ends .1 or more below its "
            "largest preference.",
            ">=",
            0.1,
        ),
        [_fall(max(curves, key=lambda curve: float(curve.max()))) for curves in preferences],
        conditions="vanilla, unseen tokens, first target; value: largest preference minus that at the end",
    )


def _fall(curve: pd.Series) -> float:
    return float(curve.max() - end(curve))


def _heads(cell: Cell) -> list[dict[str, object]]:
    """Coordinates of each head."""
    layers, heads = (cell.store.labels(name).tolist() for name in ("layer_index", "head"))
    return [{"layer_index": layer, "head": head} for layer, head in product(layers, heads)]


def _preferences(cell: Cell, schedule: str) -> dict[int, list[pd.Series]]:
    """Attention to the token after the copula minus that to the other token, by seed, a curve for each head."""
    found: dict[int, list[pd.Series]] = {}
    for head in _heads(cell):
        where = {**head, "probe_set": PROBE_SET}
        read, other = (cell.curves("attention_reading", schedule, part=part, **where) for part in (READ, OTHER))
        for seed in set(read) & set(other):
            found.setdefault(seed, []).append(read[seed] - other[seed])
    return found


def _effects(cell: Cell, schedule: str) -> dict[int, list[pd.Series]]:
    """Change of two-way accuracy without a head, by seed, a curve for each head."""
    found: dict[int, list[pd.Series]] = {}
    for head in _heads(cell):
        for seed, curve in cell.curves("ablation_effect", schedule, **head, probe_set=PROBE_SET).items():
            found.setdefault(seed, []).append(curve)
    return found
