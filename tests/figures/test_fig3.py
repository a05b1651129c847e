"""Figure 3 on planted values."""

import numpy as np

from dual_process.figures import fig3
from tests.builders import grid, probe_dataset


def planted(row: dict, x: np.ndarray, evaluation: str, metric: str) -> float:
    return {"unseen": 0.1, "switch": 0.2, "tail_switch": 0.3}.get(evaluation, 0.9) + 0.5 * (row["kind"] == "active")


DATASET = probe_dataset(
    grid(distribution=["uniform", "zipf-1.5"], schedule=["vanilla", "active-200", "temporary-50-600"]),
    steps=[0, 500, 1000],
    score=planted,
)


def test_numbers_are_vanilla_and_active_without_the_tail_of_uniform() -> None:
    numbers = fig3.numbers(DATASET)
    assert set(numbers["kind"]) == {"vanilla", "active"}
    counts = numbers.groupby(["distribution", "evaluation"]).size().unstack()
    assert np.isnan(counts.at["uniform", "tail_switch"])
    assert counts.at["zipf-1.5", "tail_switch"] == 2 * 2 * 3


def test_rows_are_schedules_within_metrics_and_columns_evaluations() -> None:
    figure = fig3.draw(fig3.numbers(DATASET))
    assert len(figure.axes) == 4 * 3
    heights = [axes.lines[0].get_ydata()[0] for axes in figure.axes]
    np.testing.assert_allclose(heights, [0.1, 0.2, 0.3, 0.6, 0.7, 0.8] * 2, rtol=1e-6)
    assert [axes.get_title() for axes in figure.axes[:3]] == [
        "unseen",
        "head switch",
        "tail switch (none for uniform)",
    ]
    assert figure.axes[3].get_ylabel() == "active, every 200 steps\nexact match accuracy"


def test_chance_is_drawn_for_two_way_only() -> None:
    figure = fig3.draw(fig3.numbers(DATASET))
    has_chance = [any(line.get_linestyle() == ":" for line in axes.lines) for axes in figure.axes]
    assert has_chance == [False] * 6 + [True] * 6
