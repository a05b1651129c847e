"""Dropout whose mask costs a quarter of a random word per element.

On a CPU PyTorch draws a 64-bit number for each element of the mask, which takes about a tenth of a training step of a
toy model; 16 bits are enough.
"""

import torch
from torch import Tensor

LEVELS = 2**16
"""Values of the 16 bits that decide on one element; the probability is rounded to a multiple of 1/65536."""


def dropout(x: Tensor, probability: float, training: bool) -> Tensor:
    """Zero elements at random and scale up the others, as :func:`torch.nn.functional.dropout` does.

    Parameters
    ----------
    x
        Tensor of any shape.
    probability
        Chance of zeroing an element.
    training
        Return `x` itself if false.
    """
    dropped = round(probability * LEVELS)
    if not training or dropped == 0:
        return x
    words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device)
    words.random_(-(2**63), None)  # without a lower end the sign bit would never be set
    numbers = words.view(torch.int16)[: x.numel()].view(x.shape)
    # A comparison written as floats is vectorised; one that gives booleans, and their conversion, are not.
    keep = torch.ge(numbers, dropped - LEVELS // 2, out=torch.empty(x.shape, device=x.device))
    return x * keep.mul_(LEVELS / (LEVELS - dropped))
