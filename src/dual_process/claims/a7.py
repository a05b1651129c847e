"""Claims of figure A7: without ambiguous types the in-weights strategy takes over; a tenth of them prevents it.

Probe store in, one claim per statement, task, distribution, metric and protocol out. The paper shows exact match;
two-way accuracy stands beside it. Ambiguity is the share of ambiguous types of a task.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "a7"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
NONE, TENTH = 0.0, 0.1
"""Shares of ambiguous types that the paper compares."""


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol, task and Zipf law."""
    protocols: dict[str, list[Cell]] = {}
    for cell in cells(dataset, FIGURE):
        protocols.setdefault(cell.protocol, []).append(cell)
    claims: list[Claim] = []
    for members in protocols.values():
        for share, statements in ((NONE, _unambiguous), (TENTH, _ambiguous)):
            chosen = [cell for cell in members if cell.law == "zipf" and np.isclose(_ambiguity(cell), share)]
            for cell in chosen or [_absent(members[0], share)]:
                claims += [claim for metric in METRICS for claim in statements(cell, metric)]
    return claims


def _ambiguity(cell: Cell) -> float:
    """Share of ambiguous types of the task of a cell."""
    return float(cell.store.labels("ambiguity")[cell.rows[0]])


def _absent(cell: Cell, share: float) -> Cell:
    """Stand-in without runs, so that the claims of this share are listed as not testable."""
    name = f"zipf,ambiguity-{share:g}"
    return replace(cell, rows=(), distribution="zipf", law="zipf", alpha=np.nan, label=name)


def _unambiguous(cell: Cell, metric: str) -> Iterator[Claim]:
    vanilla = cell.names("vanilla")[0]
    switch, validation, tail = (
        cell.ends("score", vanilla, evaluation=evaluation, metric=metric)
        for evaluation in ("switch", "val", "tail_switch")
    )
    conditions = f"vanilla, ambiguity 0, {metric}"
    yield judge(
        cell,
        Statement(
            f"A7.unambiguous.switch.low.{metric}",
            "Without ambiguous types, head-switch accuracy ends below .1 under vanilla training.",
            "<",
            0.1,
        ),
        list(switch.values()),
        conditions=conditions,
    )
    yield judge(
        cell,
        Statement(
            f"A7.unambiguous.val.high.{metric}",
            "Without ambiguous types, validation accuracy ends above .95 under vanilla training.",
            ">",
            0.95,
        ),
        list(validation.values()),
        conditions=conditions,
    )
    yield judge(
        cell,
        Statement(
            f"A7.unambiguous.tail_switch.between.{metric}",
            "Without ambiguous types, tail-switch accuracy ends between .2 and .5 under vanilla training.",
            ">=",
            0.0,
        ),
        [min(value - 0.2, 0.5 - value) for value in tail.values()],
        conditions=f"{conditions}; value: distance to the nearer bound, negative outside",
    )


def _ambiguous(cell: Cell, metric: str) -> Iterator[Claim]:
    vanilla = cell.names("vanilla")[0]
    switch, validation = (
        cell.ends("score", vanilla, evaluation=evaluation, metric=metric) for evaluation in ("switch", "val")
    )
    yield judge(
        cell,
        Statement(
            f"A7.ambiguous.switch_equals_val.{metric}",
            "With a tenth of ambiguous types, head-switch and validation accuracy end at most .05 apart under vanilla "
            "training.",
            "<=",
            0.05,
        ),
        [abs(a - b) for a, b in combine(switch, validation)],
        conditions=f"vanilla, ambiguity .1, {metric}",
    )
