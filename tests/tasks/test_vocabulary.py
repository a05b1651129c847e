"""Layout of the ids, the choice of ambiguous types and the swaps, as in the published code."""

import numpy as np
import pytest
from scipy.stats import binomtest

from dual_process.blocks import PartOfSpeech, Uniform, Zipf
from dual_process.streams import stream
from dual_process.tasks.vocabulary import Vocabulary, make_vocabulary

UNIFORM = Uniform(law="uniform")
ZIPF = Zipf(law="zipf", alpha=1.2)


def vocabulary(law=ZIPF, sampling: str = "corrected", seed: int = 0, **task) -> Vocabulary:
    return make_vocabulary(PartOfSpeech(**task), law, sampling, seed)


def test_main_vocabulary_has_the_published_layout():
    words = vocabulary()
    assert (words.nouns[0], words.nouns[-1]) == (0, 4999)
    assert (words.adjectives[0], words.adjectives[-1]) == (5000, 9999)
    assert (words.copula, words.mask, words.num_trained) == (10_000, 10_001, 10_002)
    assert list(words.unseen) == ["unseen"]
    assert (words.unseen["unseen"][0], words.unseen["unseen"][-1]) == (10_002, 11_001)
    assert words.num_tokens == 11_002


def test_unseen_variants_are_two_further_blocks():
    words = vocabulary(unseen_variants=True)
    bounds = {name: (ids[0], ids[-1]) for name, ids in words.unseen.items()}
    assert bounds == {"unseen": (10_002, 11_001), "unseen_normal": (11_002, 12_001), "unseen_uniform": (12_002, 13_001)}
    assert words.num_tokens == 13_002


@pytest.mark.parametrize(
    ("size", "ambiguity", "bins", "per_bin"),
    [
        (10_000, 0.10, 5, [100] * 5),
        (10_000, 0.01, 5, [10] * 5),
        (1000, 0.50, 5, [50] * 5),
        (100, 0.01, 5, [1] * 5),
        (200, 0.07, 1, [7]),
        (22, 0.5, 5, [2, 1, 1, 1, 1]),
        (1000, 0.0, 5, [0] * 5),
        (1000, 1.0, 5, [100] * 5),
    ],
)
def test_every_rank_bin_has_its_share_of_ambiguous_types(size, ambiguity, bins, per_bin):
    words = vocabulary(vocabulary=size, ambiguity=ambiguity, ambiguity_bins=bins)
    for ids, ambiguous in [(words.nouns, words.ambiguous_nouns), (words.adjectives, words.ambiguous_adjectives)]:
        assert [int(np.isin(part, ambiguous).sum()) for part in np.array_split(ids, bins)] == per_bin
        assert len(np.unique(ambiguous)) == len(ambiguous) == sum(per_bin)
        assert (np.diff(ambiguous) > 0).all()


def test_ambiguous_types_are_picked_uniformly_within_bins(p_value):
    picked = [vocabulary(vocabulary=40, ambiguity=0.25, seed=seed) for seed in range(2000)]
    assert p_value(np.concatenate([words.ambiguous_nouns for words in picked]), np.ones(20)) > 1e-3
    assert p_value(np.concatenate([words.ambiguous_adjectives for words in picked]) - 20, np.ones(20)) > 1e-3


def test_ambiguous_nouns_and_adjectives_are_picked_apart():
    words = vocabulary()
    assert (words.ambiguous_nouns != words.ambiguous_adjectives - 5000).any()


def test_ambiguity_seed_overrules_the_seed_of_the_run_and_no_other_choice_matters():
    first = vocabulary(seed=3)
    assert (first.ambiguous_nouns == vocabulary(UNIFORM, "reference", seed=3).ambiguous_nouns).all()
    assert (first.ambiguous_nouns != vocabulary(seed=4).ambiguous_nouns).any()
    assert (first.ambiguous_nouns == vocabulary(seed=4, ambiguity_seed=3).ambiguous_nouns).all()


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_half_of_the_ambiguous_draws_and_no_others_are_swapped(sampling):
    words = vocabulary(sampling=sampling, vocabulary=1000)
    rng = stream(0, "data")
    for ids, own, other in [
        (words.nouns, words.ambiguous_nouns, words.ambiguous_adjectives),
        (words.adjectives, words.ambiguous_adjectives, words.ambiguous_nouns),
    ]:
        drawn = words.draw(rng, ids, 1_000_000)
        after = words.swap_ambiguous(rng, drawn, own, other)
        swapped = drawn != after
        candidate = np.isin(drawn, own)
        assert not swapped[~candidate].any()
        assert np.isin(after[swapped], other).all()
        assert binomtest(int(swapped.sum()), int(candidate.sum()), 0.5).pvalue > 1e-3


@pytest.mark.parametrize("alpha", [1.0001, 1.5])
@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_swapped_in_tokens_follow_the_law_over_the_sorted_ambiguous_list(p_value, sampling, alpha):
    words = vocabulary(Zipf(law="zipf", alpha=alpha), sampling, vocabulary=1000)
    own, other = words.ambiguous_nouns, words.ambiguous_adjectives
    drawn = np.resize(own, 1_000_000)
    after = words.swap_ambiguous(stream(0, "data"), drawn, own, other)
    rank = np.arange(1, len(other) + 1) ** -alpha
    expected = np.zeros(words.num_tokens)
    if sampling == "reference":
        expected[other[1:]] = rank[:-1]
    else:
        expected[other] = rank
    assert p_value(after[after != drawn], expected) > 1e-3


def test_uniform_swaps_draw_all_ambiguous_types_alike(p_value):
    words = vocabulary(UNIFORM, "reference", vocabulary=1000)
    drawn = np.resize(words.ambiguous_adjectives, 1_000_000)
    after = words.swap_ambiguous(stream(0, "data"), drawn, words.ambiguous_adjectives, words.ambiguous_nouns)
    expected = np.isin(np.arange(words.num_tokens), words.ambiguous_nouns).astype(float)
    assert p_value(after[after != drawn], expected) > 1e-3


def test_nothing_is_swapped_without_ambiguous_types():
    words = vocabulary(vocabulary=100, ambiguity=0)
    drawn = words.draw(stream(0, "data"), words.nouns, 10_000)
    after = words.swap_ambiguous(stream(1, "data"), drawn, words.ambiguous_nouns, words.ambiguous_adjectives)
    assert (after == drawn).all()


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_one_ambiguous_type_a_class_can_be_swapped_in(sampling):
    words = vocabulary(sampling=sampling, vocabulary=20, ambiguity_bins=1)
    assert len(words.ambiguous_nouns) == 1
    drawn = np.resize(words.ambiguous_nouns, 1000)
    after = words.swap_ambiguous(stream(0, "data"), drawn, words.ambiguous_nouns, words.ambiguous_adjectives)
    assert set(after) == {*words.ambiguous_nouns, *words.ambiguous_adjectives}


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_probability_and_ambiguous_mass_are_those_of_the_draws(p_value, sampling):
    words = vocabulary(sampling=sampling, vocabulary=200)
    rng = stream(0, "data")
    noun, adjective = (words.draw(rng, ids, 500_000) for ids in (words.nouns, words.adjectives))
    assert words.probability().shape == (words.num_tokens,)
    assert p_value(np.concatenate([noun, adjective]), words.probability()) > 1e-3
    mass = words.ambiguous_mass()
    assert np.isin(noun, words.ambiguous_nouns).mean() == pytest.approx(mass["noun"], abs=0.003)
    assert np.isin(adjective, words.ambiguous_adjectives).mean() == pytest.approx(mass["adjective"], abs=0.003)
