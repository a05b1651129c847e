"""What an analysis is given, and what it is: a function of a cohort at one checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import xarray as xr

from dual_process.models.interface import StackedModel
from dual_process.probing.evaluation import Evaluations
from dual_process.runs import ProbePlan

PROBE_SETS = ("val", "switch", "context", "unseen")
"""Evaluation sets on which attention is analysed, where a task has them."""


@dataclass(frozen=True)
class Subject:
    """A cohort under analysis.

    Parameters
    ----------
    plan
        What to measure, and on which runs.
    model
        Stack in evaluation mode that holds the weights of one checkpoint, with rows for unseen tokens.
    evaluations
        Evaluation sets.
    vocabularies
        Vocabulary of each run's data set.
    """

    plan: ProbePlan
    model: StackedModel
    evaluations: Evaluations
    vocabularies: list[xr.Dataset]

    def probe_sets(self, variable: str) -> list[str]:
        """Names of the sets on which attention is analysed, as far as their sequences have some variable."""
        return [name for name in PROBE_SETS if self.evaluations.has(name, variable)]


@dataclass(frozen=True)
class Analysis:
    """One costly analysis.

    Parameters
    ----------
    measure
        What is done at a checkpoint. The result has variables over `run` and dimensions of its own, with their
        coordinates; it is empty where the task lacks what the analysis needs.
    attrs
        Units and long name of each variable.
    last_only
        Whether it is done at the last checkpoint alone; its variables then lack the dimension `analysis_step`.
    """

    measure: Callable[[Subject], xr.Dataset]
    attrs: Mapping[str, Mapping[str, str]]
    last_only: bool = False
