"""Sampling laws against NumPy's own Zipf generator, scipy's chi-square and numbers of the published sampler."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from dual_process.blocks import TwoLevel, Uniform, Zipf
from dual_process.streams import stream
from dual_process.tasks.laws import draw, probabilities

DRAWS = 1_000_000
ALPHAS = (1.0001, 1.2, 1.5, 2, 3)


def uniform() -> Uniform:
    return Uniform(law="uniform")


def zipf(alpha: float) -> Zipf:
    return Zipf(law="zipf", alpha=alpha)


def two_level(types: float, share: float) -> TwoLevel:
    return TwoLevel(law="two-level", head_types=types, head_share=share)


def published_zipf(rng: np.random.Generator, alpha: float, num_types: int, size: int) -> np.ndarray:
    """Draw as the published code does: a Zipf value is rejected until it is an index of the list."""
    accepted = np.empty(0, dtype=np.int64)
    while len(accepted) < size:
        values = rng.zipf(alpha, size)
        accepted = np.concatenate([accepted, values[values < num_types]])
    return accepted[:size]


def two_sample_p_value(first: np.ndarray, second: np.ndarray, num_types: int) -> float:
    table = np.stack([np.bincount(sample, minlength=num_types) for sample in (first, second)])
    rare = table.sum(axis=0) < 10
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    return float(chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("first_drawn", [True, False])
def test_zipf_draws_follow_the_power_of_the_rank(p_value, alpha, first_drawn):
    num_types = 5000
    drawn = draw(stream(1, "data"), probabilities(zipf(alpha), num_types, first_drawn=first_drawn), DRAWS)
    expected = np.arange(1, num_types + 1) ** -float(alpha)
    if not first_drawn:
        expected = np.concatenate([[0.0], expected[:-1]])
    assert p_value(drawn, expected) > 1e-3


@pytest.mark.parametrize("alpha", ALPHAS)
def test_reference_zipf_is_numpys_rejected_at_the_list_length(alpha):
    num_types = 500
    published = published_zipf(np.random.default_rng(0), alpha, num_types, 200_000)
    reference = draw(stream(0, "data"), probabilities(zipf(alpha), num_types, first_drawn=False), DRAWS)
    corrected = draw(stream(0, "data"), probabilities(zipf(alpha), num_types, first_drawn=True), DRAWS)
    assert two_sample_p_value(published, reference, num_types) > 1e-3
    assert two_sample_p_value(published, corrected, num_types) < 1e-9


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("num_types", [2, 10, 5000])
def test_reference_zipf_never_draws_index_0(alpha, num_types):
    drawn = draw(stream(0, "data"), probabilities(zipf(alpha), num_types, first_drawn=False), DRAWS)
    assert drawn.min() == 1


def test_draw_skips_zero_weights_at_both_ends_of_the_unit_interval():
    class Ends:
        def random(self, size):
            return np.array([0.0, np.nextafter(1, 0)])

    assert draw(Ends(), np.array([0, 0.1, 0.2, 0.7, 0]), 2).tolist() == [1, 3]


@pytest.mark.parametrize("first_drawn", [True, False])
def test_uniform_draws_every_index_alike(p_value, first_drawn):
    drawn = draw(stream(0, "data"), probabilities(uniform(), 5000, first_drawn=first_drawn), DRAWS)
    assert p_value(drawn, np.ones(5000)) > 1e-3


def test_two_level_draws_head_and_tail_with_their_shares(p_value):
    drawn = draw(stream(0, "data"), probabilities(two_level(0.1, 0.9), 1000, first_drawn=True), DRAWS)
    assert p_value(drawn, np.repeat([0.9 / 100, 0.1 / 900], [100, 900])) > 1e-3


@pytest.mark.parametrize("types", [0.001, 0.999])
def test_two_level_keeps_a_head_and_a_tail(types):
    np.testing.assert_allclose(probabilities(two_level(types, 0.9), 2, first_drawn=True), [0.9, 0.1])


@pytest.mark.parametrize(
    ("alpha", "first", "top_ten", "tail"),
    [
        (1.0001, 0.110, 0.322, 0.0116),
        (1.2, 0.214, 0.527, 0.0041),
        (1.5, 0.387, 0.772, 0.00059),
        (2, 0.608, 0.942, None),
        (3, 0.832, 0.996, None),
    ],
)
def test_numbers_of_the_fact_sheet(alpha, first, top_ten, tail):
    weights = probabilities(zipf(alpha), 5000, first_drawn=False)
    assert weights[0] == 0
    assert weights[1] == pytest.approx(first, abs=5.1e-4)
    assert np.sort(weights)[-10:].sum() == pytest.approx(top_ten, abs=5.1e-4)
    if tail is not None:
        assert weights[4500:].sum() == pytest.approx(tail, rel=0.02)


@pytest.mark.parametrize("first_drawn", [True, False])
@pytest.mark.parametrize("law", [uniform(), zipf(1.5), two_level(0.1, 0.9)], ids=lambda law: law.law)
def test_probabilities_sum_to_one_and_never_rise_with_rank(law, first_drawn):
    for num_types in (2, 10, 5000):
        weights = probabilities(law, num_types, first_drawn=first_drawn)
        assert weights.shape == (num_types,)
        assert weights.sum() == pytest.approx(1)
        assert (np.diff(weights[1:]) <= 0).all()


@pytest.mark.parametrize("first_drawn", [True, False])
@pytest.mark.parametrize("law", [uniform(), zipf(1.5), two_level(0.1, 0.9)], ids=lambda law: law.law)
def test_a_single_type_is_always_drawn(law, first_drawn):
    assert draw(stream(0, "data"), probabilities(law, 1, first_drawn=first_drawn), 3).tolist() == [0, 0, 0]
