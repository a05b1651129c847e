"""The Lightning module of a cohort: one forward pass for all runs, one optimizer."""

from collections.abc import Sequence

import pytorch_lightning as lightning
import torch
from torch import Tensor

from dual_process.blocks import Training
from dual_process.devices import CPU, prepare_device
from dual_process.models.registry import StackedModel
from dual_process.schedules import learning_rate
from dual_process.streams import integer_seed
from dual_process.training.compiled_step import TIED, CompiledStep
from dual_process.training.data import Batch
from dual_process.training.optimizer import StackedAdamW

EMBEDDING, DECODER_BIAS, BODY = range(3)
"""Parameter groups of the optimizer; forgetting treats them apart."""


class CohortModule(lightning.LightningModule):
    """Masked-language-model training of stacked runs.

    Parameters
    ----------
    model
        Stack of R runs.
    training
        Optimizer settings.
    targets
        Positions whose tokens are predicted.
    seeds
        Seeds of the runs, for the dropout stream.
    first_step
        Optimizer steps already completed, when a killed run goes on.
    """

    def __init__(
        self,
        model: StackedModel,
        training: Training,
        *,
        targets: Sequence[int],
        seeds: Sequence[int],
        first_step: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.training_config = model, training
        self.targets, self.seeds, self.first_step = targets, seeds, first_step
        self.run_losses = torch.zeros(len(seeds))
        compiles = training.compile and prepare_device() == CPU
        self.compiled_step = CompiledStep(model, targets) if compiles else None

    @property
    def completed_steps(self) -> int:
        """Optimizer steps since initialisation, those before a restart included."""
        return self.first_step + self.trainer.global_step

    @property
    def optimizer(self) -> StackedAdamW:
        """The optimizer, once training has begun."""
        optimizer = self.trainer.optimizers[0]
        assert isinstance(optimizer, StackedAdamW)
        return optimizer

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate of the coming step, and let go of the gradients of the last one.

        Lightning would do the latter between the forward and the backward pass, so that the forward pass could not use
        the memory of the old gradients, which is in the caches.
        """
        self.optimizer.zero_grad()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.training_config, self.completed_steps + 1)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Nothing: the gradients went before the forward pass."""

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Sum over runs of each run's mean cross-entropy, so that no run feels another's gradient.

        Dropout is drawn from a stream of the step, so that a run goes on exactly after a kill.
        """
        seed_device(self.device, integer_seed(self.seeds[0], "dropout", self.completed_steps, *self.seeds[1:]))
        inputs_rbs, targets_rbt = batch
        if self.compiled_step is not None:
            losses_r = self.compiled_step(inputs_rbs, targets_rbt)
        else:
            features_rbtd = self.model(inputs_rbs, self.targets)
            losses_r = self.model.losses(features_rbtd.flatten(1, 2), targets_rbt.flatten(1))
        self.run_losses = losses_r.detach()
        return losses_r.sum()

    def configure_optimizers(self) -> StackedAdamW:
        """AdamW with decay on everything; the embedding and the decoder bias in groups of their own."""
        body = dict(self.model.named_parameters())
        apart = [body.pop(name, None) for name in TIED]  # not all have the latter
        rest = list(body.values()) if self.compiled_step is None else [self.compiled_step.body.together]
        groups = [{"params": [] if each is None else [each]} for each in apart] + [{"params": rest}]
        config = self.training_config
        return StackedAdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def seed_device(device: torch.device, seed: int) -> None:
    """Seed the default generator of one device; ``torch.manual_seed`` asks every backend and costs 2 ms a call."""
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)
