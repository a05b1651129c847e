"""The least a training step needs, counted from its sizes, against the peaks of a device.

Counted are operations and bytes of our formulation: logits at the three targets, the last layer away from them only
as keys and values. Activations are left out of the bytes, because those of one layer fit a cache.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.clock import best_seconds
from benchmarks.ours import Ours, Work
from dual_process.devices import CPU
from dual_process.models.losses import rows_at_once
from dual_process.models.products import product
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


@dataclass(frozen=True)
class Product:
    """Products of matrices (rows, inner) and (inner, columns), `batch` of them in one call, called `times` times."""

    times: int
    batch: int
    rows: int
    inner: int
    columns: int

    @property
    def operations(self) -> float:
        """Floating-point operations of all calls."""
        return 2.0 * self.times * self.batch * self.rows * self.inner * self.columns


def forward_products(work: Work, num_tokens: int, sequences: int, at_once: int) -> list[Product]:
    """List the products of one run's forward pass over some sequences; logits are computed `at_once` rows at a time."""
    width, hidden, targets = work.width, work.feed_forward, len(TARGET_POSITIONS)

    def layers(times: int, queries: int) -> list[Product]:
        rows = sequences * queries
        together = 3 if queries == LENGTH else 2  # queries, keys and values; in the last layer keys and values
        return [
            Product(times, 1, sequences * LENGTH, width, together * width),
            Product(4 * times - together * times, 1, rows, width, width),  # output, and queries of the last layer
            Product(times, sequences, queries, width, LENGTH),
            Product(times, sequences, queries, LENGTH, width),
            Product(times, 1, rows, width, hidden),
            Product(times, 1, rows, hidden, width),
        ]

    rows = sequences * targets
    head = [Product(rows // at_once, 1, at_once, width, num_tokens), Product(1, 1, rows % at_once, width, num_tokens)]
    return layers(work.layers - 1, LENGTH) + layers(1, targets) + [Product(1, 1, rows, width, width)] + head


def count_operations(work: Work, num_tokens: int) -> float:
    """Floating-point operations of the products in one step; the backward pass has twice those of the forward one."""
    rows = work.batch_size * len(TARGET_POSITIONS)
    products = forward_products(work, num_tokens, work.batch_size, rows_at_once(rows, num_tokens, torch.float32))
    for_decoder_bias = 2.0 * rows * num_tokens  # it comes with the gradient of the decoder
    return work.runs * (3 * sum(each.operations for each in products) + for_decoder_bias)


def seconds_of_products(products: Iterable[Product], precision: str, *, backward: bool) -> float:
    """Measure products at their own shapes, nothing else between them; best of 5 for each.

    Parameters
    ----------
    products
        Products of a forward pass.
    precision
        Type of all factors and results.
    backward
        Whether to add the two products that give the gradients of the factors.
    """
    total = 0.0
    for each in products:
        if not each.operations:
            continue
        left, right, result = (
            torch.randn(each.batch, *shape).to(getattr(torch, precision))
            for shape in ((each.rows, each.inner), (each.inner, each.columns), (each.rows, each.columns))
        )
        calls = [_multiply(left, right)]
        if backward:
            calls += [_multiply(result, right.mT), _multiply(left.mT, result)]
        total += each.times * sum(best_seconds(call) for call in calls)
    return total


def _multiply(left: Tensor, right: Tensor) -> Callable[[], Tensor]:
    """Product of a batch of matrices, as it is computed in training."""
    return partial(torch.bmm, left, right) if len(left) > 1 else partial(product, left[0], right[0])


class KernelTimes(TorchDispatchMode):
    """Measures every operation of PyTorch in its context, repeated on its own arguments, which are in the caches then.

    What an operation writes to is put back before it counts, so that a step under this watch takes the usual course.

    Attributes
    ----------
    seconds
        Sum over all operations but views of the least of 5 times.
    kernels, views
        Number of operations that compute something, and of those that do not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.kernels, self.views = 0.0, 0, 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call and measure one operation."""
        call: Callable[[], Any] = partial(func, *args, **(kwargs or {}))
        if func.is_view:
            self.views += 1
            return call()
        self.kernels += 1
        before = [(tensor, tensor.clone()) for tensor in written(func, args, kwargs or {})]
        self.seconds += best_seconds(call)
        for tensor, values in before:
            tensor.copy_(values)
        return call()


def written(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Tensors among its arguments to which an operation of PyTorch writes."""
    arguments = operation._schema.arguments
    values = {argument.name: value for argument, value in zip(arguments, args, strict=False)} | dict(kwargs)
    to_write = {argument.name for argument in arguments if argument.alias_info and argument.alias_info.is_write}
    return [leaf for name in to_write & set(values) for leaf in tree_leaves(values[name]) if isinstance(leaf, Tensor)]


def measure_kernels(work: Work, precision: str) -> KernelTimes:
    """Measure the operations of one of our training steps, one by one."""
    times = KernelTimes()
    Ours(replace(work, steps=1, evaluation_sequences=20, compiled=False)).train_bare(precision, times)
    return times


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
        multiply = partial(product if device == CPU else torch.mm, left, right)
        operations[name] = 2 * size**3 / best_seconds(multiply, device)
    source = torch.randn(16 * size**2, device=device)
    copy = partial(torch.empty_like(source).copy_, source)
    return Peaks(operations, 2 * source.nbytes / best_seconds(copy, device))
