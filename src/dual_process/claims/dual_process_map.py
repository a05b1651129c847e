"""Claims of the map of schedules: some temporary schedule ends as a dual process, no vanilla or active one does.

Probe store in, one claim per statement, distribution, metric and protocol out. The dual-process corner is unseen
accuracy at .9 or more with head-switch accuracy at .5 or less. A margin is the smaller of the two distances from these
limits, positive within the corner.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "dual_process_map"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
MIN_UNSEEN, MAX_SWITCH = 0.9, 0.5


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        for metric in METRICS
        for part in (_temporary, _others)
        for claim in part(cell, metric)
    ]


def margin(unseen: float, switch: float) -> float:
    """How far within the dual-process corner a pair of accuracies lies; negative outside."""
    return min(unseen - MIN_UNSEEN, MAX_SWITCH - switch)


def best(candidates: Mapping[str, Mapping[int, float]]) -> tuple[str, list[float]]:
    """Name of the schedule with the largest mean over seeds, and its values; empty if nothing was measured."""
    measured = {name: list(values.values()) for name, values in candidates.items() if values}
    if not measured:
        return "", []
    name = max(measured, key=lambda name: float(np.mean(measured[name])))
    return name, measured[name]


def _margins(cell: Cell, schedule: str, metric: str) -> dict[int, float]:
    """Margin at the end of training of each seed."""
    unseen, switch = (
        cell.ends("score", schedule, evaluation=evaluation, metric=metric) for evaluation in ("unseen", "switch")
    )
    return {seed: margin(unseen[seed], switch[seed]) for seed in unseen if seed in switch}


def _temporary(cell: Cell, metric: str) -> Iterator[Claim]:
    candidates = {name: _margins(cell, name, metric) for name in cell.names("temporary")}
    name, margins = best(candidates)
    yield judge(
        cell,
        Statement(
            f"map.temporary.ends_in_corner.{metric}",
            "Some temporary schedule ends in the dual-process corner: unseen >= .9, head switch <= .5.",
            ">=",
            0.0,
        ),
        margins,
        conditions=f"temporary, {metric}; value: margin within the corner",
        note=f"best of {len(candidates)}: {name}" if margins else "",
    )


def _others(cell: Cell, metric: str) -> Iterator[Claim]:
    words = {"vanilla": "vanilla training", "active": "active forgetting"}
    for kind, word in words.items():
        margins = [_margins(cell, name, metric) for name in cell.names(kind)]
        yield judge(
            cell,
            Statement(
                f"map.{kind}.ends_outside.{metric}", f"No run under {word} ends in the dual-process corner.", "<", 0.0
            ),
            [max(values) for values in combine(*margins)],
            conditions=f"{kind}, {metric}; value: largest margin of its schedules",
        )
