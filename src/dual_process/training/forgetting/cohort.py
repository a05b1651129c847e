"""Forgetting as a Lightning callback: resets of the embedding after a step, replacement of rows during one.

What happens is decided by the pure functions of :mod:`dual_process.schedules`; how, by the protocol (fact
sheet (b) and (c)). Every draw comes from the run's own "reset" stream at that step, so nothing has to be remembered.
"""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor

from dual_process.blocks import Protocol, Schedule, Temporary
from dual_process.models.registry import StackedModel
from dual_process.schedules import is_reset, replacement_probability
from dual_process.streams import integer_seed
from dual_process.training.data import Batch
from dual_process.training.module import BODY, DECODER_BIAS, EMBEDDING, CohortModule


def draw_rows(table: Tensor, rows: int, protocol: Protocol, generator: torch.Generator) -> Tensor:
    """Draw fresh embedding rows, shape (rows, D), on the CPU, so that they are the same on every device.

    Parameters
    ----------
    table
        Current embedding of the run, shape (V, D), for its empirical scale.
    rows
        How many to draw.
    protocol
        Gives the scale.
    generator
        Source of the draws.
    """
    scale = protocol.reset_scale
    sd = float(table.std()) if scale == "empirical" else scale
    return torch.empty(rows, table.shape[1]).normal_(0, sd, generator=generator)


class Forgetting(lightning.Callback):
    """Resets the embeddings of the runs whose schedule says so.

    Parameters
    ----------
    schedules, seeds
        Forgetting schedule and seed of each run of the cohort.
    protocol
        What a reset touches and how new rows are drawn.
    """

    def __init__(self, schedules: Sequence[Schedule], seeds: Sequence[int], protocol: Protocol) -> None:
        self.schedules, self.seeds, self.protocol = schedules, seeds, protocol
        self._replaced: list[tuple[int, Tensor, Tensor]] = []

    def on_train_batch_start(self, trainer: Any, pl_module: CohortModule, batch: Batch, batch_idx: int) -> None:
        """Replace rows for the coming step, where a schedule is probabilistic."""
        weight = pl_module.model.word_embedding.weight
        step = pl_module.completed_steps
        for run, schedule in enumerate(self.schedules):
            probability = replacement_probability(schedule, step)
            if probability:
                generator = torch.Generator().manual_seed(integer_seed(self.seeds[run], "reset", step))
                ids = batch[0][run].unique()
                if self.protocol.padding_is_first_noun:
                    ids = ids[ids != 0]
                ids = ids[(torch.rand(len(ids), generator=generator) < probability).to(ids.device)]
                self._replaced.append((run, ids, weight.detach()[run, ids].clone()))
                rows = draw_rows(weight.detach()[run], len(ids), self.protocol, generator)
                weight.detach()[run, ids] = rows.to(weight.device)

    def on_after_backward(self, trainer: Any, pl_module: CohortModule) -> None:
        """Put replaced rows back and drop their gradients, which belong to the drawn rows."""
        weight = pl_module.model.word_embedding.weight
        for run, ids, rows in self._replaced:
            weight.detach()[run, ids] = rows
            if weight.grad is not None:
                weight.grad[run, ids] = 0
        self._replaced.clear()

    def on_train_batch_end(
        self, trainer: Any, pl_module: CohortModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Reset the runs that are due after this step; the checkpoint of the step has been taken before."""
        step = pl_module.completed_steps
        for run, schedule in enumerate(self.schedules):
            if is_reset(schedule, step):
                generator = torch.Generator().manual_seed(integer_seed(self.seeds[run], "reset", step))
                self._reset(pl_module.model, run, generator)
                self._clear_moments(pl_module, run, schedule)

    @torch.no_grad()
    def _reset(self, model: StackedModel, run: int, generator: torch.Generator) -> None:
        weight = model.word_embedding.weight
        weight[run] = draw_rows(weight[run], weight.shape[1], self.protocol, generator).to(weight.device)
        if self.protocol.padding_is_first_noun:
            weight[run, 0] = 0
        if self.protocol.reset_decoder_bias:
            model.decoder_bias[run] = 0

    def _clear_moments(self, module: CohortModule, run: int, schedule: Schedule) -> None:
        temporary = isinstance(schedule, Temporary)
        what = self.protocol.clear_moments_temporary if temporary else self.protocol.clear_moments_active
        groups = {"none": [], "embedding": [EMBEDDING], "all": [EMBEDDING, DECODER_BIAS, BODY]}[what]
        if what == "embedding" and self.protocol.reset_decoder_bias:
            groups = [EMBEDDING, DECODER_BIAS]
        module.optimizer.clear([run], groups)
