"""Claims of figure A10: active forgetting serves embeddings of unseen tokens that were never met in training.

Probe store in, one claim per statement, distribution, metric and protocol out. The thresholds are ours; README,
"Claims".
"""

from collections.abc import Iterator

import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, judge

FIGURE = "a10"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
WORDS = {"unseen_uniform": "drawn from U(0, 1)", "unseen_normal": "drawn from N(5, 5)"}
MISSING = "no such runs, or no such set; needs a task with unseen_variants and the set in probing.evaluations"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        for metric in METRICS
        for evaluation in WORDS
        for claim in _variant(cell, evaluation, metric)
    ]


def _variant(cell: Cell, evaluation: str, metric: str) -> Iterator[Claim]:
    ends = cell.ends("score", cell.names("vanilla")[0], evaluation=evaluation, metric=metric)
    yield judge(
        cell,
        Statement(
            f"A10.vanilla.{evaluation}.lost.{metric}",
            f"Under vanilla training, accuracy on unseen tokens with rows {WORDS[evaluation]} ends below .9.",
            "<",
            0.9,
        ),
        list(ends.values()),
        conditions=f"vanilla, {metric}",
        note="" if ends else MISSING,
    )
    for schedule in cell.names("active"):
        ends = cell.ends("score", schedule, evaluation=evaluation, metric=metric)
        yield judge(
            cell,
            Statement(
                f"A10.active.{evaluation}.stays.{metric}",
                f"Under active forgetting, accuracy on unseen tokens with rows {WORDS[evaluation]} ends at .9 or more.",
                ">=",
                0.9,
            ),
            list(ends.values()),
            conditions=f"{schedule}, {metric}",
            schedule=schedule,
            note="" if ends else MISSING,
        )
