"""What the runs of a cohort must have in common: one tensor program trains and measures them all.

Distributions, schedules and seeds may differ within a cohort; the shape of a sequence and the meaning of an id may not.
Training and probing take these from here, and never from some one run.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from dual_process import blocks
from dual_process.store import open_store
from dual_process.tasks.registry import Layout, layout

OF_ONE_RUN = ("run_labels",)
"""Attributes of a vocabulary that are told of its run alone."""
MEANING = ("token", "role", "contrast", "contrast_side")
"""Variables of a vocabulary that say what an id is."""


def shared_layout(tasks: Iterable[blocks.Task]) -> Layout:
    """Shape of the sequences of all runs of a cohort.

    Parameters
    ----------
    tasks
        Task of each run.

    Raises
    ------
    ValueError
        If their sequences differ in shape.
    """
    return only_one("shapes of sequences", [layout(task) for task in tasks])


def shared_vocabulary(vocabularies: Sequence[xr.Dataset]) -> xr.Dataset:
    """Vocabulary that stands for those of all runs of a cohort in what an id means, though not in its frequency.

    Parameters
    ----------
    vocabularies
        Vocabulary group of each run's data set.

    Raises
    ------
    ValueError
        If an id means different things in them.
    """
    distinct = {id(each): each for each in vocabularies}.values()  # runs that share a data set may share this too
    for name in {name: None for each in distinct for name in each.attrs if name not in OF_ONE_RUN}:
        only_one(f"vocabularies: {name}", [each.attrs.get(name) for each in distinct])
    for name in MEANING:
        only_one(f"vocabularies: {name}", [each[name].variable for each in distinct], xr.Variable.equals)
    return vocabularies[0]


def open_vocabularies(stores: Iterable[str | Path]) -> list[xr.Dataset]:
    """Read the vocabulary of each run's data set; runs that share a data set share it."""
    paths = list(stores)
    opened = {path: open_store(path, "vocabulary") for path in dict.fromkeys(paths)}
    return [opened[path] for path in paths]


def only_one(what: str, values: Sequence[Any], same: Callable[[Any, Any], bool] = operator.eq) -> Any:
    """Return what all values are.

    Parameters
    ----------
    what
        Says in the error what the values are, in the plural.
    values
        One of each run.
    same
        Whether two are the same.

    Raises
    ------
    ValueError
        If they are not all the same.
    """
    first = values[0]
    for other in values[1:]:
        if not same(first, other):
            shown = "" if isinstance(first, xr.Variable) else f" ({first} and {other})"
            raise ValueError(f"the runs of a cohort have different {what}{shown}; train and probe them in two cohorts")
    return first
