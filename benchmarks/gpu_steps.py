"""Training steps and an evaluation set on one device, timed; and the peaks of that device."""

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch

from benchmarks.floor import count_bytes, count_operations
from benchmarks.ours import BareModule, Ours, Work
from dual_process.blocks import REFERENCE, Training, Vanilla
from dual_process.tasks.part_of_speech import TARGET_POSITIONS
from dual_process.trainer import make_trainer
from dual_process.training.data import make_loader
from dual_process.training.forgetting.cohort import Forgetting
from dual_process.training.module import CohortModule
from dual_process.training.progress import Progress
from dual_process.training.saving import Checkpoints


@dataclass(frozen=True)
class Peaks:
    """What a device can do: operations per second by precision, and bytes per second."""

    operations: dict[str, float]
    bytes: float


def wait(device: torch.device) -> None:
    """Wait until a GPU has done all that it was told to; before a look at the clock."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(action: Callable[[], object], device: torch.device) -> float:
    """Time one call, work on the GPU included."""
    wait(device)
    begun = time.perf_counter()
    action()
    wait(device)
    return time.perf_counter() - begun


def measure_peaks(device: torch.device, size: int, precisions: Iterable[str]) -> Peaks:
    """Measure products of square matrices of so many rows, and a copy of four of them; best of 5."""
    operations = {}
    for name in precisions:
        left, right = (torch.randn(size, size, device=device).to(getattr(torch, name)) for _ in range(2))
        multiply = partial(torch.mm, left, right, out=torch.empty_like(left))
        operations[name] = 2 * size**3 / _best(multiply, device)
    source = torch.zeros(4 * size**2, device=device)
    copy = partial(torch.empty_like(source).copy_, source)
    return Peaks(operations, 2 * source.nbytes / _best(copy, device))


def _best(action: Callable[[], object], device: torch.device) -> float:
    return min([seconds(action, device) for _ in range(8)][3:])


class Clock(lightning.Callback):
    """Notes when the warm-up and the last step are done on the device."""

    def __init__(self, device: torch.device, warm: int, steps: int) -> None:
        self.device, self.marks = device, (warm, steps)
        self.stamps: list[float] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note the time."""
        if batch_idx + 1 in self.marks:
            wait(self.device)
            self.stamps.append(time.perf_counter())


class Steps:
    """A cohort that is trained for a while, on any device, with Lightning and without.

    Parameters
    ----------
    work
        Sizes; its `steps` are timed.
    device
        Where to train.
    precision
        Of matrix products in training.
    warm
        Steps before.
    """

    def __init__(self, work: Work, device: torch.device, precision: str, warm: int) -> None:
        self.work, self.device, self.precision, self.warm = work, device, precision, warm
        self.last = warm + work.steps
        self.ours = Ours(replace(work, steps=self.last))

    def settings(self) -> dict[str, Any]:
        """Arguments of the module."""
        known = {"precision": self.precision} if "precision" in Training.model_fields else {}
        training = Training(steps=self.last, batch_size=self.work.batch_size, **known)
        seeds = range(self.work.runs)
        return {"model": self.ours.model, "training": training, "targets": TARGET_POSITIONS, "seeds": seeds}

    def with_lightning(self) -> float:
        """Seconds per step as runs are trained, with the callbacks that act at every step."""
        runs, clock = self.work.runs, Clock(self.device, self.warm, self.last)
        checkpoints = Checkpoints(Path("never-written"), (), runs)
        forgetting = Forgetting([Vanilla(kind="vanilla")] * runs, range(runs), REFERENCE)
        callbacks = [checkpoints, forgetting, Progress(self.last), clock]
        self.ours.model.train()
        trainer = make_trainer(callbacks, self.last, self.precision)
        trainer.fit(CohortModule(**self.settings()), make_loader(self.ours.batches()))
        return (clock.stamps[1] - clock.stamps[0]) / self.work.steps

    def bare(self) -> float:
        """Seconds per step in a plain loop."""
        module = BareModule(**self.settings()).to(self.device)
        module.train()
        optimizer, begun = module.configure_optimizers(), 0.0
        mixed = torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bfloat16" else nullcontext()
        for index, batch in enumerate(islice(make_loader(self.ours.batches()), self.last)):
            if index == self.warm:
                wait(self.device)
                begun = time.perf_counter()
            inputs, targets = (each.to(self.device, non_blocking=True) for each in batch)
            optimizer.zero_grad()
            with mixed:
                loss = module.training_step((inputs, targets), index)
            loss.backward()
            optimizer.step()
            module.counter += 1
        wait(self.device)
        return (time.perf_counter() - begun) / self.work.steps

    def evaluation(self) -> float:
        """Seconds that one evaluation set takes."""
        self.ours.model.to(self.device).eval()
        sets = [each.to(self.device) for each in self.ours.evaluation()]
        self.ours.evaluate(*(each[:, : len(each[0]) // 10] for each in sets))
        return seconds(lambda: self.ours.evaluate(*sets), self.device)


def measure_cohort(work: Work, device: torch.device, precision: str, *, warm: int, rounds: int) -> dict[str, float]:
    """Measure one size of cohort in one precision.

    Returns
    -------
    dict
        Seconds of a `step` with Lightning and of an `evaluation` set, Lightning's `share` of the step, `peak` bytes of
        GPU memory in training, `operations` and `bytes` that a step needs.
    """
    measured = Steps(work, device, precision, warm)
    with_lightning, bare, peak = [], [], 0
    for _ in range(rounds):
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        with_lightning.append(measured.with_lightning())
        if device.type == "cuda":
            peak = max(peak, torch.cuda.max_memory_allocated(device))
        bare.append(measured.bare())
    model = measured.ours.model
    share = statistics.median(1 - without / step for step, without in zip(with_lightning, bare, strict=True))
    num_tokens = model.word_embedding.weight.shape[1]
    return {
        "step": statistics.median(with_lightning),
        "share": share,
        "peak": float(peak),
        "evaluation": measured.evaluation(),
        "operations": count_operations(work, num_tokens),
        "bytes": count_bytes(work, num_tokens, sum(each.numel() for each in model.parameters())),
    }
