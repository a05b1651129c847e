"""Claims of figure 3: without forgetting, structural in-context learning is transient; with active forgetting it stays.

Probe store in, one claim per statement, distribution, metric and protocol out. The thresholds are
ours; README, "Claims".
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, end, judge

FIGURE = "fig3"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
MAIN_ALPHA = 1.0001
STEEPEST_WITH_TAIL = 1.5


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    claims = []
    protocols: dict[str, list[Cell]] = {}
    for cell in cells(dataset, FIGURE):
        protocols.setdefault(cell.protocol, []).append(cell)
    for members in protocols.values():
        main = [cell for cell in members if cell.law == "zipf" and np.isclose(cell.alpha, MAIN_ALPHA)]
        claims += [claim for cell in main or [_absent(members[0])] for claim in _headline(cell)]
        for cell in members:
            for metric in METRICS:
                claims += _vanilla(cell, metric) if cell.law == "zipf" else []
                claims += _tail(cell, metric) if cell.law != "uniform" else []
                claims += _active(cell, metric)
    return claims


def _absent(cell: Cell) -> Cell:
    """Stand-in without runs for the main distribution, so that its claims are listed as not testable."""
    name = f"zipf-{MAIN_ALPHA}"
    return replace(cell, rows=(), distribution=name, law="zipf", alpha=MAIN_ALPHA, label=name)


def _headline(cell: Cell) -> Iterator[Claim]:
    curves = cell.curves("score", cell.names("vanilla")[0], evaluation="unseen", metric="two_way").values()
    conditions = "vanilla, two_way"
    yield judge(
        cell,
        Statement("F3.vanilla.unseen.peaks", "Under vanilla training, unseen accuracy peaks at .9 or more.", ">=", 0.9),
        [curve.max() for curve in curves],
        conditions=conditions,
    )
    yield judge(
        cell,
        Statement(
            "F3.vanilla.unseen.fades",
            "Under vanilla training, unseen accuracy ends at least .25 below its peak.",
            ">=",
            0.25,
        ),
        [curve.max() - end(curve) for curve in curves],
        conditions=conditions,
    )


def _vanilla(cell: Cell, metric: str) -> Iterator[Claim]:
    curves = cell.curves("score", cell.names("vanilla")[0], evaluation="unseen", metric=metric).values()
    yield judge(
        cell,
        Statement(
            f"F3.vanilla.unseen.rises.{metric}", "Under vanilla training, unseen accuracy rises above .6.", ">", 0.6
        ),
        [curve.max() for curve in curves],
        conditions=f"vanilla, {metric}",
    )
    yield judge(
        cell,
        Statement(
            f"F3.vanilla.unseen.transient.{metric}",
            "Under vanilla training, unseen accuracy ends more than .2 below its peak.",
            ">",
            0.2,
        ),
        [curve.max() - end(curve) for curve in curves],
        conditions=f"vanilla, {metric}",
    )


def _tail(cell: Cell, metric: str) -> Iterator[Claim]:
    vanilla = cell.names("vanilla")[0]
    tail = cell.ends("score", vanilla, evaluation="tail_switch", metric=metric)
    head = cell.ends("score", vanilla, evaluation="switch", metric=metric)
    yield judge(
        cell,
        Statement(
            f"F3.vanilla.tail_above_head.{metric}",
            "Under vanilla training, tail-switch accuracy ends above head-switch accuracy.",
            ">",
            0.0,
        ),
        [a - b for a, b in combine(tail, head)],
        conditions=f"vanilla, {metric}",
    )
    if metric == "exact_match" and cell.law == "zipf" and cell.alpha < STEEPEST_WITH_TAIL:
        yield judge(
            cell,
            Statement(
                f"F3.vanilla.tail_switch.remains.{metric}",
                "Under vanilla training, tail-switch accuracy ends above .05 (exponents below 1.5).",
                ">",
                0.05,
            ),
            list(tail.values()),
            conditions=f"vanilla, {metric}",
        )


def _active(cell: Cell, metric: str) -> Iterator[Claim]:
    words = {"unseen": "unseen", "switch": "head-switch", "tail_switch": "tail-switch"}
    for schedule in cell.names("active"):
        for evaluation, word in words.items():
            if evaluation == "tail_switch" and cell.law == "uniform":
                continue
            yield judge(
                cell,
                Statement(
                    f"F3.active.{evaluation}.stays.{metric}",
                    f"Under active forgetting, {word} accuracy ends at .9 or more.",
                    ">=",
                    0.9,
                ),
                list(cell.ends("score", schedule, evaluation=evaluation, metric=metric).values()),
                conditions=f"{schedule}, {metric}",
                schedule=schedule,
            )
        switch = cell.ends("score", schedule, evaluation="switch", metric=metric)
        validation = cell.ends("score", schedule, evaluation="val", metric=metric)
        yield judge(
            cell,
            Statement(
                f"F3.active.switch_equals_val.{metric}",
                "Under active forgetting, head-switch and validation accuracy end less than .05 apart.",
                "<",
                0.05,
            ),
            [abs(a - b) for a, b in combine(switch, validation)],
            conditions=f"{schedule}, {metric}",
            schedule=schedule,
        )
