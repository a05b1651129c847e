"""Claims of the paths of training: temporary forgetting leads into the dual-process corner and stays there.

Probe store in, one claim per statement, distribution, metric and protocol out. Corner and margin are those of
:mod:`dual_process.claims.dual_process_map`, here at every step; what was measured in the first half of a reset cycle is
left out, as in the figure.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.dual_process_map import MAX_SWITCH, METRICS, MIN_UNSEEN, best
from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "phase_portrait"
VARIABLES = ("score", "steps_since_reset")
LAST_SHARE = 0.1


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        for metric in METRICS
        for part in (_temporary, _others)
        for claim in part(cell, metric)
    ]


def _paths(cell: Cell, schedule: str, metric: str) -> dict[int, pd.Series]:
    """Margin of each seed along its path, late in the reset cycles."""
    unseen, switch = (
        cell.curves("score", schedule, evaluation=evaluation, metric=metric) for evaluation in ("unseen", "switch")
    )
    since_reset, period = cell.curves("steps_since_reset", schedule), cell.period(schedule)
    paths = {}
    for seed in unseen:
        x, y = switch.get(seed), unseen[seed]
        if x is None or not x.index.equals(y.index):
            continue
        values = np.minimum(y.to_numpy() - MIN_UNSEEN, MAX_SWITCH - x.to_numpy())
        phase = since_reset.get(seed)
        early = [] if phase is None else phase.index[phase < period / 2]
        paths[seed] = pd.Series(values[~np.isin(y.index, early)], index=y.index[~np.isin(y.index, early)])
    return paths


def _temporary(cell: Cell, metric: str) -> Iterator[Claim]:
    """Smallest margin of the last tenth of the steps: a mean could hide a path that leaves."""
    candidates = {
        name: {
            seed: float(path[path.index >= (1 - LAST_SHARE) * path.index.max()].min())
            for seed, path in _paths(cell, name, metric).items()
        }
        for name in cell.names("temporary")
    }
    name, margins = best(candidates)
    yield judge(
        cell,
        Statement(
            f"phase.temporary.stays_in_corner.{metric}",
            "Some temporary schedule is in the dual-process corner throughout the last tenth of the steps.",
            ">=",
            0.0,
        ),
        margins,
        conditions=f"temporary, {metric}; value: smallest margin within the corner",
        note=f"best of {len(candidates)}: {name}" if margins else "",
    )


def _others(cell: Cell, metric: str) -> Iterator[Claim]:
    words = {"vanilla": "vanilla training", "active": "active forgetting"}
    for kind, word in words.items():
        largest = [
            {seed: float(path.max()) for seed, path in _paths(cell, name, metric).items()} for name in cell.names(kind)
        ]
        yield judge(
            cell,
            Statement(
                f"phase.{kind}.never_in_corner.{metric}",
                f"No path under {word} touches the dual-process corner at any step.",
                "<",
                0.0,
            ),
            [max(values) for values in combine(*largest)],
            conditions=f"{kind}, {metric}; value: largest margin at any step",
        )
