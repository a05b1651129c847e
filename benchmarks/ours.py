"""Our pipeline on the benchmark's work: the very classes that training and probing use."""

import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.clock import Clock, wait
from dual_process.blocks import REFERENCE, PartOfSpeech, Training, Vanilla, Zipf
from dual_process.config import Config
from dual_process.devices import CPU, prepare_device
from dual_process.doctor import read_settings
from dual_process.models.bert import BertConfig, StackedBert
from dual_process.probing.compiled_features import CompiledFeatures
from dual_process.probing.scores import Sequences, score
from dual_process.runs import DatasetPlan
from dual_process.tasks.dataset import make_dataset
from dual_process.tasks.part_of_speech import CHUNK, LENGTH, TARGET_POSITIONS, draw_training
from dual_process.tasks.vocabulary import Vocabulary, make_vocabulary
from dual_process.trainer import make_trainer
from dual_process.training.data import StepIndexedBatches, make_loader
from dual_process.training.forgetting.cohort import Forgetting
from dual_process.training.module import CohortModule
from dual_process.training.progress import Progress
from dual_process.training.saving import Checkpoints

ALPHA = 1.5
"""Zipf exponent of all benchmark data; smaller ones make the reference reject more of its draws."""
WARM = 2
"""Steps before the clock starts."""


@dataclass(frozen=True)
class Work:
    """What both sides do.

    Parameters
    ----------
    vocabulary, layers
        Part-of-speech tokens and transformer layers; the width is the paper's.
    steps
        Timed training steps of one block.
    evaluation_sequences
        Sequences of the evaluation set.
    runs
        Members of our cohort.
    compiled
        Whether our steps are compiled, unless a measurement says otherwise.
    """

    vocabulary: int = 10_000
    layers: int = 6
    steps: int = 40
    evaluation_sequences: int = 10_000
    runs: int = 1
    width: int = 64
    feed_forward: int = 128
    batch_size: int = 128
    compiled: bool = False

    def plan(self, seed: int, sequences: int) -> DatasetPlan:
        """Plan of one data set under the sampling of the published code."""
        return DatasetPlan(
            name="benchmark",
            task=PartOfSpeech(vocabulary=self.vocabulary, evaluation_sequences=self.evaluation_sequences),
            distribution=Zipf(law="zipf", alpha=ALPHA),
            sampling="reference",
            seed=seed,
            training_sequences=sequences,
        )


class BareModule(CohortModule):
    """The module without a trainer: it counts its steps itself."""

    counter = 0

    @property
    def completed_steps(self) -> int:
        """Steps taken in bare loops."""
        return self.counter


class Ours:
    """A cohort and its data, trained on the GPU if there is one.

    Parameters
    ----------
    work
        Sizes.
    warm
        Steps of a block before the clock starts.
    """

    def __init__(self, work: Work, warm: int = WARM) -> None:
        self.work, self.warm, self.last = work, warm, warm + work.steps
        self.groups = [make_dataset(work.plan(seed, self.last * work.batch_size)) for seed in range(work.runs)]
        self.num_trained = int(self.groups[0]["vocabulary"].attrs["num_trained"])
        self.model = StackedBert(
            BertConfig(
                num_tokens=self.groups[0]["vocabulary"].sizes["token"],
                num_positions=LENGTH,
                layers=work.layers,
                width=work.width,
                feed_forward=work.feed_forward,
                padding=0,
                num_runs=work.runs,
            )
        )
        self.model.initialise([torch.Generator().manual_seed(seed) for seed in range(work.runs)])
        compiles = work.compiled and prepare_device() == CPU
        self.features = CompiledFeatures(TARGET_POSITIONS, paper_settings().probing.batch_size) if compiles else None

    def _settings(self, *, compiled: bool) -> dict[str, Any]:
        """Arguments of the module."""
        training = Training(steps=self.last, batch_size=self.work.batch_size, compile=compiled)
        seeds = range(self.work.runs)
        return {"model": self.model, "training": training, "targets": TARGET_POSITIONS, "seeds": seeds}

    def batches(self) -> StepIndexedBatches:
        """All batches of a block."""
        training = [group["training"] for group in self.groups]
        return StepIndexedBatches(
            [{str(name): values.values for name, values in dataset.items()} for dataset in training],
            training[0].attrs,
            batch_size=self.work.batch_size,
            first_step=0,
            steps=self.last,
        )

    def train_bare(self, precision: str = "float32", watch: AbstractContextManager[object] | None = None) -> float:
        """Seconds per step in a plain loop, whose timed steps are taken in the context `watch`."""
        device, begun = prepare_device(), 0.0
        module = BareModule(**self._settings(compiled=self.work.compiled)).to(device)
        module.train()
        optimizer = module.configure_optimizers()
        mixed = torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
        with ExitStack() as watching:
            for index, batch in enumerate(make_loader(self.batches())):
                if index == self.warm:
                    wait(device)
                    watching.enter_context(watch or nullcontext())
                    begun = time.perf_counter()
                inputs, targets = (each.to(device, non_blocking=True) for each in batch)
                optimizer.zero_grad()
                with mixed:
                    loss = module.training_step((inputs, targets), index)
                loss.backward()
                optimizer.step()
                module.counter += 1
            wait(device)
            return (time.perf_counter() - begun) / self.work.steps

    def train(self, precision: str = "float32", *, compiled: bool | None = None) -> float:
        """Seconds per step as runs are trained, with Lightning and the callbacks that act at every step."""
        self.model.train()
        settings = self._settings(compiled=self.work.compiled if compiled is None else compiled)
        clock, runs = Clock(self.warm, self.last), self.work.runs
        checkpoints = Checkpoints(Path("never-written"), (), runs)
        forgetting = Forgetting([Vanilla(kind="vanilla")] * runs, range(runs), REFERENCE)
        trainer = make_trainer([checkpoints, forgetting, Progress(self.last), clock], self.last, precision)
        trainer.fit(CohortModule(**settings), make_loader(self.batches()))
        return (clock.stamps[1] - clock.stamps[0]) / self.work.steps

    def evaluation(self, name: str = "val") -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, labels and choices of an evaluation set, each with a run axis."""
        sets = [group[f"evaluation/{name}"] for group in self.groups]
        inputs, labels, choice = (
            torch.from_numpy(np.stack([each[variable].values.astype(np.int64) for each in sets]))
            for variable in ("input", "label", "choice")
        )
        return inputs, labels, choice

    def sequences(self, name: str = "val") -> Sequences:
        """Sequences of an evaluation set, each kind once."""
        return Sequences.of(*self.evaluation(name))

    def evaluate(self, sequences: Sequences) -> Tensor:
        """All metrics of one evaluation set, of shape (R, metric)."""
        return score(
            self.model.eval(),
            sequences,
            targets=TARGET_POSITIONS,
            num_trained=self.num_trained,
            batch_size=paper_settings().probing.batch_size,
            features=self.features,
        )

    def vocabulary(self) -> Vocabulary:
        """Token classes and their laws."""
        plan = self.work.plan(0, 1)
        return make_vocabulary(plan.task, plan.distribution, plan.sampling, plan.seed)


@cache
def paper_settings() -> Config:
    """Read the configuration of the paper's scale."""
    folder = Path(__file__).parents[1] / "config"
    return read_settings([folder / "config.yaml", folder / "paper.yaml"], [])


def seconds_to_draw(vocabulary: Vocabulary, chunks: int) -> float:
    """Seconds that a training sequence takes in drawing."""
    begun = time.perf_counter()
    draw_training(vocabulary, 0, chunks * CHUNK)
    return (time.perf_counter() - begun) / (chunks * CHUNK)
