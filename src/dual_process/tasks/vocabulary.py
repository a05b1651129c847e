"""The part-of-speech vocabulary: which id is what, how frequent it is, and whether it is ambiguous.

Layout (as in the published code): nouns 0 .. v/2-1, adjectives v/2 .. v-1, copula v, mask v+1, then the unseen
tokens, then two optional blocks of unseen tokens whose embeddings are redrawn at evaluation. Rank
order is id order within a class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dual_process.blocks import PartOfSpeech
from dual_process.streams import stream
from dual_process.tasks.laws import Floats, draw, probabilities

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Vocabulary:
    """Token classes with their sampling laws.

    Parameters
    ----------
    task
        Sizes and ambiguity.
    law
        A distribution block of the configuration.
    sampling
        "reference" or "corrected"; decides whether Zipf draws the first type.
    ambiguous_nouns, ambiguous_adjectives
        Sorted ids of the types that may stand in for the other class.
    """

    task: PartOfSpeech
    law: object
    sampling: str
    ambiguous_nouns: Ids
    ambiguous_adjectives: Ids

    @property
    def nouns(self) -> Ids:
        """Ids of all nouns, most frequent first."""
        return np.arange(self.task.vocabulary // 2)

    @property
    def adjectives(self) -> Ids:
        """Ids of all adjectives, most frequent first."""
        return self.nouns + self.task.vocabulary // 2

    @property
    def copula(self) -> int:
        """Id of the copula."""
        return self.task.vocabulary

    @property
    def mask(self) -> int:
        """Id of the mask."""
        return self.task.vocabulary + 1

    @property
    def num_trained(self) -> int:
        """Ids below this one occur in training."""
        return self.task.vocabulary + 2

    @property
    def unseen(self) -> dict[str, Ids]:
        """Blocks of unseen ids by name."""
        names = ["unseen", "unseen_normal", "unseen_uniform"] if self.task.unseen_variants else ["unseen"]
        size = self.task.num_unseen
        return {name: self.num_trained + i * size + np.arange(size) for i, name in enumerate(names)}

    @property
    def num_tokens(self) -> int:
        """Number of ids."""
        return self.num_trained + sum(len(ids) for ids in self.unseen.values())

    def draw(self, rng: np.random.Generator, ids: Ids, size: int) -> Ids:
        """Draw from `ids` by the law, ranks being counted within `ids`."""
        weights = probabilities(self.law, len(ids), first_drawn=self.sampling == "corrected")
        return ids[draw(rng, weights, size)]

    def swap_ambiguous(self, rng: np.random.Generator, drawn: Ids, own: Ids, other: Ids) -> Ids:
        """Replace each ambiguous token of `drawn`, with probability 1/2, by an ambiguous one of the other class."""
        if not len(own):
            return drawn
        swapped = np.isin(drawn, own) & (rng.random(len(drawn)) < 0.5)
        return np.where(swapped, self.draw(rng, other, len(drawn)), drawn)

    def probability(self) -> Floats:
        """Probability of each id under the law of its class; 0 for ids that have none."""
        weights = np.zeros(self.num_tokens)
        law = probabilities(self.law, len(self.nouns), first_drawn=self.sampling == "corrected")
        weights[self.nouns] = weights[self.adjectives] = law
        return weights

    def ambiguous_mass(self) -> dict[str, float]:
        """Share of draws of each class that hit an ambiguous type, a lottery of the seed."""
        weights = self.probability()
        return {
            "noun": float(weights[self.ambiguous_nouns].sum()),
            "adjective": float(weights[self.ambiguous_adjectives].sum()),
        }


def make_vocabulary(task: PartOfSpeech, law: object, sampling: str, seed: int) -> Vocabulary:
    """Pick the ambiguous types and return the vocabulary.

    In each of the equal rank bins of a class, ``ceil(ambiguity x bin size)`` types are picked uniformly without
    replacement, from a stream of their own.
    """
    rng = stream(seed if task.ambiguity_seed is None else task.ambiguity_seed, "ambiguity")
    half = task.vocabulary // 2

    def pick() -> Ids:
        bins = np.array_split(np.arange(half), task.ambiguity_bins)
        # Rounded first: 0.07 * 100 is a little more than 7, which would make 8 types of it.
        counts = [int(np.ceil(round(task.ambiguity * len(ranks), 9))) for ranks in bins]
        picked = [rng.choice(ranks, count, replace=False) for ranks, count in zip(bins, counts, strict=True)]
        return np.sort(np.concatenate(picked))

    nouns, adjectives = pick(), half + pick()
    return Vocabulary(task, law, sampling, nouns, adjectives)
