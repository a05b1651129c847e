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
from dual_process.devices import send
from dual_process.models.registry import StackedModel
from dual_process.schedules import is_reset, replacement_probability
from dual_process.streams import integer_seed
from dual_process.training.data import Batch, inputs_on_cpu
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
    return draw_normal(rows, table.shape[1], scale_of_rows(table, protocol), generator)


def scale_of_rows(table: Tensor, protocol: Protocol) -> float:
    """Standard deviation of fresh rows; only an empirical one asks the device of the table."""
    return float(table.std()) if protocol.reset_scale == "empirical" else protocol.reset_scale


def draw_normal(rows: int, width: int, scale: float, generator: torch.Generator) -> Tensor:
    """Draw rows from N(0, scale), shape (rows, width), on the CPU."""
    return torch.empty(rows, width).normal_(0, scale, generator=generator)


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
        step = pl_module.completed_steps
        chances = {run: replacement_probability(schedule, step) for run, schedule in enumerate(self.schedules)}
        if not any(chances.values()):
            return
        weight, inputs = pl_module.model.word_embedding.weight.detach(), inputs_on_cpu(trainer, batch)
        for run, probability in chances.items():
            if probability:
                generator = torch.Generator().manual_seed(integer_seed(self.seeds[run], "reset", step))
                candidates = inputs[run].unique()
                if self.protocol.padding_is_first_noun:
                    candidates = candidates[candidates != 0]
                chosen = candidates[torch.rand(len(candidates), generator=generator) < probability]
                ids = send(chosen, weight.device)
                self._replaced.append((run, ids, weight[run, ids].clone()))
                rows = draw_rows(weight[run], len(chosen), self.protocol, generator)
                weight[run, ids] = send(rows, weight.device)

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
        due = [run for run, schedule in enumerate(self.schedules) if is_reset(schedule, step)]
        if due:
            self._reset(pl_module.model, due, step)
            for is_temporary in (False, True):
                self._clear_moments(pl_module, due, is_temporary=is_temporary)

    @torch.no_grad()
    def _reset(self, model: StackedModel, due: list[int], step: int) -> None:
        weight = model.word_embedding.weight
        drawn: dict[tuple[int, float], Tensor] = {}  # runs of one seed draw the same rows
        for run in due:
            key = self.seeds[run], scale_of_rows(weight[run], self.protocol)
            if key not in drawn:
                generator = torch.Generator().manual_seed(integer_seed(self.seeds[run], "reset", step))
                fresh = draw_normal(weight.shape[1], weight.shape[2], key[1], generator)
                drawn[key] = send(fresh, weight.device)
            weight[run] = drawn[key]
        if self.protocol.padding_is_first_noun:
            weight[due, 0] = 0
        if self.protocol.reset_decoder_bias:
            model.decoder_bias[due] = 0

    def _clear_moments(self, module: CohortModule, due: list[int], *, is_temporary: bool) -> None:
        runs = [run for run in due if isinstance(self.schedules[run], Temporary) == is_temporary]
        what = self.protocol.clear_moments_temporary if is_temporary else self.protocol.clear_moments_active
        groups = {"none": [], "embedding": [EMBEDDING], "all": [EMBEDDING, DECODER_BIAS, BODY]}[what]
        if what == "embedding" and self.protocol.reset_decoder_bias:
            groups = [EMBEDDING, DECODER_BIAS]
        if runs and groups:
            module.optimizer.clear(runs, groups)
