"""The least a training step needs, counted from its sizes, against the peaks of this machine.

Counted are operations and bytes of our formulation: logits at the three targets, the last layer away from them only
as keys and values. Activations are left out of the bytes, because those of one layer fit a cache.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.ours import Work
from dual_process.tasks.part_of_speech import LENGTH, TARGET_POSITIONS

FLOAT = 4
"""Bytes of a number."""


@dataclass(frozen=True)
class Floor:
    """Operations, bytes, and this machine's peaks."""

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


def measure_peaks(size: int, precision: torch.dtype = torch.float32) -> tuple[float, float]:
    """Operations per second of a product of square matrices, and bytes per second of a copy of float32; best of 5."""
    left, right = (torch.randn(size, size).to(precision) for _ in range(2))
    product = torch.empty(size, size, dtype=precision)
    source = torch.randn(16 * size * size)
    target = torch.empty_like(source)
    operations = 2 * size**3 / _best(lambda: torch.mm(left, right, out=product))
    return operations, 2 * FLOAT * source.numel() / _best(lambda: target.copy_(source))


def _best(action: Callable[[], object]) -> float:
    times = []
    for _ in range(6):  # the first one touches the memory
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return min(times[1:])
