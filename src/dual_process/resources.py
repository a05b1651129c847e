"""What jobs ask for. Read at every start of Snakemake, on every node, so nothing heavy is imported here."""

from collections.abc import Callable
from typing import Any

from dual_process.blocks import Training


def growing(first: int, *, most: int) -> Callable[[Any, int], int]:
    """Make a resource that is `first` in a job's first attempt, twice as much in the second, and so on up to `most`.

    Examples
    --------
    >>> [growing(4, most=10)(None, attempt) for attempt in (1, 2, 3)]
    [4, 8, 10]
    """

    def resource(wildcards: Any, attempt: int) -> int:
        return min(first * attempt, most)

    return resource


def trains_on_gpu(training: Training) -> bool:
    """Whether jobs that train stacked runs ask for a GPU."""
    return training.cohort_size > 1 if training.gpus is None else training.gpus > 0
