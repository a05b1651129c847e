"""Associative recall: pairs of an item and its label, then an item whose label is to be predicted.

As in the toy autoregressive study of arXiv 2406.00053 (after Chan et al.): two items fill the context, and the query
is one of them, so that its label can be read there or, since item i mostly has label i, be known from the weights.
A sequence has 2 x pairs + 1 positions. Its compact form is the context (item, label, item, label, ...), the query and
its label, all as ids.

Layout of the ids: padding 0, which no sequence holds (the published vocabulary has one too), items 1 .. I, their
labels I+1 .. 2I, then the unseen items. Rank order is id order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from dual_process.blocks import AssociativeRecall
from dual_process.streams import stream
from dual_process.tasks.laws import Floats, draw, probabilities

CHUNK = 1 << 16
"""Training sequences drawn from one stream; a longer training set begins with the shorter one."""

Ids = NDArray[np.int64]
Draw = Callable[[np.random.Generator, int], Ids]
"""Draws that many ids."""


def num_positions(task: AssociativeRecall) -> int:
    """Length of a sequence."""
    return 2 * task.pairs + 1


def targets(task: AssociativeRecall) -> tuple[int, ...]:
    """Positions at which a label is predicted: that of the query alone."""
    return (2 * task.pairs,)


@dataclass(frozen=True)
class RecallVocabulary:
    """Items and labels with the law of the items.

    Parameters
    ----------
    task
        Sizes and label noise.
    law
        A distribution block of the configuration.
    sampling
        "reference" or "corrected"; decides how contexts are filled, see `draw_training` and `evaluation_sets`.
    """

    task: AssociativeRecall
    law: object
    sampling: str

    @property
    def relabelled_counts(self) -> list[int]:
        """Pairs of each item, the query's first, in the evaluation sets whose labels are drawn anew."""
        half = self.task.pairs // 2
        return [half - 1, half - 1, 1, 1] if self.sampling == "reference" else [half, half]

    @property
    def items(self) -> Ids:
        """Ids of the trained items, most frequent first."""
        return 1 + np.arange(self.task.items)

    @property
    def labels(self) -> Ids:
        """Ids of the labels, in the order of their items."""
        return self.items + self.task.items

    @property
    def num_trained(self) -> int:
        """Ids below this one are no unseen items."""
        return 1 + 2 * self.task.items

    @property
    def unseen(self) -> Ids:
        """Ids of the items that are never trained."""
        return self.num_trained + np.arange(self.task.unseen)

    @property
    def num_tokens(self) -> int:
        """Number of ids."""
        return self.num_trained + self.task.unseen

    def probability(self) -> Floats:
        """Probability of each id as an item; 0 for labels, padding and unseen items."""
        weights = np.zeros(self.num_tokens)
        weights[self.items] = probabilities(self.law, self.task.items, first_drawn=True)
        return weights

    def draw_items(self, rng: np.random.Generator, size: int) -> Ids:
        """Draw trained items by the law."""
        return self.items[draw(rng, probabilities(self.law, self.task.items, first_drawn=True), size)]

    def own_labels(self, items: Ids) -> Ids:
        """Labels that trained items have but for noise."""
        return items + self.task.items


@dataclass(frozen=True)
class RecallSequences:
    """Sequences in compact form, with what an evaluation set has besides.

    Parameters
    ----------
    context
        Items and labels by turns, ids of shape (sequence, 2 x pairs).
    query
        Ids of shape (sequence,).
    choice
        Right and wrong label, ids of shape (sequence, 2).
    """

    context: NDArray[np.uint16]
    query: NDArray[np.uint16]
    choice: NDArray[np.uint16]


def draw_training(words: RecallVocabulary, seed: int, size: int) -> dict[str, NDArray[np.uint16]]:
    """Draw training sequences in compact form.

    Returns
    -------
    dict
        ``context`` of shape (size, 2 x pairs), ``query`` and ``label`` of shape (size,).
    """
    chunks = [draw_lawful(words, stream(seed, "data", index), CHUNK) for index in range(-(-size // CHUNK))]
    parts = [{"context": chunk.context, "query": chunk.query, "label": chunk.choice[:, 0]} for chunk in chunks]
    return {key: np.concatenate([part[key] for part in parts])[:size] for key in parts[0]}


def draw_lawful(words: RecallVocabulary, rng: np.random.Generator, size: int) -> RecallSequences:
    """Draw sequences by the training law.

    The query's item and another one share the context equally, or, where a sequence is not bursty, two others do. With
    probability `label_noise` an item has a label drawn uniformly, throughout the sequence, and else its own. In the
    reference the other item may be the query's own again, which then fills the context. The wrong label is that of
    the other item.
    """
    items = draw_distinct(words.draw_items, rng, size, 3)  # query, other, substitute of the query
    noisy = rng.random(items.shape) < words.task.label_noise
    labels = np.where(noisy, rng.choice(words.labels, items.shape), words.own_labels(items))
    present = rng.random(size) < words.task.bursty
    if words.sampling == "reference":
        again = present & (words.draw_items(rng, size) == items[:, 0])
        items[again, 1], labels[again, 1] = items[again, 0], labels[again, 0]
    shown = np.where(present[:, None], [0, 1], [2, 1])
    context = fill_context(
        rng, np.take_along_axis(items, shown, 1), np.take_along_axis(labels, shown, 1), [words.task.pairs // 2] * 2
    )
    return RecallSequences(context, items[:, 0].astype(np.uint16), labels[:, :2].astype(np.uint16))


def draw_distinct(law: Draw, rng: np.random.Generator, size: int, count: int) -> Ids:
    """Draw `count` different ids for each of `size` sequences, of shape (size, count).

    Each column is drawn by the law given that it differs from the columns before it.
    """
    drawn = np.empty((size, count), dtype=np.int64)
    for column in range(count):
        missing = np.arange(size)
        while len(missing):
            drawn[missing, column] = law(rng, len(missing))
            missing = missing[(drawn[missing, :column] == drawn[missing, column, None]).any(1)]
    return drawn


def fill_context(rng: np.random.Generator, items: Ids, labels: Ids, counts: Sequence[int]) -> NDArray[np.uint16]:
    """Repeat each pair as often as `counts` says and shuffle the pairs of every sequence.

    Parameters
    ----------
    rng
        Generator of the order.
    items, labels
        Ids of shape (sequence, pair type).
    counts
        Repetitions of each pair type.

    Returns
    -------
    numpy.ndarray
        Items and labels by turns, uint16 of shape (sequence, 2 x sum of counts).
    """
    order = np.repeat(np.arange(len(counts)), counts)
    order = rng.permuted(np.broadcast_to(order, (len(items), len(order))), axis=1)
    pairs = [np.take_along_axis(ids, order, axis=1) for ids in (items, labels)]
    return np.stack(pairs, axis=-1).reshape(len(items), -1).astype(np.uint16)


def expand(context: NDArray[Any], query: NDArray[Any], label: NDArray[Any]) -> tuple[Ids, Ids]:
    """Turn the compact form into ids.

    Parameters
    ----------
    context
        Ids of shape (..., 2 x pairs).
    query, label
        Ids of shape (...).

    Returns
    -------
    inputs
        Ids of shape (..., 2 x pairs + 1), the query last.
    targets
        Labels of the queries, of shape (..., 1).
    """
    inputs = np.concatenate([context, query[..., None]], axis=-1).astype(np.int64)
    return inputs, label[..., None].astype(np.int64)


def evaluation_sets(words: RecallVocabulary, seed: int) -> dict[str, RecallSequences]:
    """Draw every evaluation set, each from a stream of its own.

    ``val`` follows the training law. In ``weights`` the context holds two other items, so that only the weights know
    the query's label. In ``context`` (trained items) and ``unseen`` (unseen ones) labels are drawn anew, so that only
    the context does.
    """
    laws: dict[str, Callable[[np.random.Generator, int], RecallSequences]] = {
        "val": partial(draw_lawful, words),
        "weights": partial(_draw_weights, words),
        "context": partial(_draw_relabelled, words, words.draw_items),
        "unseen": partial(_draw_relabelled, words, lambda rng, size: rng.choice(words.unseen, size)),
    }
    size = words.task.evaluation_sequences
    return {name: law(stream(seed, "evaluation", crc32(name.encode())), size) for name, law in laws.items()}


def _draw_weights(words: RecallVocabulary, rng: np.random.Generator, size: int) -> RecallSequences:
    """Draw a query and two other items for the context, all with their own labels; a fourth has the wrong one."""
    items = draw_distinct(words.draw_items, rng, size, 4)
    labels = words.own_labels(items)
    context = fill_context(rng, items[:, 1:3], labels[:, 1:3], [words.task.pairs // 2] * 2)
    return RecallSequences(context, items[:, 0].astype(np.uint16), labels[:, [0, 3]].astype(np.uint16))


def _draw_relabelled(words: RecallVocabulary, law: Draw, rng: np.random.Generator, size: int) -> RecallSequences:
    """Give the items of a context labels that are not their own.

    Reference: four items, the query's and a second one with 3 of 8 pairs each, two with one each, and for each item at
    random the first or the second label of all. Corrected: two items with equal counts and two different labels, drawn
    uniformly from all. See `counting_accuracy`.
    """
    if words.sampling == "reference":
        items = draw_distinct(law, rng, size, 4)
        labels = rng.choice(words.labels[:2], items.shape)
        choice = np.stack([labels[:, 0], words.labels[:2].sum() - labels[:, 0]], axis=-1)
    else:
        items = draw_distinct(law, rng, size, 2)
        labels = choice = draw_distinct(lambda rng, count: rng.choice(words.labels, count), rng, size, 2)
    context = fill_context(rng, items, labels, words.relabelled_counts)
    return RecallSequences(context, items[:, 0].astype(np.uint16), choice.astype(np.uint16))


def counting_accuracy(words: RecallVocabulary) -> float:
    """Share of the relabelled sequences in which the label that is most frequent in the context is right.

    Labels that tie share the answer. It is .5 in the corrected sets and, with 8 pairs, .75 in the reference, without
    any knowledge of which label belongs to which item.
    """
    first, *others = words.relabelled_counts
    if words.sampling == "corrected":
        return 0.5
    votes = [first + sum(chosen) for chosen in product(*([0, count] for count in others))]
    return float(np.mean([np.heaviside(2 * right - words.task.pairs, 0.5) for right in votes]))
