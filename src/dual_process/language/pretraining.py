"""Pretraining of one language model, from its plan to a finished folder of checkpoints.

In: a plan and a treebank, whose sentences are the text. Out: a folder with one checkpoint folder for each saved step,
as transformers writes and loads them, and an index.
"""

import hashlib
import json
import logging
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from dual_process.blocks import Drift
from dual_process.checkpoints import INDEX, RESUME, read_index, resumable_step, write_index
from dual_process.language.corpus import read_sentences
from dual_process.language.pretraining_forgetting import EmbeddingForgetting
from dual_process.language.pretraining_module import PretrainingModule, initial_model
from dual_process.language.pretraining_saving import Checkpoints, Progress, Resume
from dual_process.language.text import TextBatches, plain
from dual_process.language.tokenizer import train_tokenizer
from dual_process.language_runs import PretrainingPlan
from dual_process.locks import Lease, waiting_lock
from dual_process.store import finished, move
from dual_process.trainer import make_trainer

logger = logging.getLogger(__name__)

TEXT = "text.sha256"
"""File with the checksum of the text, so that no run goes on with another one."""


def pretrain(plan_json: str, *, text: Path, output: Path, working: Path, resume_every: int, threads: int) -> None:
    """Pretrain a language model, going on where a killed job stopped, and leave its checkpoints in `output`.

    Parameters
    ----------
    plan_json
        A :class:`dual_process.language_runs.PretrainingPlan` as JSON.
    text
        Treebank whose sentences are the text.
    output
        Final folder of the checkpoints; appears whole or not at all.
    working
        Folder in which checkpoints gather; its name must change with the plan and the code.
    resume_every
        Steps between two resumable states.
    threads
        CPU threads.

    Raises
    ------
    ValueError
        If the plan asks for a drifting embedding, or the text does not fit it.
    """
    plan = PretrainingPlan.model_validate_json(plan_json)
    if isinstance(plan.labels.schedule, Drift):
        raise ValueError(
            f"schedule {plan.labels.schedule_name!r} is of kind drift, under which no language model is pretrained; "
            "use one of kind vanilla, active, temporary or probabilistic"
        )
    with waiting_lock(working.with_name(f"{working.name}.lock")) as lease:
        if (output / INDEX).exists() and read_index(output)["working"] == working.name:
            logger.info("another process has finished these checkpoints meanwhile")
            return
        _open_working_folder(working, text)
        if not (working / INDEX).exists():
            losses = fit(plan, text, working, resume_every=resume_every, threads=threads, lease=lease)
            index = {"plan": json.loads(plan_json), "steps": plan.steps, "training_loss": losses}
            write_index(working, index | {"working": working.name})
        (working / RESUME).unlink(missing_ok=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        lease.check()
        move(working, output)


def _open_working_folder(working: Path, text: Path) -> None:
    """Make the folder, or take away what a killed process left half-written, or all if it had another text."""
    checksum = hashlib.sha256(text.read_bytes()).hexdigest()
    stamp = working / TEXT
    if working.exists() and (not stamp.exists() or stamp.read_text() != checksum):
        shutil.rmtree(working)
    for leftover in [*working.glob(".partial-*"), *working.glob(".old-*")]:
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    with finished(stamp) as partial:
        partial.write_text(checksum)


def fit(
    plan: PretrainingPlan, text: Path, working: Path, *, resume_every: int, threads: int, lease: Lease | None = None
) -> list[float]:
    """Run the optimisation, writing checkpoints to `working`; return the mean loss before each."""
    torch.set_num_threads(threads)
    sentences = list(read_sentences(text))
    tokenizer = train_tokenizer(map(plain, sentences), plan.vocabulary, plan.model.kind)
    tokenizer.model_max_length = plan.sequence_length
    first_step, steps = resumable_step(working), plan.optimisation.steps
    batches = TextBatches(sentences, tokenizer=tokenizer, plan=plan, first_step=first_step)
    module = PretrainingModule(initial_model(plan, tokenizer), plan, first_step)
    checkpoints = Checkpoints(working, plan.steps, tokenizer)
    resume = Resume(working, resume_every, checkpoints, lease)
    callbacks = [checkpoints, EmbeddingForgetting(plan), resume, Progress(steps)]  # in the order of events at a step
    if first_step < steps:
        make_trainer(callbacks, steps - first_step).fit(module, DataLoader(batches, batch_size=None))
    else:  # killed after the last step
        checkpoints.losses = load_file(working / RESUME)["losses"]
    losses: list[float] = checkpoints.losses.tolist()
    return losses
