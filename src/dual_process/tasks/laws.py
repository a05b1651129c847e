"""Sampling laws: for each distribution block, the probability of every rank of a class.

Input: a distribution of the configuration and the number of types. Output: probabilities by rank, most frequent
first. Sampling is by inversion of the cumulative sum. A new distribution is one block in ``blocks/`` and one
function here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dual_process.blocks import TwoLevel, Uniform, Zipf

Floats = NDArray[np.float64]


def uniform(law: Uniform, num_types: int, *, first_drawn: bool = True) -> Floats:
    """Equal probabilities; the reference draws every index here, the first one too."""
    return np.full(num_types, 1 / num_types)


def zipf(law: Zipf, num_types: int, *, first_drawn: bool = True) -> Floats:
    """Weights rank ** -alpha; without `first_drawn`, index 0 is never drawn and index r has weight r ** -alpha.

    The latter is what ``numpy.random.zipf`` rejected against list indices amounts to (as in the published code).
    """
    ranks = np.arange(1, num_types + 1) if first_drawn else np.arange(num_types)
    weights = np.zeros(num_types)
    weights[ranks > 0] = ranks[ranks > 0] ** -law.alpha
    return weights / weights.sum()


def two_level(law: TwoLevel, num_types: int, *, first_drawn: bool = True) -> Floats:
    """Head types share `head_share` of the mass equally, all others the rest."""
    head = min(max(1, round(law.head_types * num_types)), num_types - 1)
    weights = np.full(num_types, (1 - law.head_share) / (num_types - head))
    weights[:head] = law.head_share / head
    return weights


LAWS: dict[str, Callable[..., Floats]] = {"uniform": uniform, "zipf": zipf, "two-level": two_level}


def probabilities(law: Any, num_types: int, *, first_drawn: bool) -> Floats:
    """Probability of each of `num_types` ranks under a distribution block.

    Parameters
    ----------
    law
        A distribution of the configuration.
    num_types
        Number of types in the class; a single type has all the probability under every law.
    first_drawn
        False reproduces the published code, whose Zipf sampler cannot return the first type.
    """
    return LAWS[law.law](law, num_types, first_drawn=first_drawn) if num_types > 1 else np.ones(num_types)


def draw(rng: np.random.Generator, weights: Floats, size: int) -> NDArray[np.int64]:
    """Draw `size` indices with the given probabilities, by inverting their cumulative sum."""
    cumulative = np.cumsum(weights)
    indices = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
    return np.minimum(indices, np.flatnonzero(weights)[-1])
