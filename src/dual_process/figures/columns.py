"""Columns of panels: which stand side by side, and how the schedules above them are named."""

from collections.abc import Sequence
from typing import TypeVar

import pandas as pd

from dual_process.figures import style

Column = TypeVar("Column")
WIDE = 3
"""Up to so many columns, there is room for a schedule's period and end on one line."""


def pages(groups: Sequence[Sequence[Column]], most: int) -> list[list[Column]]:
    """Split columns into the fewest pages, of about equal width; a group stays together where it fits.

    Parameters
    ----------
    groups
        Columns in order, in groups, such as the schedules of a distribution.
    most
        Most columns side by side.

    Examples
    --------
    >>> pages([["a", "b"], ["c", "d"], ["e", "f"]], most=5)
    [['a', 'b', 'c', 'd'], ['e', 'f']]
    >>> pages([["a"], ["b"], ["c"], ["d"]], most=3)
    [['a', 'b'], ['c', 'd']]
    """
    fewest = len(_packed(groups, most))
    least = min(most, max(map(len, groups), default=most))
    return next(found for size in range(least, most + 1) if len(found := _packed(groups, size)) == fewest)


def _packed(groups: Sequence[Sequence[Column]], most: int) -> list[list[Column]]:
    """Fill pages from the first on."""
    packed: list[list[Column]] = []
    for group in groups:
        for piece in (list(group[start : start + most]) for start in range(0, len(group), most)):
            if packed and len(packed[-1]) + len(piece) <= most:
                packed[-1] += piece
            else:
                packed.append(piece)
    return packed


def schedule_titles(numbers: pd.DataFrame, num_columns: int) -> dict[str, str]:
    """Label of each schedule, broken into lines that fit above one of several columns."""
    labels = style.schedule_labels(numbers)
    titles = {name: label.replace(", ", "\n") for name, label in labels.items()}
    if num_columns <= WIDE:
        return titles
    return {name: title.replace(" until ", "\nuntil ") for name, title in titles.items()}
