"""Figure A12 on planted values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dual_process.blocks import EVALUATIONS
from dual_process.figures import a12
from tests.grid_data import grid, planted

SCHEDULES = ["vanilla", "active-200", "temporary-50-400"]


def by_bin(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    group, place = a12.SETS[evaluation]
    return {"own": 0.0, "exchanged": 0.2, "ambiguous": 0.4}[group] + a12.PLACES.index(place) / 100


def drawn(sets: Sequence[str] = tuple(a12.SETS), **names: list):
    rows = grid(**({"distribution": ["zipf-1.5"], "schedule": SCHEDULES, "seed": [0, 1]} | names))
    return a12.draw(a12.numbers(planted(rows, by_bin, evaluations=sets)))


def test_sets_are_those_of_the_tasks() -> None:
    assert set(a12.SETS) <= set(EVALUATIONS)
    assert len(set(a12.SETS.values())) == len(a12.SETS)


def test_every_set_stands_in_its_panel_at_its_place() -> None:
    figure = drawn()
    for group, axes in zip(("own", "exchanged", "ambiguous"), figure.axes[:3], strict=True):
        points = {
            round(float(x)): round(float(y), 3)
            for line in axes.lines
            if line.get_marker() == "o"
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
        }
        base = {"own": 0.0, "exchanged": 0.2, "ambiguous": 0.4}[group]
        wanted = {a12.PLACES.index(place) for name, place in a12.SETS.values() if name == group}
        assert points == {place: pytest.approx(base + place / 100) for place in wanted}


def test_lines_join_bins_alone() -> None:
    lengths = {len(line.get_xdata()) for line in drawn().axes[0].lines if line.get_marker() == "o"}
    assert lengths == {1, 10}


def test_all_schedules_and_distributions_are_drawn() -> None:
    figure = drawn(distribution=["uniform", "zipf-1.5"])
    assert len(figure.axes) == 4 * 3
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[:3] == ["vanilla", "active, every 200 steps", "temporary, every 50 steps until 400"]


def test_a_group_that_was_not_measured_is_said() -> None:
    figure = drawn([name for name in a12.SETS if a12.SETS[name][0] != "ambiguous"])
    assert [bool(axes.texts) for axes in figure.axes[:3]] == [False, False, True]


def test_no_bins_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="add a task with frequency_bins to the grids"):
        drawn(["top_twenty", "ambiguous"])
