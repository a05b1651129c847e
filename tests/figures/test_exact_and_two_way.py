"""Exact match beside two-way, on planted curves."""

from typing import Any

import numpy as np
import pytest

from dual_process.figures import exact_and_two_way
from tests.builders import fading, grid, probe_dataset
from tests.mechanism_data import keeps_promises

ENDS = {
    "exact_match": 0.1,
    "copied": 0.2,
    "two_way": 0.8,
    "exact_match_same_group": 0.4,
    "loss_copying": 7.0,
    "loss_decision": 0.05,
}


def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    end = ENDS.get(metric, 0.0)
    return fading(x, peak=max(1.0, end), end=end) if evaluation == "unseen" else 0 * x


def make(**names: list) -> Any:
    return probe_dataset(grid(**{"seed": [0, 1]} | names), steps=range(0, 1001, 100), score=score)


@pytest.mark.parametrize(
    ("protocols", "seeds"), [(["corrected"], [0]), (["corrected", "reference", "unseen-negatives"], [0, 1])]
)
def test_promises_of_all_figures(protocols: list[str], seeds: list[int]) -> None:
    schedules = ["vanilla", "active-200", "temporary-50-400"]
    keeps_promises(exact_and_two_way, make(protocol=protocols, seed=seeds, schedule=schedules), again=len(seeds) > 1)


def test_rows_are_protocols_and_columns_metrics() -> None:
    figure = exact_and_two_way.draw(exact_and_two_way.numbers(make(protocol=["corrected", "reference"])))
    assert [axes.get_ylabel().split("\n")[1] for axes in figure.axes[::5]] == ["corrected", "reference"]
    assert [axes.get_title() for axes in figure.axes[:5]] == [
        "exact match",
        "copied",
        "two-way",
        "exact within unseen",
        "loss (nats)",
    ]
    ends = [
        sorted(round(float(line.get_ydata()[-1]), 3) for line in axes.lines if len(line.get_xdata()) == 11)
        for axes in figure.axes[:5]
    ]
    assert ends == [[0.1], [0.2], [0.8], [0.4], [0.05, 7.0]]


def test_metrics_that_were_not_measured_are_said() -> None:
    dataset = make()
    old = dataset.sel(metric=["exact_match", "two_way"])
    figure = exact_and_two_way.draw(exact_and_two_way.numbers(old))
    silent = [index for index, axes in enumerate(figure.axes) if any(text.get_text() for text in axes.texts)]
    assert silent == [1, 3, 4]


def test_runs_without_unseen_tokens_are_one_sentence() -> None:
    with pytest.raises(ValueError, match="runs of a task with unseen tokens"):
        exact_and_two_way.numbers(probe_dataset(grid(seed=[0])))
    with pytest.raises(ValueError, match=r"add `unseen` to probing\.evaluations"):
        exact_and_two_way.numbers(make().sel(evaluation=["val"]))
