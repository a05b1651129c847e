"""Claims of exact match beside two-way: part of what fades is the copying of unseen tokens, not the choice among them.

Probe store in, one claim per statement, distribution and protocol out. A fall is the peak minus the end of a curve on
unseen tokens. These claims are ours: the paper reports exact match alone.
"""

from collections.abc import Iterator

import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, end, judge

FIGURE = "exact_and_two_way"
VARIABLES = ("score",)
CLEAR_FALL = 0.1
"""Exact match has to fall by more than this for its causes to be asked for."""


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [claim for cell in cells(dataset, FIGURE) for part in (_vanilla, _active) for claim in part(cell)]


def _falls(cell: Cell, schedule: str, metric: str) -> dict[int, float]:
    """Peak minus end of each seed, on unseen tokens."""
    curves = cell.curves("score", schedule, evaluation="unseen", metric=metric)
    return {seed: float(curve.max()) - end(curve) for seed, curve in curves.items()}


def _vanilla(cell: Cell) -> Iterator[Claim]:
    (schedule, *_) = cell.names("vanilla")
    exact, two_way, copied = (_falls(cell, schedule, metric) for metric in ("exact_match", "two_way", "copied"))
    falling = {seed: fall for seed, fall in exact.items() if fall > CLEAR_FALL}
    note = "" if falling or not exact else "exact match falls by .1 or less, so there is nothing to explain"
    yield judge(
        cell,
        Statement(
            "exact.vanilla.falls_more_than_two_way",
            "Under vanilla training, unseen exact match falls further below its peak than two-way accuracy.",
            ">",
            0.0,
        ),
        [whole - choice for whole, choice in combine(falling, two_way)],
        conditions="vanilla, unseen; fall of exact match minus that of two-way, seeds whose exact match falls by > .1",
        note=note,
    )
    yield judge(
        cell,
        Statement(
            "exact.vanilla.falls_with_copying",
            "Under vanilla training, the copying of unseen tokens falls by at least half as much as exact match.",
            ">=",
            0.5,
        ),
        [copying / whole for whole, copying in combine(falling, copied)],
        conditions="vanilla, unseen; fall of `copied` over that of exact match, seeds whose exact match falls by > .1",
        note=note,
    )
    yield judge(
        cell,
        Statement(
            "exact.vanilla.choice_remains",
            "Under vanilla training, unseen two-way accuracy ends at .8 or more: the choice is not lost.",
            ">=",
            0.8,
        ),
        list(cell.ends("score", schedule, evaluation="unseen", metric="two_way").values()),
        conditions="vanilla, unseen, two_way",
    )


def _active(cell: Cell) -> Iterator[Claim]:
    for schedule in cell.names("active"):
        exact, two_way = (
            cell.ends("score", schedule, evaluation="unseen", metric=metric) for metric in ("exact_match", "two_way")
        )
        yield judge(
            cell,
            Statement(
                "exact.active.equals_two_way",
                "Under active forgetting, unseen exact match ends less than .05 below two-way accuracy.",
                "<",
                0.05,
            ),
            [choice - whole for whole, choice in combine(exact, two_way)],
            conditions=f"{schedule}, unseen; two-way minus exact match",
            schedule=schedule,
        )
