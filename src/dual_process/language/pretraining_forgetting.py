"""Forgetting in the pretraining of one language model, as a Lightning callback.

What happens is decided by the pure functions of :mod:`dual_process.schedules`; how, by the protocol. Embeddings are
tied, so that forgotten rows are those of the decoder as well.
"""

from typing import Any

import pytorch_lightning as lightning
import torch

from dual_process.blocks import Temporary
from dual_process.language.pretraining_module import (
    BODY,
    DECODER_BIAS,
    EMBEDDING,
    PretrainingModule,
    decoder_bias,
    word_embedding,
)
from dual_process.language.text import Batch
from dual_process.language_runs import PretrainingPlan
from dual_process.schedules import is_reset, replacement_probability
from dual_process.streams import integer_seed
from dual_process.training.forgetting.probabilistic import ProbabilisticForgetting


class EmbeddingForgetting(lightning.Callback):
    """Resets the word embedding after a step, or replaces rows during one, as the schedule of the run says.

    Every draw comes from the run's "reset" stream at that step, so nothing has to be remembered.

    Parameters
    ----------
    plan
        Gives schedule, protocol and seed.
    """

    def __init__(self, plan: PretrainingPlan) -> None:
        self.schedule, self.protocol, self.seed = plan.labels.schedule, plan.protocol, plan.labels.seed
        self._replacing: ProbabilisticForgetting | None = None

    def on_train_batch_start(self, trainer: Any, pl_module: PretrainingModule, batch: Batch, batch_idx: int) -> None:
        """Replace rows for the coming step, where the schedule is probabilistic."""
        step = pl_module.completed_steps
        probability = replacement_probability(self.schedule, step)
        if probability:
            scale = self._scale(pl_module)
            self._replacing = ProbabilisticForgetting(
                pl_module.model, probability, self.seed, scale=scale, embedding_gradient="others"
            )
            self._replacing.before_forward(batch.inputs, step)

    def on_after_backward(self, trainer: Any, pl_module: PretrainingModule) -> None:
        """Put replaced rows back; their gradients, which belong to the drawn rows, are zero."""
        if self._replacing:
            self._replacing.after_backward()
            self._replacing = None

    def on_train_batch_end(
        self, trainer: Any, pl_module: PretrainingModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Reset if it is due after this step; the checkpoint of the step has been taken before."""
        step = pl_module.completed_steps
        if is_reset(self.schedule, step):
            self._reset(pl_module, torch.Generator().manual_seed(integer_seed(self.seed, "reset", step)))
            clear_moments(pl_module.optimizer, self._cleared())

    @torch.no_grad()
    def _reset(self, module: PretrainingModule, generator: torch.Generator) -> None:
        """Draw on the CPU, so that the rows are the same on every device."""
        weight, bias = word_embedding(module.model), decoder_bias(module.model)
        weight.copy_(torch.empty(weight.shape).normal_(0, self._scale(module), generator=generator))
        if self.protocol.reset_decoder_bias and bias is not None:
            bias.zero_()

    def _scale(self, module: PretrainingModule) -> float:
        scale = self.protocol.reset_scale
        return float(word_embedding(module.model).std()) if scale == "empirical" else float(scale)

    def _cleared(self) -> list[int]:
        """Parameter groups whose moments a reset clears."""
        temporary = isinstance(self.schedule, Temporary)
        what = self.protocol.clear_moments_temporary if temporary else self.protocol.clear_moments_active
        embedding = [EMBEDDING, DECODER_BIAS] if self.protocol.reset_decoder_bias else [EMBEDDING]
        return {"none": [], "embedding": embedding, "all": [EMBEDDING, DECODER_BIAS, BODY]}[what]


def clear_moments(optimizer: torch.optim.Optimizer, groups: list[int]) -> None:
    """Forget both moments and the step count of some parameter groups."""
    for group in groups:
        for parameter in optimizer.param_groups[group]["params"]:
            for tensor in optimizer.state[parameter].values():
                tensor.zero_()
