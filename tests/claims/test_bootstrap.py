"""Intervals against those of scipy, and what is and is not resampled."""

from typing import Any

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from dual_process.claims import f3, f4
from dual_process.claims.bootstrap import with_intervals
from dual_process.claims.verdict import Claim, Statement, cells, judge
from tests.builders import grid, probe_dataset

NUM_SEQUENCES = 400
STEPS = (0, 500, 950, 1000)
WANTED = Statement("F0.name", "Words.", ">=", 0.5)


def ends(metric: str = "two_way", evaluation: str = "unseen") -> Any:
    def evaluate(dataset: xr.Dataset) -> list[Claim]:
        return [
            judge(
                cell,
                WANTED,
                list(cell.ends("score", "vanilla", evaluation=evaluation, metric=metric).values()),
                conditions="",
            )
            for cell in cells(dataset, "fig0")
        ]

    return evaluate


def planted(accuracy: Any, *, sequences: int | None = NUM_SEQUENCES, **names: Any) -> xr.Dataset:
    plant = accuracy if callable(accuracy) else lambda row: accuracy
    dataset = probe_dataset(grid(**names), steps=STEPS, score=lambda row, *_: plant(row))
    if sequences is None:
        return dataset
    return dataset.assign_coords(num_sequences=("evaluation", np.full(dataset.sizes["evaluation"], sequences)))


def interval(dataset: xr.Dataset, evaluate: Any = None, replicates: int = 1000) -> tuple[float | None, float | None]:
    (claim,) = with_intervals(evaluate or ends(), dataset, name="fig0", replicates=replicates)
    return claim.interval_low, claim.interval_high


@pytest.mark.parametrize("accuracy", [0.2, 0.5, 0.93, 0.99])
def test_interval_of_one_seed_is_that_of_a_proportion(accuracy: float) -> None:
    right = round(accuracy * NUM_SEQUENCES)
    wanted = scipy.stats.binomtest(right, NUM_SEQUENCES).proportion_ci(0.95, method="wilson")
    assert interval(planted(right / NUM_SEQUENCES, seed=[0])) == pytest.approx((wanted.low, wanted.high), abs=0.01)


def test_all_right_is_not_certain() -> None:
    low, high = interval(planted(1.0, seed=[0]))
    assert high == 1
    assert low == pytest.approx(scipy.stats.binomtest(NUM_SEQUENCES, NUM_SEQUENCES).proportion_ci(0.95).low, abs=0.01)


def test_interval_over_seeds_is_that_of_scipy() -> None:
    values = np.array([0.2, 0.3, 0.5, 0.55, 0.8])
    dataset = planted(lambda row: values[row["seed"]], sequences=None, seed=range(5))
    wanted = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=1000, rng=np.random.default_rng(0)
    ).confidence_interval
    assert interval(dataset) == pytest.approx((wanted.low, wanted.high), abs=0.04)


def test_seeds_and_sequences_add_up() -> None:
    """Variance of the mean of S seeds: their spread with the noise of the sequences, and that noise itself, over S."""
    values = np.tile([0.45, 0.55], 10)
    dataset = planted(lambda row: values[row["seed"]], sequences=100, seed=range(20))
    low, high = interval(dataset)
    noise = np.mean(values * (1 - values)) / 100
    error = np.sqrt((np.var(values) + noise * 19 / 20 + noise) / 20)
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.005)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.12)


def test_the_same_sequences_are_used_at_every_step() -> None:
    """An end is a mean over steps, so with fresh sequences at each step its interval would be narrower."""
    one, two = (interval(planted(0.5, seed=[0]).isel(step=chosen)) for chosen in (slice(-1, None), slice(-2, None)))
    assert one == pytest.approx(two)


@pytest.mark.parametrize("metric", ["loss", "loss_copying", "loss_decision"])
def test_losses_are_resampled_by_seed_only(metric: str) -> None:
    assert interval(planted(3.0, seed=[0]), ends(metric)) == (None, None)
    dataset = planted(lambda row: 3.0 + row["seed"], seed=[0, 1])
    assert interval(dataset, ends(metric)) == pytest.approx((3.0, 4.0))


def test_one_seed_without_a_number_of_sequences_has_no_interval() -> None:
    assert interval(planted(0.7, sequences=None, seed=[0])) == (None, None)


def test_the_number_of_sequences_may_differ_between_runs() -> None:
    dataset = planted(0.5, seed=[0], protocol=["few", "many"])
    count = np.full((2, dataset.sizes["evaluation"]), 100.0)
    count[1] = 10_000
    dataset = dataset.assign_coords(num_sequences=(("run", "evaluation"), count))
    few, many = with_intervals(ends(), dataset, name="fig0", replicates=500)
    ratio = (few.interval_high - few.interval_low) / (many.interval_high - many.interval_low)
    assert ratio == pytest.approx(10, rel=0.15)


def test_a_choice_of_the_best_is_made_anew() -> None:
    """The best of four equal schedules lies above their common value, by about one standard error."""
    centres = {}
    for count in (1, 4):
        names = [f"temporary-50-{400 + 100 * index}" for index in range(count)]
        claims = with_intervals(f4.evaluate, planted(0.5, seed=[0], schedule=names), name="fig4")
        (claim,) = (claim for claim in claims if "dual_process.two_way" in claim.id)
        assert claim.value == pytest.approx(-0.4)
        centres[count] = (claim.interval_low + claim.interval_high) / 2
    assert centres[4] - centres[1] == pytest.approx(1.03 * np.sqrt(0.25 / NUM_SEQUENCES), rel=0.5)


def test_claims_are_those_of_the_store_itself_and_the_same_each_time() -> None:
    dataset = planted(lambda row: 0.6 + 0.1 * row["seed"], seed=[0, 1], schedule=["vanilla", "active-200"])
    plain, first, second = (
        f3.evaluate(dataset),
        *(with_intervals(f3.evaluate, dataset, name="fig3", replicates=20) for _ in range(2)),
    )
    assert first == second
    assert [(claim.id, claim.value, claim.verdict) for claim in first] == [
        (claim.id, claim.value, claim.verdict) for claim in plain
    ]
    other = with_intervals(f3.evaluate, dataset, name="fig9", replicates=20)
    assert [claim.interval_low for claim in other] != [claim.interval_low for claim in first]
    for claim in first:
        assert claim.interval_low is None or claim.interval_low <= claim.interval_high


def test_the_store_is_left_as_it_was() -> None:
    dataset = planted(0.5, seed=[0])
    before = dataset.copy(deep=True)
    interval(dataset, replicates=3)
    xr.testing.assert_identical(dataset, before)
