"""The tasks by kind, and what the rest of the pipeline may know of one.

A new task is a module of its own, a block in ``blocks.py`` and an entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dual_process.runs import DatasetPlan
from dual_process.tasks import dataset, part_of_speech

Arrays = Mapping[str, NDArray[Any]]


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
    num_positions
        Length of a sequence.
    targets
        Positions whose tokens are predicted.
    """

    make_dataset: Callable[[DatasetPlan], dict[str, xr.Dataset]]
    expand: Callable[[Arrays, Mapping[str, Any]], tuple[NDArray[np.int64], NDArray[np.int64]]]
    num_positions: int
    targets: tuple[int, ...]


def _expand_part_of_speech(compact: Arrays, attrs: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return part_of_speech.expand(compact["template"], compact["adjective"], compact["noun"], copula=attrs["copula"])


TASKS = {
    "part-of-speech": Task(
        make_dataset=dataset.make_dataset,
        expand=_expand_part_of_speech,
        num_positions=part_of_speech.LENGTH,
        targets=part_of_speech.TARGET_POSITIONS,
    )
}
