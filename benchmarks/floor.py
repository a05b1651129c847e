"""The least a training step needs, counted from its sizes, against the peaks of a device.

Counted are operations and bytes of our formulation: logits at the three targets, the last layer away from them only
as keys and values. Activations are left out of the bytes, because those of one layer fit a cache.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.clock import best_seconds
from benchmarks.ours import Work
from dual_process.devices import CPU
from dual_process.tasks.part_of_speech import LENGTH, TARGET_POSITIONS

FLOAT = 4
"""Bytes of a number."""


@dataclass(frozen=True)
class Floor:
    """Operations, bytes, and the peaks of a device."""

    operations: float
    bytes: float
    operations_per_second: float
    bytes_per_second: float

    @property
    def seconds(self) -> float:
        """Least time of a step: that of its operations or that of its bytes, whichever is longer."""
        return max(self.operations / self.operations_per_second, self.bytes / self.bytes_per_second)


def count_operations(work: Work, num_tokens: int) -> float:
    """Floating-point operations of the products in one step; the backward pass has twice those of the forward one."""
    width, hidden = work.width, work.feed_forward
    rows, targets = work.batch_size * LENGTH, work.batch_size * len(TARGET_POSITIONS)

    def layer(queries: int) -> float:
        projections = 2 * width**2 * (2 * rows + 2 * queries)
        attention = 2 * 2 * queries * LENGTH * width
        return projections + attention + 2 * 2 * queries * width * hidden

    head = 2 * targets * width * (width + num_tokens)
    return 3.0 * work.runs * ((work.layers - 1) * layer(rows) + layer(targets) + head)


def count_bytes(work: Work, num_tokens: int, num_parameters: int) -> float:
    """Bytes of the large arrays that one step moves.

    The logits are written by their product, read and overwritten by the softmax, and read by the two products of the
    backward pass: 5 passes. The decoder is read twice. A gradient is written once; AdamW reads it, the parameter and
    two moments, and writes the latter three: 8 passes over the parameters.
    """
    logits = work.runs * work.batch_size * len(TARGET_POSITIONS) * num_tokens
    decoder = work.runs * num_tokens * work.width
    return float(FLOAT * (5 * logits + 2 * decoder + 8 * num_parameters))


@dataclass(frozen=True)
class Peaks:
    """What a device can do: operations per second by precision, and bytes per second."""

    operations: dict[str, float]
    bytes: float


def measure_peaks(size: int, precisions: Iterable[str], device: torch.device = CPU) -> Peaks:
    """Measure products of square matrices of so many rows, and a copy of sixteen of float32; best of 5."""
    operations = {}
    for name in precisions:
        left, right = (torch.randn(size, size, device=device).to(getattr(torch, name)) for _ in range(2))
        multiply = partial(torch.mm, left, right, out=torch.empty_like(left))
        operations[name] = 2 * size**3 / best_seconds(multiply, device)
    source = torch.randn(16 * size**2, device=device)
    copy = partial(torch.empty_like(source).copy_, source)
    return Peaks(operations, 2 * source.nbytes / best_seconds(copy, device))
