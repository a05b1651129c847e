"""Claims of figure A12: the in-weights strategy is preferred the more, the more frequent the tokens.

Probe store in, one claim per schedule, distribution, metric and protocol out. The preference in a rank bin is 1 minus
the accuracy with exchanged classes on its unambiguous types. The thresholds are ours; README, "Claims".
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from dual_process.claims.ranks import note_equal, rank_correlation
from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "a12"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
BINS = tuple(f"bin_{index}_unambiguous_switch" for index in range(10))
"""Evaluation sets from the most to the least frequent types."""
MIN_BINS = 3
MISSING = "no such runs, or no sets by frequency; needs a task with frequency_bins and the sets in probing.evaluations"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        if cell.law != "uniform"  # its bins are not bins of frequency
        for metric in METRICS
        for kind, words in {"vanilla": "vanilla training", "temporary": "temporary forgetting"}.items()
        for claim in _preference(cell, kind, words, metric)
    ]


def _preference(cell: Cell, kind: str, words: str, metric: str) -> Iterator[Claim]:
    for schedule in cell.names(kind):
        ends = [cell.ends("score", schedule, evaluation=name, metric=metric) for name in BINS]
        measured = [(-index, end) for index, end in enumerate(ends) if end]
        frequency = [place for place, _ in measured]
        enough = len(measured) >= MIN_BINS
        table = combine(*(end for _, end in measured)) if enough else []
        values = [rank_correlation(frequency, 1 - np.array(row)) for row in table]
        yield judge(
            cell,
            Statement(
                f"A12.{kind}.preference_grows_with_frequency.{metric}",
                f"Under {words}, the preference for the in-weights strategy grows with the frequency of tokens "
                "(rank correlation >= .5).",
                ">=",
                0.5,
            ),
            values,
            conditions=f"{schedule}, {metric}; value: rank correlation over rank bins",
            schedule=None if kind == "vanilla" else schedule,
            note=note_equal(values, f"{len(measured)} bins") if enough else MISSING,
        )
