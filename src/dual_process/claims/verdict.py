"""What a claim is, and how a verdict is reached from the values of the seeds.

Input are the values that a claim's cell of the probe store gives; output is a frozen :class:`Claim`. A claim that
fails is a finding: nothing here raises for it. What a module of claims needs can be imported from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dual_process.claims.cell import Cell, cells, combine, end, run_table

__all__ = ["Cell", "Claim", "Comparison", "Statement", "Verdict", "cells", "combine", "end", "judge", "run_table"]

Comparison = Literal[">=", "<=", ">", "<"]
Verdict = Literal["holds", "fails", "not testable"]

ANY_PROTOCOL = "any"
"""Protocol of a row that stands for a whole figure, none of whose claims can be tested."""
DECIMALS = 6
"""Values are rounded to what single precision holds: an accuracy stored as .9 is .9."""
COMPARE = {">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less}


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, put to the test under one protocol.

    Parameters
    ----------
    id
        Stable name, such as "F3.vanilla.unseen.fades[zipf-1.0001]".
    figure
        Name of the figure that shows it.
    statement
        What is claimed, in words.
    protocol
        Protocol of the runs, or `ANY_PROTOCOL`.
    conditions
        Runs and metric that were looked at.
    value
        Mean over seeds; None if there is none.
    low, high
        Smallest and largest seed.
    comparison, threshold
        The claim holds if `value` compares so with the threshold; None for a row that stands for a whole figure.
    verdict
        "holds", "fails" or "not testable".
    reason
        How the verdict came about; what is missing if it is "not testable".
    values
        Value of each seed, in no lasting order.
    interval_low, interval_high
        95% interval of `value` over resampled seeds and sequences, see :mod:`dual_process.claims.bootstrap`; None if
        there is none.
    """

    id: str
    figure: str
    statement: str
    protocol: str
    conditions: str
    value: float | None
    low: float | None
    high: float | None
    comparison: Comparison | None
    threshold: float | None
    verdict: Verdict
    reason: str
    values: tuple[float, ...] = ()
    interval_low: float | None = None
    interval_high: float | None = None


@dataclass(frozen=True)
class Statement:
    """What is claimed of a value.

    Parameters
    ----------
    name
        First part of the ids of its claims.
    text
        One sentence.
    comparison, threshold
        As in :class:`Claim`.
    """

    name: str
    text: str
    comparison: Comparison
    threshold: float


def judge(
    cell: Cell,
    statement: Statement,
    values: Sequence[float],
    *,
    conditions: str,
    schedule: str | None = None,
    note: str = "",
) -> Claim:
    """Reach a verdict by the mean over seeds.

    Parameters
    ----------
    cell
        The runs; they give the figure, the protocol and the label in the id.
    statement
        What is claimed.
    values
        One value per seed; NaN where a seed has none.
    conditions
        As in :class:`Claim`; the distribution is added in front.
    schedule
        Named in the id too.
    note
        What a reader should know besides, such as which schedule was the best.
    """
    finite = [round(value, DECIMALS) for value in values if np.isfinite(value)]
    value = low = high = None
    verdict: Verdict = "not testable"
    reason = note or f"no run has this; the grids of {cell.figure} need runs of {cell.label} as under conditions"
    if finite:
        value, low, high = float(np.mean(finite)), float(min(finite)), float(max(finite))
        verdict = "holds" if COMPARE[statement.comparison](value, statement.threshold) else "fails"
        reason = f"mean over {len(finite)} seed{'s' if len(finite) > 1 else ''}" + (f"; {note}" if note else "")
    return Claim(
        id=f"{statement.name}[{cell.label}{',' + schedule if schedule else ''}]",
        figure=cell.figure,
        statement=statement.text,
        protocol=cell.protocol,
        conditions=f"{cell.label}; {conditions}",
        value=value,
        low=low,
        high=high,
        comparison=statement.comparison,
        threshold=statement.threshold,
        verdict=verdict,
        reason=reason,
        values=tuple(finite),
    )
