"""Figure A11's claims on planted accuracies by token."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from dual_process.claims import a11
from dual_process.claims.verdict import Claim
from tests.grid_data import grid, planted, with_tokens

SLOPES = {
    "holds": {"vanilla": -0.1, "active": 0.0, "temporary": -0.02},
    "fails": dict.fromkeys(["vanilla", "active", "temporary"], 0.1),
}


def queries(row: dict[str, Any]) -> np.ndarray:
    return np.random.default_rng(7).permutation(np.arange(60.0))


def sloping(verdict: str):
    """Accuracies on a line over the counts, with noise that has no trend; the last tokens are never asked."""

    def accuracy(row: dict[str, Any], counts: np.ndarray, metric: str) -> np.ndarray:
        noise = np.random.default_rng(row["seed"]).normal(0, 0.3, len(counts))
        noise -= np.polyval(np.polyfit(counts, noise, 1), counts)
        values = SLOPES[verdict][row["kind"]] * counts + noise
        values[50:] = np.nan
        return values

    return accuracy


def make(accuracy: Any, **names: list):
    names = {
        "distribution": ["zipf-1.5"],
        "schedule": ["vanilla", "active-200", "temporary-50-400"],
        "seed": [0, 1],
    } | names
    return with_tokens(planted(grid(**names), lambda *_: 0.5), queries, accuracy)[list(a11.VARIABLES)]


def judged(accuracy: Any, **names: list) -> dict[str, Claim]:
    return {claim.id: claim for claim in a11.evaluate(make(accuracy, **names))}


@pytest.mark.parametrize("verdict", ["holds", "fails"])
def test_planted_slopes(verdict: str) -> None:
    claims = judged(sloping(verdict))
    assert {name: claim.verdict for name, claim in claims.items()} == {
        f"A11.{name}": verdict
        for metric in ("exact_match", "two_way")
        for name in (
            f"vanilla.falls.{metric}[zipf-1.5]",
            f"active.flat.{metric}[zipf-1.5,active-200]",
            f"temporary.falls.{metric}[zipf-1.5,temporary-50-400]",
        )
    }


def test_value_is_scipy_s_correlation_over_asked_tokens() -> None:
    dataset = make(sloping("holds"))
    claim = judged(sloping("holds"))["A11.vanilla.falls.two_way[zipf-1.5]"]
    accuracy = dataset["token_accuracy"].sel(metric_by_token="two_way").values
    expected = [spearmanr(dataset["training_queries"].values[i, :50], accuracy[i, :50]).statistic for i in (0, 1)]
    assert sorted(claim.values) == pytest.approx(sorted(expected), abs=1e-5)


def test_size_counts_under_active_forgetting() -> None:
    claim = judged(lambda row, counts, metric: -counts)["A11.active.flat.two_way[zipf-1.5,active-200]"]
    assert (claim.verdict, claim.value) == ("fails", pytest.approx(1))


def test_uniform_is_not_asked_and_missing_runs_are_not_testable() -> None:
    assert judged(sloping("holds"), distribution=["uniform"]) == {}
    claims = judged(sloping("holds"), schedule=["active-200"])
    missing = claims["A11.vanilla.falls.two_way[zipf-1.5]"]
    assert (missing.verdict, missing.reason) == ("not testable", a11.MISSING)
    equal = judged(lambda row, counts, metric: 0 * counts)["A11.vanilla.falls.two_way[zipf-1.5]"]
    assert (equal.verdict, equal.reason) == ("not testable", "accuracies are equal")
