"""Dropout whose masks are drawn at once for a whole forward pass and cost a quarter of a random word per element.

On a CPU PyTorch draws a 64-bit number for each element of a mask, which takes about a tenth of a training step of a
toy model; 16 bits are enough. A few calls for all masks are quicker than a few for each.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

LEVELS = 2**16
"""Values of the 16 bits that decide on one element; the probability is rounded to a multiple of 1/65536."""
PER_WORD = 4
"""Elements that share one 64-bit number."""


def draw_masks(shapes: Sequence[tuple[int, ...]], probability: float, device: torch.device) -> list[Tensor]:
    """Draw one mask of each shape from the default generator of the device.

    Parameters
    ----------
    shapes
        Shapes of what is to be masked.
    probability
        Chance of zeroing an element.
    device
        Where the masks are needed.

    Returns
    -------
    list of Tensor
        Zeros, and elsewhere the factor that keeps the mean, as in :func:`torch.nn.functional.dropout`.
    """
    return cut_masks(draw_factors(shapes, probability, device), shapes)


def draw_factors(shapes: Sequence[tuple[int, ...]], probability: float, device: torch.device) -> Tensor:
    """Draw the elements of :func:`draw_masks` in one row, for :func:`cut_masks`."""
    words = torch.empty(sum(_lengths(shapes)) // PER_WORD, dtype=torch.int64, device=device)
    words.random_(-(2**63), None)  # without a lower end the sign bit would never be set
    numbers, dropped = words.view(torch.int16), round(probability * LEVELS)
    # A comparison written as floats is vectorised; one that gives booleans, and their conversion, are not.
    keep = torch.ge(numbers, dropped - LEVELS // 2, out=torch.empty(numbers.shape, device=device))
    return keep.mul_(LEVELS / (LEVELS - dropped))


def cut_masks(factors: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Cut what :func:`draw_factors` has drawn into masks, which share its memory."""
    parts = factors.split(_lengths(shapes))
    return [part[: math.prod(shape)].view(shape) for part, shape in zip(parts, shapes, strict=True)]


def dropout(x: Tensor, masks: Iterator[Tensor] | None) -> Tensor:
    """Zero elements by the next mask and scale up the others.

    Parameters
    ----------
    x
        Tensor of the shape of that mask.
    masks
        Masks in the order of their use; None leaves `x` as it is.
    """
    return x if masks is None else x * next(masks)


def _lengths(shapes: Sequence[tuple[int, ...]]) -> list[int]:
    """Elements that are drawn for masks: whole words."""
    return [-(-math.prod(shape) // PER_WORD) * PER_WORD for shape in shapes]
