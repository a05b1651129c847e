"""Structural probes: whether distances and depths in the syntactic tree can be read off the states of its words.

One linear map for distances and one for depths (Hewitt and Manning 2019, as in the push-down study of the paper): the
squared length of the mapped difference of two words stands for the number of edges between them, that of one mapped
word for the number of edges above it. All layers are fitted at once as one stacked parameter; their losses are
independent, so each layer's probes are those that it would get alone.
Shape letters: L layer, N word of the store, S sentence, T position, W component, R rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata
from torch import Tensor

from dual_process.streams import integer_seed, stream

MEASURES = ("unlabelled_attachment", "distance_spearman", "root_accuracy", "depth_spearman")
WORDS = (2, 50)
"""Fewest and most words of the sentences that are used: one word has no tree, and few sentences are longer."""
RANKED_FROM = 5
"""Fewest words of a sentence in which ranks are compared."""
TRAIN_SENTENCES, TEST_SENTENCES = 800, 400
"""Most sentences of each part, so that a checkpoint takes seconds; the paper took a whole treebank."""
EPOCHS, BATCH, LEARNING_RATE = 12, 20, 1e-3
"""The 4 epochs of the paper are of 40,000 sentences. With 800, the attachment at the best layer of MiniLM on EWT is .53
after 4 epochs, .61 after 12 and .61 after 20."""


@dataclass(frozen=True)
class Tree:
    """The dependency tree of one sentence."""

    words: slice
    """Words of the sentence within those of the store."""
    distance: np.ndarray
    """Edges between any two words, shape (T, T)."""
    depth: np.ndarray
    """Edges between each word and the root, shape (T,)."""
    punctuation: np.ndarray
    """Whether each word is a punctuation mark, shape (T,)."""


def draw_trees(sentences: xr.Dataset, *, limit: int, seed: int, part: str) -> list[Tree]:
    """Trees of some sentences, drawn at random and ordered by length, then place.

    Parameters
    ----------
    sentences
        Words of one part of the sentences store, with ``sentence``, ``head`` and ``upos``.
    limit
        Most sentences.
    seed
        Seed of the draw.
    part
        Name of the part, for the stream and for messages.
    """
    number, heads = sentences["sentence"].values, sentences["head"].values
    punctuation = sentences["upos"].values == "PUNCT"
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    spans = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(number)], strict=True)]
    spans = [span for span in spans if WORDS[0] <= span.stop - span.start <= WORDS[1]]
    if not spans:
        raise ValueError(
            f"the {part} sentences have none of {WORDS[0]} to {WORDS[1]} words; structural probes need some"
        )
    chosen = stream(seed, f"structure of {part}").permutation(len(spans))[:limit]
    ordered = sorted((spans[index] for index in chosen), key=lambda span: (span.stop - span.start, span.start))
    return [Tree(span, *tree_distances(heads[span]), punctuation[span]) for span in ordered]


def tree_distances(heads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges between any two words (T, T), and between each word and the root (T,).

    Parameters
    ----------
    heads
        Position of each word's head, from 1; 0 for the root. Several roots hang from one node above them.
    """
    length = len(heads)
    distance = np.zeros((length + 1, length + 1), np.int32)
    known, waiting = [0], list(range(1, length + 1))
    while waiting:
        ready = [word for word in waiting if heads[word - 1] in known]
        if not ready:
            raise ValueError(f"the heads {heads.tolist()} are no tree: words {waiting} never reach the root")
        for word in ready:
            distance[word, known] = distance[known, word] = distance[heads[word - 1], known] + 1
            known.append(word)
        waiting = [word for word in waiting if word not in ready]
    return distance[1:, 1:], distance[0, 1:] - 1


def measure_structure(
    train_lnw: Tensor, train: Sequence[Tree], test_lnw: Tensor, test: Sequence[Tree], *, rank: int, seed: int
) -> np.ndarray:
    """Fit the probes of all layers and measure them.

    Parameters
    ----------
    train_lnw, test_lnw
        States of the words of both parts, shape (L, N, W).
    train, test
        Sentences that are used, ordered by length.
    rank
        Rank of both maps; at most the width counts.
    seed
        Seed of the initial weights and of the order of batches.

    Returns
    -------
    numpy.ndarray
        Shape (measure, L), see `measure_trees`.
    """
    maps = fit_maps(train_lnw, train, rank=min(rank, train_lnw.shape[-1]), seed=seed)
    return measure_trees(maps, test_lnw, test)


def fit_maps(states_lnw: Tensor, trees: Sequence[Tree], *, rank: int, seed: int) -> Tensor:
    """Fit the map of distances and that of depths, shape (L, W, 2 R), by Adam.

    The loss of a sentence is the absolute error, summed over pairs and divided by the squared length, and summed over
    words and divided by the length; of a batch, the mean over sentences. Batches hold sentences of about one length,
    which saves padding, and come in another random order in every epoch. The published decay of the learning rate on a
    plateau is left out: it would look at the sentences that the probes are tested on.
    """
    layers, _, width = states_lnw.shape
    generator = torch.Generator().manual_seed(integer_seed(seed, "structural probes"))
    initial = (torch.rand(width, 2 * rank, generator=generator) - 0.5) / 10
    maps = initial.repeat(layers, 1, 1).requires_grad_()
    optimizer = torch.optim.Adam([maps], lr=LEARNING_RATE)
    batches = [_Batch.of(trees[start : start + BATCH]) for start in range(0, len(trees), BATCH)]
    for epoch in range(EPOCHS):
        for index in stream(seed, "structural batches", epoch).permutation(len(batches)):
            loss = _loss(maps, states_lnw, batches[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return maps.detach()


@dataclass(frozen=True)
class _Batch:
    """Some sentences, filled up with their first word to one length; filling has a share of 0."""

    rows_st: Tensor
    distance_stt: Tensor
    depth_st: Tensor
    share_st: Tensor
    """Share of each word in its sentence."""

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> "_Batch":
        longest = max(len(tree.depth) for tree in trees)
        rows = torch.tensor([[tree.words.start] * longest for tree in trees])
        distance, depth, share = (torch.zeros(len(trees), *[longest] * axes) for axes in (2, 1, 1))
        for place, tree in enumerate(trees):
            size = len(tree.depth)
            rows[place, :size] += torch.arange(size)
            distance[place, :size, :size] = torch.from_numpy(tree.distance)
            depth[place, :size] = torch.from_numpy(tree.depth)
            share[place, :size] = 1 / size
        return cls(rows, distance, depth, share)


def _loss(maps: Tensor, states_lnw: Tensor, batch: _Batch) -> Tensor:
    distances, depths = predict(maps, states_lnw[:, batch.rows_st].float())
    share_stt = batch.share_st[:, :, None] * batch.share_st[:, None]
    wrong = ((distances - batch.distance_stt).abs() * share_stt).sum()
    return (wrong + ((depths - batch.depth_st).abs() * batch.share_st).sum()) / len(batch.rows_st)


def predict(maps: Tensor, states_lstw: Tensor) -> tuple[Tensor, Tensor]:
    """Predicted distances (L, S, T, T) and depths (L, S, T), in squared lengths."""
    layers, sentences, length, _ = states_lstw.shape
    mapped = (states_lstw.flatten(1, 2) @ maps).view(layers, sentences, length, 2, -1)
    place, depth = mapped.unbind(3)
    square = place.square().sum(-1)
    distances = square[..., None] + square[..., None, :] - 2 * place @ place.mT
    return distances, depth.square().sum(-1)


@torch.inference_mode()
def measure_trees(maps: Tensor, states_lnw: Tensor, trees: Sequence[Tree]) -> np.ndarray:
    """Compare predicted with true trees, shape (measure, L).

    - unlabelled_attachment (UUAS): of the edges between two words that are no punctuation marks, the share that the
      minimum spanning tree of the predicted distances of all such words has;
    - distance_spearman: rank correlation of a word's predicted with its true distances, mean over the words of
      sentences of one length, then over lengths of 5 to 50;
    - root_accuracy: share of sentences whose root has the least predicted depth, punctuation marks left out;
    - depth_spearman: rank correlation of predicted with true depths, mean over sentences of one length, then over
      lengths of 5 to 50.
    """
    edges, found, roots, by_length = 0, 0, [], []
    for length, group in groupby(trees, key=lambda tree: len(tree.depth)):
        same = list(group)
        rows = np.stack([np.r_[tree.words] for tree in same])
        distances, depths = (each.double().numpy() for each in predict(maps, states_lnw[:, rows].float()))
        true_distance, true_depth = (np.stack([getattr(tree, name) for tree in same]) for name in ("distance", "depth"))
        words = ~np.stack([tree.punctuation for tree in same])
        edge = np.triu((true_distance == 1) & words[:, :, None] & words[:, None])
        edges += edge.sum()
        found = found + (spanning_edges(distances, words) & edge).sum((1, 2, 3))
        root = np.where(words, depths, np.inf).argmin(-1)
        roots.append((np.take_along_axis(true_depth[None], root[..., None], -1)[..., 0] == 0) & words.any(-1))
        if length >= RANKED_FROM:
            by_length.append(
                [rank_correlation(distances, true_distance).mean((1, 2)), rank_correlation(depths, true_depth).mean(1)]
            )
    ranks = np.mean(by_length, axis=0) if by_length else np.full((2, len(maps)), np.nan)
    return np.stack([found / max(edges, 1), ranks[0], np.concatenate(roots, axis=1).mean(1), ranks[1]])


def spanning_edges(distances: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Edges of the minimum spanning trees of many sentences of one length at once, by Prim's algorithm.

    Parameters
    ----------
    distances
        Symmetric, shape (L, S, T, T).
    words
        Which words take part, shape (S, T).

    Returns
    -------
    numpy.ndarray
        Boolean and symmetric, shape (L, S, T, T).
    """
    shape, length = distances.shape, distances.shape[-1]
    weight = distances.reshape(-1, length, length)
    outside = np.broadcast_to(words, shape[:-1]).reshape(-1, length).copy()
    sentence = np.arange(len(weight))
    newest = outside.argmax(1)
    outside[sentence, newest] = False
    parent = np.repeat(newest[:, None], length, axis=1)
    nearest = weight[sentence, newest]
    edges = np.zeros(weight.shape, bool)
    for _ in range(length - 1):
        newest = np.where(outside, nearest, np.inf).argmin(1)
        left = outside[sentence, newest]  # false where all words are in the tree
        edges[sentence[left], newest[left], parent[sentence, newest][left]] = True
        outside[sentence, newest] = False
        closer = weight[sentence, newest] < nearest
        parent = np.where(closer & outside, newest[:, None], parent)
        nearest = np.where(closer & outside, weight[sentence, newest], nearest)
    return (edges | edges.swapaxes(1, 2)).reshape(shape)


def rank_correlation(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis, equal values sharing their rank; 0 for constant predictions."""
    first, second = (rankdata(each, axis=-1) for each in (predicted, true))
    first, second = first - first.mean(-1, keepdims=True), second - second.mean(-1, keepdims=True)
    scale = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return np.asarray((first * second).sum(-1) / np.where(scale > 0, scale, np.inf))
