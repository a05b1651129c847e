"""Clocks that wait for a GPU before they are read."""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as lightning
import torch

from dual_process.devices import CPU


def wait(device: torch.device) -> None:
    """Wait until a GPU has done all that it was told to; before a look at the clock."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(action: Callable[[], object], device: torch.device = CPU) -> float:
    """Time one call, work on the GPU included."""
    wait(device)
    begun = time.perf_counter()
    action()
    wait(device)
    return time.perf_counter() - begun


def best_seconds(action: Callable[[], object], device: torch.device = CPU) -> float:
    """Time some calls, after some that touch the memory and load libraries; return the least."""
    return min([seconds(action, device) for _ in range(8)][3:])


class Clock(lightning.Callback):
    """Notes when the warm-up and the last step are done on the device.

    Parameters
    ----------
    warm, last
        Steps after which to look.
    """

    def __init__(self, warm: int, last: int) -> None:
        self.marks = (warm, last)
        self.stamps: list[float] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note the time."""
        if batch_idx + 1 in self.marks:
            wait(pl_module.device)
            self.stamps.append(time.perf_counter())
