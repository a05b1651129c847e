"""Probabilistic temporary forgetting in the Trainer of transformers and in Lightning.

Neither trainer shows a callback the batch before every forward pass, so both callbacks put a hook on the model itself:
while it trains, rows are replaced just before its forward pass, by the word pieces that the pass gets. After the
backward pass the trainer calls back and the rows return. Evaluation, generation and saving see the model as it is.
Of several processes or GPUs each would replace rows of its own; these callbacks are for one.

With the Trainer, which needs ``pip install transformers accelerate``:

.. code-block:: python

    from transformers import Trainer, TrainingArguments

    from dual_process.training.forgetting import ProbabilisticForgetting, TransformersForgetting

    forgetting = ProbabilisticForgetting(model, probability=0.1, seed=0)
    arguments = TrainingArguments("finetuned", max_steps=3, learning_rate=3e-5, report_to="none")
    trainer = Trainer(model, arguments, train_dataset=dataset, callbacks=[TransformersForgetting(forgetting)])
    trainer.train()

With Lightning, `module` being a LightningModule that calls `model`:

.. code-block:: python

    from pytorch_lightning import Trainer

    from dual_process.training.forgetting import LightningForgetting, ProbabilisticForgetting

    forgetting = ProbabilisticForgetting(model, probability=0.1, seed=0)
    trainer = Trainer(max_steps=3, callbacks=[LightningForgetting(forgetting)])
    trainer.fit(module, loader)
"""

from collections.abc import Callable
from typing import Any

try:
    from transformers import TrainerCallback
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("the callbacks of forgetting need transformers: pip install transformers") from error

import pytorch_lightning as lightning
import torch
from torch import nn

from dual_process.training.forgetting.probabilistic import ProbabilisticForgetting


class ForwardHook:
    """Replaces rows before every forward pass of a model in training.

    Parameters
    ----------
    forgetting
        What is replaced, in which model.
    step
        Gives the number of optimizer steps completed so far.
    """

    def __init__(self, forgetting: ProbabilisticForgetting, step: Callable[[], int]) -> None:
        self.forgetting, self.step, self.called = forgetting, step, False
        self.handle = forgetting.model.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Replace rows of the word pieces that the model is called with."""
        if model.training and torch.is_grad_enabled():
            self.called = True
            input_ids = kwargs.get("input_ids", args[0] if args else None)
            if input_ids is None:
                raise ValueError("forgetting goes by word pieces: call the model with input_ids")
            self.forgetting.before_forward(input_ids, self.step())

    def after_backward(self) -> None:
        """Put the rows back."""
        if not self.called:
            raise ValueError(
                "the model of ProbabilisticForgetting was never called in training; give it the model that is"
            )
        self.forgetting.after_backward()

    def remove(self) -> None:
        """Leave the model as it was before the hook."""
        self.forgetting.after_backward()
        self.handle.remove()


class _Hooking:
    """What both callbacks share: the forgetting, and its hook while training goes on."""

    def __init__(self, forgetting: ProbabilisticForgetting) -> None:
        self.forgetting = forgetting
        self._hook: ForwardHook | None = None

    def _begin(self, step: Callable[[], int], *, devices: int) -> None:
        if devices > 1:
            raise ValueError("forgetting replaces rows in one process on one GPU: train on one, not on several")
        self._end()  # of a run that ended in an error
        self._hook = ForwardHook(self.forgetting, step)

    def _restore(self) -> None:
        assert self._hook is not None, "training has begun"
        self._hook.after_backward()

    def _end(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._hook = None


class TransformersForgetting(_Hooking, TrainerCallback):
    """Probabilistic temporary forgetting for the Trainer of transformers.

    Gradient accumulation and clipping work as usual; a run that is resumed goes on with the same draws.

    Parameters
    ----------
    forgetting
        What is replaced; its model must be the one that is trained.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the hook on the model."""
        self._begin(lambda: int(state.global_step), devices=max(args.n_gpu, args.world_size))

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the rows back after a backward pass whose gradient is accumulated."""
        self._restore()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the rows back before the optimizer sees them."""
        self._restore()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the hook off again."""
        self._end()


class LightningForgetting(_Hooking, lightning.Callback):
    """Probabilistic temporary forgetting for Lightning, with one optimizer.

    Gradient accumulation and clipping work as usual; a run that is resumed goes on with the same draws.

    Parameters
    ----------
    forgetting
        What is replaced; its model must be the one that the module calls.
    """

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the hook on the model."""
        self._begin(lambda: trainer.global_step, devices=trainer.world_size)

    def on_after_backward(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the rows back before gradients are clipped and the optimizer steps."""
        self._restore()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the hook off again."""
        self._end()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Leave no replaced rows behind."""
        self._end()
