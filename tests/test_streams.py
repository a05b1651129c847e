"""Random streams: pure functions of seed, purpose and index, and independent of each other."""

import numpy as np
import pytest
from scipy import stats

from dual_process.streams import integer_seed, seed_sequence, stream

PURPOSES = ("ambiguity", "data", "initial weights", "reset", "dropout", "evaluation")


def test_same_name_gives_the_same_numbers_whatever_was_drawn_before():
    first = stream(3, "data", 12).random(100)
    stream(3, "reset", 5).random(1000)
    np.testing.assert_array_equal(stream(3, "data", 12).random(100), first)


@pytest.mark.parametrize("other", [(4, "data", 12), (3, "reset", 12), (3, "data", 13), (3, "data"), (3, "data", 12, 0)])
def test_another_seed_purpose_or_index_gives_other_numbers(other):
    assert not np.isin(stream(3, "data", 12).random(100), stream(*other).random(100)).any()


def test_streams_are_the_philox_generators_of_numpy():
    expected = np.random.Generator(np.random.Philox(seed_sequence(7, "dropout", 2)))
    np.testing.assert_array_equal(stream(7, "dropout", 2).random(10), expected.random(10))
    assert stream(7, "dropout").bit_generator.state["bit_generator"] == "Philox"


def test_numbers_never_change_between_versions():
    """Stored results name only seeds, so these literal values are part of the format."""
    assert stream(0, "data", 0).integers(0, 1000, 5).tolist() == [504, 651, 247, 471, 855]
    assert integer_seed(0, "reset", 100) == 6880749744279489028


def test_first_draws_over_seeds_are_uniform_and_purposes_uncorrelated():
    draws = {purpose: [stream(seed, purpose).random() for seed in range(2000)] for purpose in PURPOSES}
    for values in draws.values():
        assert stats.kstest(values, "uniform").pvalue > 1e-3
    correlations = np.corrcoef([draws[purpose] for purpose in PURPOSES])
    assert np.abs(correlations[~np.eye(len(PURPOSES), dtype=bool)]).max() < 4 / np.sqrt(2000)


def test_neighbouring_indices_are_uncorrelated():
    values = np.array([stream(1, "data", index).random() for index in range(2000)])
    assert abs(stats.pearsonr(values[:-1], values[1:]).statistic) < 4 / np.sqrt(2000)


def test_integer_seeds_fit_63_bits_and_differ():
    seeds = [integer_seed(seed, purpose, index) for seed in range(20) for purpose in PURPOSES for index in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert max(seeds) < 2**63
    assert max(seeds) > 2**62
    assert all(isinstance(seed, int) for seed in seeds)
