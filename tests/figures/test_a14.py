"""Figure A14 on planted values."""

from typing import Any

import numpy as np
import pytest

from dual_process.figures import a14
from tests.grid_data import grid, planted

SCHEDULES = ["active-200", "drift-0.25", "vanilla", "drift-0", "drift-0.05", "temporary-50-400"]
HEIGHTS = {
    "vanilla": 0.1,
    "drift-0": 0.2,
    "drift-0.05": 0.3,
    "drift-0.25": 0.4,
    "temporary-50-400": 0.5,
    "active-200": 0.6,
}


def flat(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return HEIGHTS[row["schedule"]] + 0.2 * (metric == "exact_match")


def drawn(**names: list):
    names = {"distribution": ["zipf-1.5"], "schedule": SCHEDULES} | names
    return a14.draw(a14.numbers(planted(grid(**names), flat)))


def test_ends_stand_in_order_of_p_between_vanilla_and_active() -> None:
    panel, bottom = drawn().subfigs[1].axes[::4]
    labels = [tick.get_text() for tick in bottom.get_xticklabels()]
    assert labels == ["vanilla", "p = 0", "p = 0.05", "p = 0.25", "temporary", "active"]
    points = [line.get_ydata() for line in panel.lines if line.get_marker() == "o"]
    assert sorted(len(values) for values in points) == [1, 1, 1, 3]  # the line joins the values of p alone
    np.testing.assert_allclose(max(points, key=len), [0.2, 0.3, 0.4], rtol=1e-6)


def test_curves_of_every_schedule_are_above() -> None:
    top = drawn().subfigs[0]
    words = [text.get_text() for text in top.legends[0].get_texts()]
    assert words[:2] == ["vanilla", "active, every 200 steps"]
    assert {"drift, p = 0", "drift, p = 0.05", "drift, p = 0.25"} <= set(words)
    found = {round(float(line.get_ydata()[0]), 3) for line in top.axes[0].lines}
    assert set(HEIGHTS.values()) <= found


def test_distributions_are_colours_of_the_ends() -> None:
    bottom = drawn(distribution=["uniform", "zipf-1.5"]).subfigs[1]
    assert [text.get_text() for text in bottom.legends[0].get_texts()][:2] == [
        "uniform",
        "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5",
    ]


def test_no_drift_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="no run has a schedule of kind drift; add such runs"):
        drawn(schedule=["vanilla"])
