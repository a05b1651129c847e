"""Evaluation sets of the part-of-speech task.

Input: a vocabulary and the seed of the run. Output: for each set of the published code, fixed sequences in
compact form. `val` and `switch` follow the training law; every other set is a pair of pools, one for the adjective
and one for the noun slot, from which tokens are drawn uniformly and independently. A new set is one line in `_pools`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from dual_process.blocks import Uniform
from dual_process.streams import stream
from dual_process.tasks.part_of_speech import draw_pair, draw_templates
from dual_process.tasks.vocabulary import Ids, Vocabulary

FREQUENCY_BINS = 10
"""Equal rank bins of a class; each set by bin has this fraction of the sequences."""
TOP_TYPES = 20
"""Types of a class in the sets named after the top twenty."""
TAIL_FRACTION = 10
"""The tail is the rarest 1 / `TAIL_FRACTION` of the types of a class."""

Embedding = Literal["kept", "uniform", "normal", "mean-of-ten"]
EMBEDDINGS: dict[str, Embedding] = {"unseen_uniform": "uniform", "unseen_normal": "normal"}
"""Sets whose unseen rows are not the model's own."""

Pair = tuple[Ids, Ids]
"""Ids for the adjective slot and ids for the noun slot, either drawn or to be drawn from."""
PairLaw = Callable[[np.random.Generator, int], Pair]
"""Draws that many tokens for both slots."""


@dataclass(frozen=True)
class EvaluationSet:
    """Sequences in compact form.

    Parameters
    ----------
    template
        Template numbers, uint8 of shape (sequence,).
    adjective, noun
        Ids in the adjective and in the noun slot, uint16 of shape (sequence,).
    embedding
        What the probe does with the rows of the unseen tokens: "kept" as they are, redrawn from U(0, 1) ("uniform")
        or from N(5, 5) ("normal"), or each made the mean of ten random trained rows ("mean-of-ten").
    every_checkpoint
        Whether the set is scored at every checkpoint; a large one may be kept for the last.
    """

    template: NDArray[np.uint8]
    adjective: NDArray[np.uint16]
    noun: NDArray[np.uint16]
    embedding: Embedding = "kept"
    every_checkpoint: bool = True


def evaluation_sets(vocabulary: Vocabulary, seed: int) -> dict[str, EvaluationSet]:
    """Draw every evaluation set, each from a stream of its own.

    Parameters
    ----------
    vocabulary
        Classes, laws and ambiguous types of the run.
    seed
        Seed of the run.

    Returns
    -------
    dict
        Sets by name. Sets that the task does not ask for, and sets without a token to draw, are absent.
    """
    laws: dict[str, PairLaw] = {"val": partial(draw_pair, vocabulary), "switch": partial(_draw_exchanged, vocabulary)}
    laws |= {name: partial(_draw_uniform, pools) for name, pools in _pools(vocabulary).items() if all(map(len, pools))}
    size = vocabulary.task.evaluation_sequences
    sets = {name: _draw_set(name, law, seed, size) for name, law in laws.items()}
    if vocabulary.task.unseen_variants:
        sets["unseen_mean"] = replace(sets["unseen"], embedding="mean-of-ten")
    if vocabulary.task.rank_frequency_sequences:
        exchanged = partial(_draw_uniform, (vocabulary.nouns, vocabulary.adjectives))
        drawn = _draw_set("uniform_switch", exchanged, seed, vocabulary.task.rank_frequency_sequences)
        sets["uniform_switch"] = replace(drawn, every_checkpoint=False)
    if vocabulary.task.frequency_bins:
        by_bin = {name: pools for name, pools in _bin_pools(vocabulary).items() if all(map(len, pools))}
        bin_size = size // FREQUENCY_BINS
        sets |= {name: _draw_set(name, partial(_draw_uniform, pools), seed, bin_size) for name, pools in by_bin.items()}
    return sets


def _pools(vocabulary: Vocabulary) -> dict[str, Pair]:
    """Return the pools of both slots for every full-size set of uniformly drawn tokens."""
    adjectives, nouns = vocabulary.adjectives, vocabulary.nouns
    pools = {name: (ids, ids) for name, ids in vocabulary.unseen.items()}
    if not isinstance(vocabulary.law, Uniform):
        first = len(nouns) - max(1, len(nouns) // TAIL_FRACTION)
        pools["tail"] = adjectives[first:], nouns[first:]
        pools["tail_switch"] = nouns[first:], adjectives[first:]
    if vocabulary.task.frequency_bins:
        top_adjectives, top_nouns = adjectives[:TOP_TYPES], nouns[:TOP_TYPES]
        pools["top_twenty"] = top_adjectives, top_nouns
        pools["top_twenty_switch"] = top_nouns, top_adjectives
        pools["unambiguous"] = _unambiguous(vocabulary, adjectives), _unambiguous(vocabulary, nouns)
        pools["ambiguous"] = _ambiguous(vocabulary, adjectives), _ambiguous(vocabulary, nouns)
    return pools


def _bin_pools(vocabulary: Vocabulary) -> dict[str, Pair]:
    """Return the pools of both slots for the sets by frequency bin, bin 0 holding the most frequent types."""
    pools: dict[str, Pair] = {}
    adjective_bins = np.array_split(vocabulary.adjectives, FREQUENCY_BINS)
    noun_bins = np.array_split(vocabulary.nouns, FREQUENCY_BINS)
    for index, (adjectives, nouns) in enumerate(zip(adjective_bins, noun_bins, strict=True)):
        unambiguous = _unambiguous(vocabulary, adjectives), _unambiguous(vocabulary, nouns)
        pools[f"bin_{index}_unambiguous"] = unambiguous
        pools[f"bin_{index}_unambiguous_switch"] = unambiguous[::-1]
        pools[f"bin_{index}_ambiguous"] = _ambiguous(vocabulary, adjectives), _ambiguous(vocabulary, nouns)
    return pools


def _unambiguous(vocabulary: Vocabulary, ids: Ids) -> Ids:
    """Those of `ids` that are not ambiguous."""
    return np.setdiff1d(ids, _all_ambiguous(vocabulary))


def _ambiguous(vocabulary: Vocabulary, ids: Ids) -> Ids:
    """Those of `ids` that are ambiguous; in the published code, all ambiguous types of both classes and every bin."""
    everything = _all_ambiguous(vocabulary)
    return everything if vocabulary.sampling == "reference" else np.intersect1d(ids, everything)


def _all_ambiguous(vocabulary: Vocabulary) -> Ids:
    return np.concatenate([vocabulary.ambiguous_nouns, vocabulary.ambiguous_adjectives])


def _draw_set(name: str, law: PairLaw, seed: int, size: int) -> EvaluationSet:
    """Draw one set from the stream of its name, so that no set depends on which others there are."""
    rng = stream(seed, "evaluation", crc32(name.encode()))
    template = draw_templates(rng, size)
    adjective, noun = law(rng, size)
    embedding = EMBEDDINGS.get(name, "kept")
    return EvaluationSet(template, adjective.astype(np.uint16), noun.astype(np.uint16), embedding)


def _draw_uniform(pools: Pair, rng: np.random.Generator, size: int) -> Pair:
    adjective, noun = (rng.choice(pool, size) for pool in pools)
    return adjective, noun


def _draw_exchanged(vocabulary: Vocabulary, rng: np.random.Generator, size: int) -> Pair:
    """Draw a noun for the adjective slot and an adjective for the noun slot, both by the law and without swaps."""
    return vocabulary.draw(rng, vocabulary.nouns, size), vocabulary.draw(rng, vocabulary.adjectives, size)
