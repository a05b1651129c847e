"""Rank correlation, against SciPy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from dual_process.claims.ranks import in_words, note_equal, rank_correlation


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, 12), rng.integers(0, 5, 12) + 0.5 * rng.integers(0, 2, 12)
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_equal_values_have_no_correlation_and_that_is_said() -> None:
    assert np.isnan(rank_correlation([1, 2, 3], [5, 5, 5]))
    assert np.isnan(rank_correlation([1, 1], [5, 6]))
    assert note_equal([np.nan, np.nan], "p 0, .1") == "p 0, .1; accuracies are equal"
    assert note_equal([np.nan], "") == "accuracies are equal"
    assert note_equal([np.nan, 0.5], "note") == note_equal([], "note") == "note"


def test_numbers_in_words() -> None:
    assert in_words([0.0, 0.01, 10000, 1000]) == "0, 0.01, 10,000, 1,000"
