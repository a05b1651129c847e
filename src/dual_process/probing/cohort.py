"""All measurements on the checkpoints of a cohort, as one labelled dataset.

In: a finished folder of checkpoints and the dataset stores of its runs. Out: the dataset described in
``README.md`` under "Reading the results".
"""

import logging
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from dual_process.checkpoints import read_checkpoint, read_index
from dual_process.devices import keep_freed_memory, prepare_device
from dual_process.locks import waiting_lock
from dual_process.models.registry import build_model
from dual_process.probing.embedding import SEPARATION_ATTRS, measure_separation
from dual_process.probing.evaluation import Evaluations
from dual_process.probing.labels import coordinates
from dual_process.probing.registry import ANALYSES
from dual_process.probing.rows import with_unseen_rows
from dual_process.probing.saving import Measurements
from dual_process.probing.subject import Subject
from dual_process.runs import ProbePlan, stores_of_runs
from dual_process.schedules import steps_since_reset
from dual_process.store import provenance, write_store
from dual_process.tasks.shared import open_vocabularies, shared_layout, shared_vocabulary

logger = logging.getLogger(__name__)

ORDER = ("run", "step", "analysis_step", "evaluation", "metric", "layer", "probed")
"""Dimensions that come first in every variable; the others keep the order of their analysis."""
ATTRS = {
    "score": {"units": "1 (loss: nats)", "long_name": "mean over the sequences of an evaluation set"},
    "training_loss": {"units": "nats", "long_name": "mean training loss since the checkpoint before"},
    "probe_accuracy": {"units": "1", "long_name": "linear probe of the query's role, cross-validated; chance 0.5"},
    "steps_since_reset": {"units": "steps", "long_name": "steps since the last reset before the checkpoint"},
    **SEPARATION_ATTRS,
}


def probe_to_store(
    plan_json: str,
    *,
    datasets: Iterable[str | Path],
    checkpoints: str | Path,
    store: str | Path,
    working: str | Path,
    threads: int,
) -> None:
    """Measure every checkpoint of a cohort, going on where a killed job stopped, and write the store.

    Parameters
    ----------
    plan_json, datasets, checkpoints, threads
        As for :func:`probe_cohort`.
    store
        Final name of the store; appears whole or not at all.
    working
        Folder in which measurements gather, removed in the end; its name must change with the plan, the checkpoints
        and the code.
    """
    working = Path(working)
    with waiting_lock(working.with_name(f"{working.name}.lock")) as lease:
        probes = probe_cohort(
            plan_json, datasets=datasets, checkpoints=checkpoints, threads=threads, measured=Measurements(working)
        )
        lease.check()
        write_store(store, {"": probes}, provenance(plan_json))
        if working.exists():
            shutil.rmtree(working)


def probe_cohort(
    plan_json: str,
    *,
    datasets: Iterable[str | Path],
    checkpoints: str | Path,
    threads: int,
    measured: Measurements | None = None,
) -> xr.Dataset:
    """Measure every checkpoint of a cohort, on the GPU if there is one.

    Parameters
    ----------
    plan_json
        A :class:`dual_process.runs.ProbePlan` as JSON.
    datasets
        Dataset stores; each carries the name of its data set.
    checkpoints
        Finished folder of checkpoints.
    threads
        CPU threads.
    measured
        Where measurements gather and those of a killed job are found; by default in memory.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()
    plan = ProbePlan.model_validate_json(plan_json)
    folder, cohort = Path(checkpoints), plan.cohort
    steps = read_index(folder)["steps"]
    subject = _subject(plan, stores_of_runs(cohort, datasets))
    since = np.stack([steps_since_reset(run.schedule, cohort.optimisation.steps, steps) for run in cohort.runs])
    kept = _spread(steps, plan.probing.analysis_steps)
    measured = measured or Measurements(None)
    if taken_up := measured.take_up(steps):
        logger.info("an earlier job has measured %d of %d checkpoints", taken_up, len(steps))
    for column, step in enumerate(steps):
        if step not in measured:
            losses = _load(subject, folder, step, np.isfinite(since[:, column]).tolist())
            measured.add(step, _measure(subject, step, losses, some=step in kept, last=step == steps[-1]))
        if (column + 1) % 20 == 0:
            logger.info("measured %d of %d checkpoints", column + 1, len(steps))
    along_step = xr.concat([measured[step]["every"] for step in steps], dim=_dimension("step", steps))
    some = [measured[step]["some"] for step in sorted(kept)]
    along_analysis_step = xr.concat(some, dim=_dimension("analysis_step", sorted(kept)))
    dataset = xr.merge([along_step, along_analysis_step, measured[steps[-1]]["last"]]).astype(np.float32)
    dataset["steps_since_reset"] = ("run", "step"), since.astype(np.float32)
    return _label(dataset.transpose(*ORDER, ..., missing_dims="ignore"), subject)


def _subject(plan: ProbePlan, stores: Sequence[Path]) -> Subject:
    vocabularies, device = open_vocabularies(stores), prepare_device()
    model = build_model(
        plan.cohort.model,
        num_tokens=shared_vocabulary(vocabularies).sizes["token"],
        num_positions=shared_layout(run.task for run in plan.cohort.runs).num_positions,
        num_runs=len(plan.cohort.runs),
    )
    return Subject(plan, model.eval().to(device), Evaluations(plan, stores, device), vocabularies)


def _measure(subject: Subject, step: int, losses: np.ndarray, *, some: bool, last: bool) -> dict[str, xr.Dataset]:
    """All that is due at one checkpoint, by how often it is due; what is not is empty."""
    every = subject.evaluations.measure(subject.model, step).assign(training_loss=("run", losses))
    return {
        "every": every.merge(measure_separation(subject)),
        "some": _analyse(subject, last_only=False) if some else xr.Dataset(),
        "last": _analyse(subject, last_only=True) if last else xr.Dataset(),
    }


def _load(subject: Subject, folder: Path, step: int, was_reset: list[bool]) -> np.ndarray:
    """Give the model the weights of a checkpoint, wherever it is, and return the training losses of the runs."""
    state = read_checkpoint(folder, step)
    losses: np.ndarray = state.pop("training_loss").numpy()
    state = with_unseen_rows(
        state,
        num_tokens=subject.vocabularies[0].sizes["token"],
        protocol=subject.plan.cohort.protocol,
        was_reset=was_reset,
        seeds=[run.seed for run in subject.plan.cohort.runs],
        step=step,
    )
    subject.model.load_state_dict(state)
    return losses


def _analyse(subject: Subject, *, last_only: bool) -> xr.Dataset:
    """All costly analyses that the plan asks for, of one kind."""
    chosen = [ANALYSES[name] for name in subject.plan.probing.analyses]
    return xr.merge([analysis.measure(subject) for analysis in chosen if analysis.last_only == last_only])


def _spread(steps: Sequence[int], count: int) -> set[int]:
    """Return `count` of the steps, evenly spread by value, the last one included."""
    wanted = np.linspace(steps[-1] / count, steps[-1], count)
    return {steps[int(np.abs(np.asarray(steps) - value).argmin())] for value in wanted}


def _dimension(name: str, steps: Sequence[int]) -> xr.DataArray:
    return xr.DataArray(list(steps), dims=name, name=name, attrs={"units": "optimizer steps"})


def _label(dataset: xr.Dataset, subject: Subject) -> xr.Dataset:
    """Add the coordinates along `run` and `token`, and units."""
    vocabulary = subject.vocabularies[0]
    if "token" in dataset.dims:
        dataset = dataset.assign_coords(token=vocabulary["token"].values, role=("token", vocabulary["role"].values))
    dataset = dataset.assign_coords(coordinates(subject.plan.cohort, subject.vocabularies))
    for attrs in (ATTRS, *(analysis.attrs for analysis in ANALYSES.values())):
        for name in attrs.keys() & dataset.data_vars.keys():
            dataset[name].attrs.update(attrs[name])
    return dataset
