"""Tiny configurations, cohorts and data sets, small enough to train within a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dual_process.checkpoints import read_checkpoint, read_index
from dual_process.config import Config, load_config
from dual_process.runs import CohortPlan, ProbePlan, cohort_plan, cohorts, dataset_plans, probe_plan
from dual_process.store import write_store
from dual_process.tasks.registry import TASKS
from dual_process.training.fit import train_cohort

SCHEDULES = {
    "vanilla": {"kind": "vanilla"},
    "active-4": {"kind": "active", "period": 4},
    "temporary-3-8": {"kind": "temporary", "period": 3, "forget_until": 8},
    "probabilistic-0.3": {"kind": "probabilistic", "probability": 0.3},
}


def configuration(**changes: Any) -> dict[str, Any]:
    """Return the mapping of a small configuration; a change given as a mapping is merged into its block."""
    data: dict[str, Any] = {
        "scale": "tiny",
        "tasks": {"pos": {"vocabulary": 40, "evaluation_sequences": 50}},
        "distributions": {
            "uniform": {"law": "uniform"},
            "zipf-1.5": {"law": "zipf", "alpha": 1.5},
            "two-level": {"law": "two-level", "head_types": 0.1, "head_share": 0.5},
        },
        "models": {"bert": {"layers": 1, "width": 16, "feed_forward": 32, "dropout": 0.0}},
        "schedules": SCHEDULES,
        "training": {
            "steps": 10,
            "batch_size": 8,
            "learning_rate": 1e-3,
            "checkpoints_logarithmic": 3,
            "checkpoints_every": 5,
            "cohort_size": 16,
        },
        "probing": {"batch_size": 20, "probe_sequences": 40},
        "grids": {"main": {"distributions": ["zipf-1.5"], "schedules": ["vanilla"], "seeds": [0]}},
        "figures": {"fig3": {"grids": ["main"]}},
    }
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, Mapping) else value
    return data


def tiny_config(**changes: Any) -> Config:
    """Return a checked small configuration, changed as in `configuration`."""
    return load_config(configuration(**changes))


@dataclass(frozen=True)
class Cohort:
    """A cohort with its data sets on disk.

    Parameters
    ----------
    plan, probes
        What is trained, and what is measured on it.
    datasets
        Dataset stores.
    folder
        Where checkpoints and working folder go.
    """

    plan: CohortPlan
    probes: ProbePlan
    datasets: tuple[Path, ...]
    folder: Path

    @property
    def output(self) -> Path:
        """Finished checkpoints."""
        return self.folder / "checkpoints"

    @property
    def working(self) -> Path:
        """Where checkpoints gather."""
        return self.folder / "working" / "cohort-0123"

    def train(self, *, resume_every: int = 1000) -> Path:
        """Train to the end and return the folder of checkpoints."""
        train_cohort(
            self.plan.model_dump_json(),
            datasets=self.datasets,
            output=self.output,
            working=self.working,
            resume_every=resume_every,
            threads=1,
        )
        return self.output

    def checkpoints(self) -> dict[int, dict[str, Tensor]]:
        """All saved states by step."""
        return {step: read_checkpoint(self.output, step) for step in read_index(self.output)["steps"]}


def make_cohort(
    folder: Path,
    *,
    schedules: Sequence[str] = ("vanilla",),
    seeds: Sequence[int] = (0,),
    protocol: str = "corrected",
    distribution: str = "zipf-1.5",
    schedules_block: Mapping[str, Any] = SCHEDULES,
    **changes: Any,
) -> Cohort:
    """Write the data sets of one cohort and return it; `changes` are those of `configuration`."""
    grid = {"distributions": [distribution], "schedules": schedules, "protocols": [protocol], "seeds": seeds}
    config = tiny_config(grids={"main": grid}, schedules=schedules_block, **changes)
    (members,) = cohorts(config).values()
    paths = []
    for dataset in dataset_plans(config).values():
        paths.append(folder / "datasets" / f"{dataset.name}.zarr")
        if not paths[-1].exists():
            write_store(paths[-1], TASKS[dataset.task.kind].make_dataset(dataset), {})
    return Cohort(cohort_plan(config, members), probe_plan(config, members), tuple(paths), folder)


def assert_same(first: Mapping[int, Mapping[str, Tensor]], second: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Check that two sets of checkpoints agree bit for bit."""
    assert first.keys() == second.keys()
    for step, state in first.items():
        assert state.keys() == second[step].keys()
        for name, tensor in state.items():
            assert torch.equal(tensor, second[step][name]), f"{name} differs at step {step}"
