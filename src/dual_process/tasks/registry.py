"""The tasks by kind, and what the rest of the pipeline may know of one.

A new task is a module of its own, a block in ``blocks/tasks.py`` and an entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dual_process import blocks
from dual_process.runs import DatasetPlan
from dual_process.tasks import associative_recall, associative_recall_dataset, dataset, part_of_speech

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Layout:
    """Shape of the sequences of a task.

    Parameters
    ----------
    num_positions
        Length of a sequence.
    targets
        Positions at which tokens are predicted.
    """

    num_positions: int
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """One task as training and probing see it.

    Parameters
    ----------
    make_dataset
        From a plan to the groups of a dataset store.
    expand
        From compact training sequences, arrays of shape (...), and the attributes of their group, to inputs
        (..., position) and targets (..., target).
    layout
        From the block of the task to the shape of its sequences.
    """

    make_dataset: Callable[[DatasetPlan], dict[str, xr.Dataset]]
    expand: Callable[[Arrays, Mapping[str, Any]], tuple[NDArray[np.int64], NDArray[np.int64]]]
    layout: Callable[[Any], Layout]


def _expand_part_of_speech(compact: Arrays, attrs: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return part_of_speech.expand(compact["template"], compact["adjective"], compact["noun"], copula=attrs["copula"])


def _expand_associative_recall(
    compact: Arrays, attrs: Mapping[str, Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return associative_recall.expand(compact["context"], compact["query"], compact["label"])


def layout(block: blocks.Task) -> Layout:
    """Shape of the sequences of the task that a block describes."""
    return TASKS[block.kind].layout(block)


TASKS: dict[str, Task] = {
    "part-of-speech": Task(
        make_dataset=dataset.make_dataset,
        expand=_expand_part_of_speech,
        layout=lambda block: Layout(part_of_speech.LENGTH, part_of_speech.TARGET_POSITIONS),
    ),
    "associative-recall": Task(
        make_dataset=associative_recall_dataset.make_dataset,
        expand=_expand_associative_recall,
        layout=lambda block: Layout(associative_recall.num_positions(block), associative_recall.targets(block)),
    ),
}
