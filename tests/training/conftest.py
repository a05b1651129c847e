"""A look at what happens at each step of a real fit."""

from collections.abc import Callable
from typing import Any

import pytest
import pytorch_lightning as lightning
import torch
from torch import Tensor

from dual_process.training import fit as fit_module


class Watch(lightning.Callback):
    """Copies weights, gradients of the embedding and optimizer state at every hook, by step."""

    def __init__(self) -> None:
        self.start: dict[int, Tensor] = {}
        self.backward: dict[int, tuple[Tensor, Tensor]] = {}
        self.weights: dict[int, dict[str, Tensor]] = {}
        self.moments: dict[int, dict[str, dict[str, Tensor]]] = {}
        self.losses: dict[int, Tensor] = {}
        self.inputs: dict[int, Tensor] = {}

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.start[pl_module.completed_steps] = pl_module.model.word_embedding.weight.detach().clone()
        self.inputs[pl_module.completed_steps] = batch[0]

    def on_after_backward(self, trainer: Any, pl_module: Any) -> None:
        weight = pl_module.model.word_embedding.weight
        self.backward[pl_module.completed_steps] = weight.detach().clone(), weight.grad.clone()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        step, state = pl_module.completed_steps, pl_module.optimizer.state
        self.weights[step] = {name: tensor.clone() for name, tensor in pl_module.model.state_dict().items()}
        self.moments[step] = {
            name: {key: tensor.clone() for key, tensor in state[parameter].items()}
            for name, parameter in pl_module.model.named_parameters()
        }
        self.losses[step] = pl_module.run_losses.clone()


class StopAt(lightning.Callback):
    """Raises at a step, as a killed job would stop there."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if pl_module.completed_steps == self.step:
            raise StoppedError


class StoppedError(Exception):
    """Training has been stopped on purpose."""


@pytest.fixture
def add_callbacks(monkeypatch) -> Callable[..., None]:
    """Return a function that puts callbacks before and after those of the package, until the test ends."""
    build = fit_module.make_trainer

    def add(before: list[lightning.Callback], after: list[lightning.Callback]) -> None:
        monkeypatch.setattr(fit_module, "make_trainer", lambda own, *options: build([*before, *own, *after], *options))

    return add


@pytest.fixture
def watch(add_callbacks) -> tuple[Watch, Watch]:
    """Return what is seen before and after the package's callbacks at each hook."""
    first, last = Watch(), Watch()
    add_callbacks([first], [last])
    return first, last


@pytest.fixture
def stopped() -> Callable[[int], tuple[lightning.Callback, type[Exception]]]:
    """Return a function that makes a callback which raises at a step, and what it raises."""
    return lambda step: (StopAt(step), StoppedError)


@pytest.fixture(autouse=True)
def _same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
