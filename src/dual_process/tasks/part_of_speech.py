"""Sequences of the part-of-speech task: four templates, training draws, inputs and labels.

A sequence has 7 positions: a statement of three tokens, the query, and three masks whose targets are to be filled in
(as in the published code). Its compact form is the template and the two tokens in the adjective and the noun slot;
everything else follows from these three numbers.
"""

import numpy as np
from numpy.typing import NDArray

from dual_process.streams import stream
from dual_process.tasks.vocabulary import Ids, Vocabulary

LENGTH = 7
QUERY_POSITION = 3
TARGET_POSITIONS = (4, 5, 6)
CHUNK = 1 << 16
"""Training sequences drawn from one stream; a longer training set begins with the shorter one."""

COPULA, ADJECTIVE, NOUN, MASK = range(4)
TEMPLATE_INPUTS = np.array(
    [
        [COPULA, ADJECTIVE, NOUN, ADJECTIVE, MASK, MASK, MASK],
        [COPULA, ADJECTIVE, NOUN, NOUN, MASK, MASK, MASK],
        [NOUN, COPULA, ADJECTIVE, NOUN, MASK, MASK, MASK],
        [NOUN, COPULA, ADJECTIVE, ADJECTIVE, MASK, MASK, MASK],
    ]
)
"""Slot at each position, by template."""
TEMPLATE_TARGETS = np.array(
    [
        [ADJECTIVE, ADJECTIVE, ADJECTIVE],
        [ADJECTIVE, NOUN, NOUN],
        [ADJECTIVE, NOUN, NOUN],
        [ADJECTIVE, ADJECTIVE, ADJECTIVE],
    ]
)
"""Slot wanted at each target position, by template."""

PARTS = ("after_copula", "other_slot", "copula", "query", "self", "other_masks")
"""What stands at a position, as the first target position sees it; the right answer stands after the copula."""
TEMPLATE_PARTS = np.array([[2, 0, 1, 3, 4, 5, 5], [2, 0, 1, 3, 4, 5, 5], [1, 2, 0, 3, 4, 5, 5], [1, 2, 0, 3, 4, 5, 5]])
"""Part that each position belongs to, an index into `PARTS`, by template."""

Integers = NDArray[np.integer]


def draw_templates(rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """Draw template numbers 0 to 3, each with probability 1/4."""
    return rng.integers(0, len(TEMPLATE_INPUTS), size, dtype=np.uint8)


def draw_training(vocabulary: Vocabulary, seed: int, size: int) -> dict[str, Integers]:
    """Draw training sequences in compact form, ambiguity swaps included.

    Returns
    -------
    dict
        ``template`` (uint8), ``adjective`` and ``noun`` (uint16), each of shape (size,).
    """
    chunks = [_draw_chunk(vocabulary, stream(seed, "data", index)) for index in range(-(-size // CHUNK))]
    return {key: np.concatenate([chunk[key] for chunk in chunks])[:size] for key in chunks[0]}


def _draw_chunk(vocabulary: Vocabulary, rng: np.random.Generator) -> dict[str, Integers]:
    template = draw_templates(rng, CHUNK)
    adjective, noun = draw_pair(vocabulary, rng, CHUNK)
    return {"template": template, "adjective": adjective.astype(np.uint16), "noun": noun.astype(np.uint16)}


def draw_pair(vocabulary: Vocabulary, rng: np.random.Generator, size: int) -> tuple[Ids, Ids]:
    """Draw tokens for the adjective and the noun slot by the training law."""
    nouns, adjectives = vocabulary.ambiguous_nouns, vocabulary.ambiguous_adjectives
    noun = vocabulary.draw(rng, vocabulary.nouns, size)
    noun = vocabulary.swap_ambiguous(rng, noun, nouns, adjectives)
    adjective = vocabulary.draw(rng, vocabulary.adjectives, size)
    adjective = vocabulary.swap_ambiguous(rng, adjective, adjectives, nouns)
    return adjective, noun


def expand(template: Integers, adjective: Integers, noun: Integers, *, copula: int) -> tuple[Ids, Ids]:
    """Turn the compact form into ids.

    Parameters
    ----------
    template, adjective, noun
        Compact form, each of shape (...).
    copula
        Id of the copula; the mask is the next one.

    Returns
    -------
    inputs
        Ids of shape (..., 7), masks at positions 4 to 6.
    targets
        Ids of shape (..., 3) wanted at positions 4 to 6.
    """
    slots = np.stack(
        [
            np.full(np.shape(noun), copula),
            adjective.astype(np.int64),
            noun.astype(np.int64),
            np.full(np.shape(noun), copula + 1),
        ],
        axis=-1,
    )
    inputs = np.take_along_axis(slots, TEMPLATE_INPUTS[template], axis=-1)
    return inputs, np.take_along_axis(slots, TEMPLATE_TARGETS[template], axis=-1)


def query_tokens(template: Integers, adjective: Integers, noun: Integers) -> Ids:
    """Ids of the queries of sequences in compact form."""
    is_noun = TEMPLATE_INPUTS[template, QUERY_POSITION] == NOUN
    return np.where(is_noun, noun, adjective).astype(np.int64)
