"""Claims of figure V2: active forgetting keeps recall from the context, temporary forgetting keeps both kinds.

Probe store in, claims out, separately for each protocol and distribution. The thresholds are ours; README, "Claims".
Accuracies on unseen items are compared with what counting the labels of the context gives, as in V1.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from dual_process.claims.v1 import counting_accuracy, peaks
from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "v2"
VARIABLES = ("score",)
UNSEEN = {"evaluation": "unseen", "metric": "two_way"}
WEIGHTS = {"evaluation": "weights", "metric": "exact_match"}


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    claims: list[Claim] = []
    for cell in cells(dataset, FIGURE):
        for schedule in cell.names("active"):
            claims += _active(cell, schedule)
        claims.append(_temporary(cell))
    return claims


def _active(cell: Cell, schedule: str) -> Iterator[Claim]:
    counting = counting_accuracy(cell)
    is_recall = not np.isnan(counting)
    high = peaks(cell.curves("score", schedule, **UNSEEN)) if is_recall else {}
    last = cell.ends("score", schedule, **UNSEEN) if is_recall else {}
    weights = cell.ends("score", schedule, **WEIGHTS) if is_recall else {}
    vanilla = cell.ends("score", cell.names("vanilla")[0], **UNSEEN) if is_recall else {}
    missing = "" if last else "no active run of an associative-recall task among the runs of this figure"
    rows = [
        (
            Statement("V2.active.unseen.stays", "Accuracy on unseen items ends less than .1 below its peak.", "<", 0.1),
            [top - low for top, low in combine(high, last)],
        ),
        (
            Statement(
                "V2.active.unseen.exceeds_counting",
                "Accuracy on unseen items ends .1 or more above what counting labels gives.",
                ">=",
                0.1,
            ),
            [value - counting for value in last.values()],
        ),
        (
            Statement(
                "V2.active.unseen.above_vanilla",
                "Accuracy on unseen items ends .2 or more above vanilla's.",
                ">=",
                0.2,
            ),
            [own - other for own, other in combine(last, vanilla)],
        ),
        (
            Statement("V2.active.weights.low", "Accuracy from the weights alone ends at .2 or less.", "<=", 0.2),
            list(weights.values()),
        ),
    ]
    for statement, values in rows:
        metric = "weights, exact_match" if ".weights." in statement.name else "unseen, two_way"
        told = f"counting labels gives {counting:g}" if "counting" in statement.name else ""
        yield judge(
            cell,
            statement,
            values,
            conditions=f"{schedule}, {metric}",
            schedule=schedule,
            note=missing or (told if values else "no vanilla run of the same seed"),
        )


def _temporary(cell: Cell) -> Claim:
    """Smaller of two margins, by seed, for the schedule at which their mean is largest."""
    counting = counting_accuracy(cell)
    candidates: dict[str, list[float]] = {}
    for schedule in [] if np.isnan(counting) else cell.names("temporary"):
        pairs = combine(cell.ends("score", schedule, **UNSEEN), cell.ends("score", schedule, **WEIGHTS))
        if pairs:
            candidates[schedule] = [min(unseen - counting - 0.1, weights - 0.6) for unseen, weights in pairs]
    best = max(candidates, key=lambda name: np.mean(candidates[name]), default="")
    return judge(
        cell,
        Statement(
            "V2.temporary.both",
            "For some temporary schedule accuracy on unseen items ends .1 or more above counting labels, and accuracy "
            "from the weights alone at .6 or more.",
            ">=",
            0.0,
        ),
        candidates.get(best, []),
        conditions="temporary; unseen two_way, weights exact_match; value: smaller of the two margins",
        note=f"best of {len(candidates)}: {best}"
        if best
        else "no temporary run of an associative-recall task among the runs of this figure",
    )
