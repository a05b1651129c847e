"""Drift as a Lightning callback: a word embedding that is never trained, with rows overwritten for single steps.

As in the published code's drift study (fact sheet (c)). It goes before the callback that saves checkpoints, so that
these hold the embedding as it is between steps.
"""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor

from dual_process import blocks
from dual_process.blocks import Protocol, Schedule
from dual_process.devices import send
from dual_process.streams import integer_seed
from dual_process.training.data import Batch, inputs_on_cpu
from dual_process.training.forgetting.cohort import draw_rows
from dual_process.training.module import CohortModule


class Drift(lightning.Callback):
    """Overwrites rows of drawn tokens before a step and puts the whole embedding back after it.

    Parameters
    ----------
    schedules, seeds
        Forgetting schedule and seed of each run of the cohort; runs under other schedules are left alone.
    protocol
        How new rows are drawn.
    num_drawn
        Ids below this one are drawn by the training law; only those are overwritten.
    """

    def __init__(
        self, schedules: Sequence[Schedule], seeds: Sequence[int], protocol: Protocol, *, num_drawn: int
    ) -> None:
        self.seeds, self.protocol, self.num_drawn = seeds, protocol, num_drawn
        self.probabilities = {
            run: schedule.probability for run, schedule in enumerate(schedules) if isinstance(schedule, blocks.Drift)
        }
        self._kept: dict[int, Tensor] = {}

    def on_train_batch_start(self, trainer: Any, pl_module: CohortModule, batch: Batch, batch_idx: int) -> None:
        """Overwrite the rows of the occurrences that drift in the coming step."""
        if not self.probabilities:
            return
        weight = pl_module.model.word_embedding.weight.detach()
        inputs = inputs_on_cpu(trainer, batch)
        for run, probability in self.probabilities.items():
            self._kept[run] = weight[run].clone()
            seed = integer_seed(self.seeds[run], "reset", pl_module.completed_steps)
            generator = torch.Generator().manual_seed(seed)
            occurrences = inputs[run].flatten()
            occurrences = occurrences[occurrences < self.num_drawn]
            ids = occurrences[torch.rand(len(occurrences), generator=generator) < probability].unique()
            rows = draw_rows(weight[run], len(ids), self.protocol, generator)
            weight[run, send(ids, weight.device)] = send(rows, weight.device)

    def on_train_batch_end(
        self, trainer: Any, pl_module: CohortModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Put back the embedding as it was before the step."""
        for run, rows in self._kept.items():
            pl_module.model.word_embedding.weight.detach()[run] = rows
        self._kept.clear()
