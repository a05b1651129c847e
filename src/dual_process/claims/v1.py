"""Claims of figure V1: recall from the context rises and fades under vanilla training, recall from the weights stays.

Probe store in, claims out, separately for each protocol and distribution. The thresholds are ours; README, "Claims".
What counting the labels of the context achieves comes with the runs, as the coordinate `counting_accuracy`.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "v1"
VARIABLES = ("score",)
COUNTING = "counting_accuracy"
MISSING = "no vanilla run of an associative-recall task among the runs of this figure"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    claims: list[Claim] = []
    for cell in cells(dataset, FIGURE):
        for schedule in cell.names("vanilla"):
            claims += [*_unseen(cell, schedule), *_known(cell, schedule)]
    return claims


def counting_accuracy(cell: Cell) -> float:
    """Two-way accuracy of answering the label that is most frequent in the context; NaN for runs of other tasks."""
    if COUNTING not in cell.store.dataset.coords:
        return float("nan")
    return float(cell.store.labels(COUNTING)[cell.rows[0]])


def peak(curve: pd.Series) -> float:
    """Largest mean of three neighbouring measurements, so that one lucky measurement makes no peak."""
    return float(curve.rolling(3, min_periods=1, center=True).mean().max())


def peaks(curves: Mapping[int, pd.Series]) -> dict[int, float]:
    """Peak of each seed's curve."""
    return {seed: peak(curve) for seed, curve in curves.items()}


def _unseen(cell: Cell, schedule: str) -> Iterator[Claim]:
    where = {"evaluation": "unseen", "metric": "two_way"}
    high = peaks(cell.curves("score", schedule, **where))
    last = cell.ends("score", schedule, **where)
    counting = counting_accuracy(cell)
    note = MISSING if not high or np.isnan(counting) else f"counting labels gives {counting:g}"
    rows = [
        (Statement("V1.vanilla.unseen.rises", "Accuracy on unseen items rises above .6.", ">=", 0.6), high.values()),
        (
            Statement(
                "V1.vanilla.unseen.exceeds_counting",
                "At its peak, accuracy on unseen items is .1 or more above what counting labels gives.",
                ">=",
                0.1,
            ),
            [value - counting for value in high.values()],
        ),
        (
            Statement(
                "V1.vanilla.unseen.fades", "Accuracy on unseen items ends .15 or more below its peak.", ">=", 0.15
            ),
            [top - low for top, low in combine(high, last)],
        ),
        (
            Statement("V1.vanilla.unseen.ends_at_chance", "Accuracy on unseen items ends at .55 or less.", "<=", 0.55),
            last.values(),
        ),
    ]
    for statement, values in rows:
        measured = [] if np.isnan(counting) else list(values)
        yield judge(cell, statement, measured, conditions="vanilla, unseen, two_way", note=note)


def _known(cell: Cell, schedule: str) -> Iterator[Claim]:
    counting = counting_accuracy(cell)
    is_recall = not np.isnan(counting)
    context = cell.ends("score", schedule, evaluation="context", metric="two_way") if is_recall else {}
    weights = cell.ends("score", schedule, evaluation="weights", metric="exact_match") if is_recall else {}
    validation = cell.ends("score", schedule, evaluation="val", metric="exact_match") if is_recall else {}
    missing = "" if context else MISSING
    yield judge(
        cell,
        Statement("V1.vanilla.val.learned", "Validation accuracy ends at .95 or more.", ">=", 0.95),
        list(validation.values()),
        conditions="vanilla, val, exact_match",
        note=missing,
    )
    yield judge(
        cell,
        Statement("V1.vanilla.weights.learned", "Accuracy from the weights alone ends at .6 or more.", ">=", 0.6),
        list(weights.values()),
        conditions="vanilla, weights, exact_match",
        note=missing,
    )
    yield judge(
        cell,
        Statement(
            "V1.vanilla.context.is_counting",
            "With new labels for trained items accuracy ends within .05 of what counting labels gives "
            "(the published curves stay at .75).",
            "<=",
            0.05,
        ),
        [abs(value - counting) for value in context.values()],
        conditions="vanilla, context, two_way; value: distance from counting",
        note=missing or f"counting labels gives {counting:g}",
    )
