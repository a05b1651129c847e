"""The runs table, its cohorts and the plan of every job: pure functions of the configuration.

A plan holds all that decides the result of one job and nothing else, so that Snakemake repeats exactly the jobs whose
plan has changed. Names are made of ``key~value`` pairs joined by underscores; they are stable, and become paths.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dual_process.blocks import Block, Distribution, Model, Probing, Protocol, Schedule, Task, Training
from dual_process.config import PLACEMENT, Config


@dataclass(frozen=True)
class Run:
    """One cell of the grid, by the names of its parts."""

    task: str
    distribution: str
    model: str
    training: str
    schedule: str
    protocol: str
    seed: int

    @property
    def name(self) -> str:
        """Unique, path-safe name."""
        return _join(asdict(self))


@dataclass(frozen=True)
class DatasetKey:
    """What a data set depends on; schedules, models and most protocol choices share it."""

    task: str
    distribution: str
    training: str
    sampling: str
    seed: int

    @property
    def name(self) -> str:
        """Unique, path-safe name."""
        return _join(asdict(self))


class DatasetPlan(Block):
    """All that decides a data set."""

    name: str
    task: Task
    distribution: Distribution
    sampling: str
    seed: int
    training_sequences: int


class RunPlan(Block):
    """All that decides one run, apart from what its cohort shares."""

    name: str
    labels: dict[str, str]
    dataset: str
    task: Task
    distribution: Distribution
    schedule: Schedule
    seed: int


class CohortPlan(Block):
    """All that decides the checkpoints of one cohort."""

    name: str
    model: Model
    protocol: Protocol
    training: dict[str, Any]
    runs: tuple[RunPlan, ...]

    @property
    def optimisation(self) -> Training:
        """The `training` block, with defaults for the keys that decide nothing."""
        return Training.model_validate(self.training)


class ProbePlan(Block):
    """All that decides what is measured on the checkpoints of one cohort."""

    cohort: CohortPlan
    probing: Probing


def runs_table(config: Config, grids: Iterable[str] | None = None) -> tuple[Run, ...]:
    """All runs of the named grids (of all grids by default), each once, in order of first appearance."""
    table: dict[Run, None] = {}
    for name in config.grids if grids is None else grids:
        grid = config.grids[name]
        table.update(
            {
                Run(task, distribution, model, grid.training, schedule, protocol, seed): None
                for task in grid.tasks
                for model in grid.models
                for protocol in grid.protocols
                for distribution in grid.distributions
                for seed in grid.seeds
                for schedule in grid.schedules
            }
        )
    return tuple(table)


def cohorts(config: Config) -> dict[str, tuple[Run, ...]]:
    """Partition the runs that any figure needs into cohorts, by name.

    Members share task, distribution, model, training and protocol, and are taken in table order. So another
    distribution makes new cohorts and changes none; runs that come last in the table, such as those of another grid,
    change at most the last cohort of each group.
    """
    needed = [name for figure in config.figures.values() for name in figure.grids]
    groups: dict[tuple[str, ...], list[Run]] = {}
    chunks: list[tuple[Run, ...]] = []
    for run in runs_table(config, dict.fromkeys(needed)):
        groups.setdefault((run.task, run.distribution, run.model, run.training, run.protocol), []).append(run)
    for group in groups.values():
        size = max(config.training.cohort_size, config.trainings[group[0].training].cohort_size)
        chunks += [tuple(group[i : i + size]) for i in range(0, len(group), size)]
    return {_cohort_name(chunk): chunk for chunk in chunks}


def figure_runs(config: Config, figure: str) -> tuple[Run, ...]:
    """Runs that a figure draws."""
    return runs_table(config, config.figures[figure].grids)


def dataset_key(config: Config, run: Run) -> DatasetKey:
    """Return the data set that a run trains and is measured on."""
    return DatasetKey(run.task, run.distribution, run.training, config.protocols[run.protocol].sampling, run.seed)


def dataset_plans(config: Config) -> dict[str, DatasetPlan]:
    """Plans of all data sets, by name."""
    keys = {dataset_key(config, run): None for members in cohorts(config).values() for run in members}
    return {
        key.name: DatasetPlan(
            name=key.name,
            task=config.tasks[key.task],
            distribution=config.distributions[key.distribution],
            sampling=key.sampling,
            seed=key.seed,
            training_sequences=config.trainings[key.training].steps * config.trainings[key.training].batch_size,
        )
        for key in keys
    }


def cohort_plan(config: Config, members: tuple[Run, ...]) -> CohortPlan:
    """Plan of one cohort."""
    return CohortPlan(
        name=_cohort_name(members),
        model=config.models[members[0].model],
        protocol=config.protocols[members[0].protocol],
        training=config.trainings[members[0].training].model_dump(mode="json", exclude=PLACEMENT),
        runs=tuple(_run_plan(config, run) for run in members),
    )


def probe_plan(config: Config, members: tuple[Run, ...]) -> ProbePlan:
    """Plan of the measurements on one cohort."""
    return ProbePlan(cohort=cohort_plan(config, members), probing=config.probing)


def stores_of_runs(plan: CohortPlan, datasets: Iterable[str | Path]) -> list[Path]:
    """Dataset store of each run of a cohort, found by name among `datasets`."""
    by_name = {Path(path).name.removesuffix(".zarr"): Path(path) for path in datasets}
    return [by_name[run.dataset] for run in plan.runs]


def _run_plan(config: Config, run: Run) -> RunPlan:
    labels = {key: str(value) for key, value in asdict(run).items() if key != "seed"}
    return RunPlan(
        name=run.name,
        labels=labels,
        dataset=dataset_key(config, run).name,
        task=config.tasks[run.task],
        distribution=config.distributions[run.distribution],
        schedule=config.schedules[run.schedule],
        seed=run.seed,
    )


def _cohort_name(members: tuple[Run, ...]) -> str:
    return members[0].name if len(members) == 1 else f"{members[0].name}_runs~{len(members)}"


def _join(parts: dict[str, Any]) -> str:
    return "_".join(f"{key}~{value}" for key, value in parts.items())
