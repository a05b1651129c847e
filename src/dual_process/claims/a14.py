"""Claims of figure A14: the more an embedding drifts, the more is solved in context.

Probe store in, one claim per evaluation, distribution, metric and protocol out. At every p the embedding is never
trained, so p = 0 is a frozen random embedding and counts as a value of p. The thresholds are ours; README, "Claims".
"""

import xarray as xr

from dual_process.claims.ranks import in_words, note_equal, rank_correlation
from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "a14"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
WORDS = {"unseen": "unseen", "switch": "head-switch"}


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        _grows(cell, evaluation, metric)
        for cell in cells(dataset, FIGURE)
        for metric in METRICS
        for evaluation in WORDS
    ]


def _grows(cell: Cell, evaluation: str, metric: str) -> Claim:
    drifts = {
        name: p for name, p in _probabilities(cell).items() if cell.ends("score", name, **_where(evaluation, metric))
    }
    ends = [cell.ends("score", name, **_where(evaluation, metric)) for name in drifts]
    enough = len(drifts) > 1
    values = [rank_correlation(list(drifts.values()), row) for row in combine(*ends)] if enough else []
    return judge(
        cell,
        Statement(
            f"A14.drift.{evaluation}.grows.{metric}",
            f"The more the embedding drifts, the higher {WORDS[evaluation]} accuracy ends (rank correlation >= .8).",
            ">=",
            0.8,
        ),
        values,
        conditions=f"drift, {metric}",
        note=note_equal(values, f"p {in_words(drifts.values())}") if enough else "needs drift with two values of p",
    )


def _where(evaluation: str, metric: str) -> dict[str, str]:
    return {"evaluation": evaluation, "metric": metric}


def _probabilities(cell: Cell) -> dict[str, float]:
    """Probability of each drift schedule, in increasing order."""
    kinds, names, values = (cell.store.labels(name) for name in ("kind", "schedule", "probability"))
    found = {str(names[row]): float(values[row]) for row in cell.rows if kinds[row] == "drift"}
    return dict(sorted(found.items(), key=lambda item: item[1]))
