"""Rank correlation, for claims that say that one thing grows with another."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike


def rank_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's correlation of two sequences of equal length; NaN if either is constant."""
    ranks = [_ranks(np.asarray(values, float)) for values in (x, y)]
    if any(np.ptp(each) == 0 for each in ranks):
        return float("nan")
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 up; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def in_words(values: Iterable[float]) -> str:
    """Numbers of a list, for the notes of a claim."""
    return ", ".join(f"{value:,g}" if value < 1 else f"{value:,.0f}" for value in values)


def note_equal(values: Sequence[float], note: str) -> str:
    """Add to a note that a correlation is not defined, if that is so for every seed."""
    if not len(values) or np.isfinite(values).any():
        return note
    return f"{note}; accuracies are equal" if note else "accuracies are equal"
