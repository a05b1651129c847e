"""Structural probes: tree distances, spanning trees and ranks against scipy, and maps on planted states."""

from time import process_time

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path
from scipy.stats import spearmanr

from dual_process.language.structural import (
    MEASURES,
    draw_trees,
    fit_maps,
    measure_structure,
    measure_trees,
    predict,
    rank_correlation,
    spanning_edges,
    tree_distances,
)


def random_heads(rng, length):
    """Heads of a random tree, 0 for the root."""
    order = rng.permutation(length)
    heads = np.zeros(length, np.int32)
    for place in range(1, length):
        heads[order[place]] = order[rng.integers(max(0, place - 4), place)] + 1
    return heads


def treebank(seed, *, sentences=60, longest=20, marks=0.1):
    """Words of random trees, as the sentences store has them, with leaves as punctuation marks."""
    rng = np.random.default_rng(seed)
    heads = [random_heads(rng, rng.integers(1, longest + 1)) for _ in range(sentences)]
    upos = [
        np.where((rng.random(len(each)) < marks) & ~np.isin(np.arange(1, len(each) + 1), each), "PUNCT", "X")
        for each in heads
    ]
    number = np.repeat(np.arange(sentences), [len(each) for each in heads])
    columns = {"head": np.concatenate(heads), "sentence": number, "upos": np.concatenate(upos).astype(object)}
    return xr.Dataset({name: ("word", values) for name, values in columns.items()})


def planted_states(words, trees, *, width):
    """States whose squared distances are those of the tree: a sum of unit vectors along the path to the root."""
    states = np.zeros((words.sizes["word"], width))
    for tree in trees:
        size = len(tree.depth)
        above = tree.depth[:, None] == tree.distance + tree.depth  # [i, j]: j lies on the path from i to the root
        above[:, tree.depth == 0] = False
        states[tree.words, :size] = above
    return torch.from_numpy(states)[None]


def test_distances_are_shortest_paths():
    rng = np.random.default_rng(0)
    for length in (1, 2, 3, 17, 40):
        heads = random_heads(rng, length)
        distance, depth = tree_distances(heads)
        words = np.flatnonzero(heads)
        graph = csr_array((np.ones(len(words)), (words, heads[words] - 1)), shape=(length, length))
        wanted = shortest_path(graph, directed=False)
        np.testing.assert_array_equal(distance, wanted)
        np.testing.assert_array_equal(depth, wanted[np.flatnonzero(heads == 0)[0]])


def test_heads_in_a_circle_are_refused():
    with pytest.raises(ValueError, match=r"no tree: words \[2, 3\] never reach the root"):
        tree_distances(np.array([0, 3, 2]))


def test_sentences_without_a_tree_are_left_out_and_none_at_all_is_told():
    words = treebank(0, sentences=40, longest=4)
    trees = draw_trees(words, limit=100, seed=0, part="train")
    lengths = np.bincount(words["sentence"])
    assert [len(tree.depth) for tree in trees] == sorted(lengths[lengths > 1])
    few = draw_trees(words, limit=5, seed=0, part="train")
    assert len(few) == 5
    assert {tree.words.start for tree in few} < {tree.words.start for tree in trees}
    with pytest.raises(ValueError, match="the dev sentences have none of 2 to 50 words"):
        draw_trees(treebank(0, longest=1), limit=5, seed=0, part="dev")


def test_spanning_trees_are_those_of_scipy():
    rng = np.random.default_rng(1)
    distances = rng.random((3, 6, 9, 9)) + 0.1
    distances = distances + distances.swapaxes(-1, -2)
    words = rng.random((6, 9)) < 0.7
    words[0], words[1], words[2] = True, False, np.arange(9) == 4
    found = spanning_edges(distances, words)
    for layer in range(3):
        for sentence in range(6):
            place = np.flatnonzero(words[sentence])
            wanted = np.zeros((9, 9), bool)
            wanted[np.ix_(place, place)] = minimum_spanning_tree(
                distances[layer, sentence][np.ix_(place, place)]
            ).toarray()
            np.testing.assert_array_equal(found[layer, sentence], wanted | wanted.T)
    assert found.sum() > 50


def test_rank_correlations_are_those_of_scipy():
    rng = np.random.default_rng(2)
    predicted, true = rng.random((4, 5, 11)).round(1), rng.integers(0, 6, (5, 11))
    found = rank_correlation(predicted, true)
    for layer in range(4):
        for row in range(5):
            assert found[layer, row] == pytest.approx(spearmanr(predicted[layer, row], true[row]).statistic)
    assert rank_correlation(np.ones((1, 11)), true[:1]) == 0


def measured_slowly(maps, states, trees):
    """Measures of one layer, sentence by sentence, as their definitions say."""
    found = edges = 0
    roots, distance_ranks, depth_ranks = [], {}, {}
    for tree in trees:
        mapped = states[0, tree.words] @ maps[0]
        place, height = (each.double().numpy() for each in mapped.chunk(2, dim=-1))
        distance = ((place[:, None] - place[None]) ** 2).sum(-1)
        depth, words = (height**2).sum(-1), np.flatnonzero(~tree.punctuation)
        pairs = np.argwhere(minimum_spanning_tree(distance[np.ix_(words, words)]).toarray())
        gold = tree.distance[np.ix_(words, words)]
        found += sum(gold[a, b] == 1 for a, b in pairs)
        edges += (gold == 1).sum() // 2
        roots.append(tree.depth[words[depth[words].argmin()]] == 0)
        rows = zip(distance, tree.distance, strict=True)
        distance_ranks.setdefault(len(depth), []).extend(spearmanr(*row).statistic for row in rows)
        depth_ranks.setdefault(len(depth), []).append(spearmanr(depth, tree.depth).statistic)
    means = [np.mean([np.mean(each[n]) for n in each if n >= 5]) for each in (distance_ranks, depth_ranks)]
    return [found / edges, means[0], np.mean(roots), means[1]]


@pytest.mark.filterwarnings("ignore:An input array is constant")  # two words at one depth; left out below length 5
def test_measures_are_those_of_their_definitions():
    words = treebank(3)
    trees = draw_trees(words, limit=100, seed=0, part="dev")
    noisy = planted_states(words, trees, width=24) + torch.from_numpy(
        np.random.default_rng(3).normal(0, 0.5, (1, words.sizes["word"], 24))
    )
    maps = torch.eye(24).repeat(1, 1, 2)
    found = measure_trees(maps, noisy.float(), trees)
    np.testing.assert_allclose(found[:, 0], measured_slowly(maps, noisy.float(), trees), rtol=1e-4)
    assert ((found > 0.3) & (found < 0.99)).all()


def test_planted_trees_are_found_and_noise_is_not():
    parts = [treebank(seed, sentences=count, longest=16) for seed, count in ((4, 400), (5, 60))]
    trees = [draw_trees(words, limit=1000, seed=0, part="train") for words in parts]
    planted = [planted_states(*each, width=24).float() for each in zip(parts, trees, strict=True)]
    generator = torch.Generator().manual_seed(0)
    # a rotation hides the axes; a random layer beside must stay near chance
    rotation = torch.linalg.qr(torch.randn(24, 24, generator=generator))[0]
    states = [torch.cat([each @ rotation, torch.randn(each.shape, generator=generator)]) for each in planted]
    found = dict(
        zip(MEASURES, measure_structure(states[0], trees[0], states[1], trees[1], rank=24, seed=0), strict=True)
    )
    for name, (layer, noise) in found.items():
        assert layer > 0.95, name
        assert noise < 0.5, name


def test_layers_are_fitted_as_if_each_were_alone():
    words = treebank(6, sentences=50)
    trees = draw_trees(words, limit=100, seed=0, part="train")
    states = torch.randn(3, words.sizes["word"], 10, generator=torch.Generator().manual_seed(0))
    together = fit_maps(states, trees, rank=4, seed=1)
    assert together.shape == (3, 10, 8)
    for layer in range(3):
        torch.testing.assert_close(fit_maps(states[layer : layer + 1], trees, rank=4, seed=1)[0], together[layer])
    assert torch.equal(fit_maps(states, trees, rank=4, seed=1), together)
    assert not torch.equal(fit_maps(states, trees, rank=4, seed=2), together)


def test_predictions_are_squared_lengths():
    maps, states = torch.randn(2, 6, 8, dtype=torch.double), torch.randn(2, 3, 5, 6, dtype=torch.double)
    distances, depths = predict(maps, states)
    mapped = torch.einsum("lstw,lwr->lstr", states, maps)
    torch.testing.assert_close(depths, mapped[..., 4:].norm(dim=-1) ** 2)
    torch.testing.assert_close(distances, torch.cdist(mapped[..., :4], mapped[..., :4]) ** 2)


@pytest.mark.slow
def test_a_checkpoint_takes_seconds():
    parts = [treebank(seed, sentences=count, longest=32) for seed, count in ((7, 800), (8, 400))]
    trees = [draw_trees(words, limit=1000, seed=0, part="train") for words in parts]
    states = [torch.randn(5, words.sizes["word"], 128).half() for words in parts]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = process_time()
    measure_structure(states[0], trees[0], states[1], trees[1], rank=64, seed=0)
    taken = process_time() - start
    torch.set_num_threads(threads)
    assert taken < 15  # 4 s on one core
