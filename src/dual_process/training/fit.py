"""Training of one cohort from its plan to a finished folder of checkpoints."""

import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from dual_process.checkpoints import INDEX, RESUME, read_index, resumable_step, write_index
from dual_process.devices import keep_freed_memory
from dual_process.locks import Lease, waiting_lock
from dual_process.models.registry import initial_model
from dual_process.runs import CohortPlan, stores_of_runs
from dual_process.schedules import checkpoint_steps
from dual_process.store import move
from dual_process.tasks.shared import open_vocabularies, shared_layout, shared_vocabulary
from dual_process.trainer import make_trainer
from dual_process.training.data import CohortData
from dual_process.training.drift import Drift
from dual_process.training.forgetting.cohort import Forgetting
from dual_process.training.module import CohortModule
from dual_process.training.progress import Progress
from dual_process.training.saving import Checkpoints, Resume

logger = logging.getLogger(__name__)


def train_cohort(
    plan_json: str,
    *,
    datasets: Iterable[str | Path],
    output: str | Path,
    working: str | Path,
    resume_every: int,
    threads: int,
) -> None:
    """Train a cohort, going on where a killed job stopped, and leave its checkpoints in `output`.

    Parameters
    ----------
    plan_json
        A :class:`dual_process.runs.CohortPlan` as JSON.
    datasets
        Dataset stores; each carries the name of its data set.
    output
        Final folder of the checkpoints; appears whole or not at all.
    working
        Folder in which checkpoints gather; its name must change with the plan and the code.
    resume_every
        Steps between two resumable states.
    threads
        CPU threads.
    """
    output, working = Path(output), Path(working)
    plan = CohortPlan.model_validate_json(plan_json)
    with waiting_lock(working.with_name(f"{working.name}.lock")) as lease:
        if (output / INDEX).exists() and read_index(output)["working"] == working.name:
            logger.info("another process has finished these checkpoints meanwhile")
            return
        working.mkdir(parents=True, exist_ok=True)
        if not (working / INDEX).exists():
            stores = stores_of_runs(plan, datasets)
            steps = fit(plan, stores, working, resume_every=resume_every, threads=threads, lease=lease)
            write_index(working, {"plan": json.loads(plan_json), "steps": steps, "working": working.name})
        for leftover in (working / RESUME, *working.glob(".partial-*")):  # the latter of a killed process
            leftover.unlink(missing_ok=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        lease.check()
        move(working, output)


def fit(
    plan: CohortPlan,
    stores: Sequence[str | Path],
    working: Path,
    *,
    resume_every: int,
    threads: int,
    lease: Lease | None = None,
) -> list[int]:
    """Run the optimisation, writing checkpoints to `working`; return their steps."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    training = plan.optimisation
    schedules, seeds = [run.schedule for run in plan.runs], [run.seed for run in plan.runs]
    steps = checkpoint_steps(training, schedules)
    first_step = resumable_step(working)
    shape = shared_layout(run.task for run in plan.runs)
    vocabulary = shared_vocabulary(open_vocabularies(stores))
    num_tokens = vocabulary.sizes["token"] if plan.protocol.train_unseen else int(vocabulary.attrs["num_trained"])
    model = initial_model(
        plan.model, plan.protocol, num_tokens=num_tokens, num_positions=shape.num_positions, seeds=seeds
    )
    module = CohortModule(model, training, targets=shape.targets, seeds=seeds, first_step=first_step)
    data = CohortData(stores, batch_size=training.batch_size, first_step=first_step, steps=training.steps)
    checkpoints = Checkpoints(working, steps, len(seeds))
    callbacks = [  # in the order of events at a step
        Drift(schedules, seeds, plan.protocol, num_drawn=int(vocabulary.attrs["num_drawn"])),
        checkpoints,
        Forgetting(schedules, seeds, plan.protocol),
        Resume(working, resume_every, checkpoints, lease),
        Progress(training.steps),
    ]
    if first_step < training.steps:
        make_trainer(callbacks, training.steps - first_step, training.precision).fit(module, data)
    return steps
