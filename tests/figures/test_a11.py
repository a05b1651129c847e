"""Figure A11 on planted accuracies by token."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from dual_process.figures import a11
from tests.grid_data import grid, planted, with_tokens

ASKED = 40


def queries(row: dict[str, Any]) -> np.ndarray:
    counts = np.tile(np.round(5000 * np.arange(1.0, 21) ** -1.5), 3)
    counts[0] = 0
    return counts


def falling(row: dict[str, Any], counts: np.ndarray, metric: str) -> np.ndarray:
    """Fall with the log of the count under vanilla training, with noise; tokens beyond `ASKED` are never asked."""
    noise = np.random.default_rng(row["seed"]).normal(0, 0.02, len(counts))
    slope = {"vanilla": -0.2, "active": 0.0}[row["kind"]]
    values = 0.9 + slope * np.log10(counts + 1) + noise
    values[ASKED:] = np.nan
    return values


def make(accuracy=falling, **names: list):
    names = {"distribution": ["zipf-1.5"], "schedule": ["vanilla", "active-200"], "seed": [0, 1]} | names
    return with_tokens(planted(grid(**names), lambda *_: 0.5), queries, accuracy)


def test_correlation_of_a_run_is_that_of_scipy() -> None:
    dataset = make()
    numbers = a11.numbers(dataset)
    rows = numbers[(numbers["quantity"] == "correlation") & numbers["run"].notna()].set_index(["run", "metric"])
    assert len(rows) == 4 * 2
    for index, run in enumerate(dataset["run"].values):
        accuracy = dataset["token_accuracy"].sel(metric_by_token="two_way").values[index, :ASKED]
        expected = spearmanr(dataset["training_queries"].values[index, :ASKED], accuracy).statistic
        assert rows.at[(run, "two_way"), "value"] == pytest.approx(expected, abs=1e-5)
        assert rows.at[(run, "two_way"), "low"] <= expected <= rows.at[(run, "two_way"), "high"]


def test_interval_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 9, 200)
    tokens = pd.DataFrame({"queries": x, "accuracy": rng.normal(0, 3, 200) - x})
    found = a11.spearman_resampled(tokens, "any")
    assert found[0] == pytest.approx(spearmanr(tokens["queries"], tokens["accuracy"]).statistic)
    plain = [spearmanr(*tokens.sample(frac=1, replace=True, random_state=i).T.to_numpy()).statistic for i in range(300)]
    np.testing.assert_allclose(np.percentile(found[1:], [2.5, 97.5]), np.percentile(plain, [2.5, 97.5]), atol=0.03)
    assert (a11.spearman_resampled(tokens, "any") == found).all()


def test_bins_hold_every_asked_token_once_and_their_means() -> None:
    numbers = a11.numbers(make(lambda row, counts, metric: counts / 1e4))
    bins = numbers[(numbers["quantity"] == "bin") & (numbers["metric"] == "two_way")]
    assert (bins.groupby("run")["num_tokens"].sum() == 60).all()
    never = bins[bins["queries"] == a11.NEVER]
    assert set(never["accuracy"]) == {0.0}
    assert set(never["num_tokens"]) == {1}
    asked = bins[bins["queries"] != a11.NEVER]
    np.testing.assert_array_less(np.abs(np.log10(asked["accuracy"] * 1e4 / asked["queries"])), 0.25 + 1e-9)


def test_panels_say_the_mean_correlation_and_its_interval() -> None:
    figure = a11.draw(a11.numbers(make()))
    vanilla, active = (axes.get_title().split("\n") for axes in figure.axes[:2])
    assert vanilla[0] == "vanilla"
    assert vanilla[1].startswith("\N{GREEK SMALL LETTER RHO} = \N{MINUS SIGN}.9")
    assert active[-1].startswith("\N{GREEK SMALL LETTER RHO} = ")
    assert len(figure.axes[0].lines[0].get_xdata()) == ASKED


def test_equal_accuracies_and_missing_schedules_are_said() -> None:
    def unmeasured(row: dict[str, Any], counts: np.ndarray, metric: str) -> np.ndarray:
        return np.full(len(counts), np.nan if row["distribution"] == "zipf-1.2" and row["kind"] == "active" else 0.5)

    figure = a11.draw(a11.numbers(make(unmeasured, distribution=["zipf-1.2", "zipf-1.5"])))
    assert figure.axes[0].get_title() == "vanilla\nequal accuracies, no correlation"
    assert "not measured" in [text.get_text() for text in figure.axes[1].texts]


def test_dots_are_of_the_first_seed_and_protocol_alone() -> None:
    numbers = a11.numbers(make(protocol=["reference", "corrected"], seed=[3, 2]))
    dots = numbers[numbers["quantity"] == "token"]
    assert set(dots["seed"]) == {2}
    assert set(dots["protocol"]) == {"corrected"}


def test_only_the_first_task_is_shown_and_said() -> None:
    figure = a11.draw(a11.numbers(make(task=["pos", "large"])))
    assert figure.get_suptitle() == "task large (first of 2 settings)"


def test_nothing_measured_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="add a task with rank_frequency_sequences to the grids"):
        a11.numbers(make(lambda row, counts, metric: np.full(len(counts), np.nan)))
