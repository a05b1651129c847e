"""Figure A9 on planted values."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from dual_process.figures import a9
from tests.grid_data import grid, planted

GRID = grid(vocabulary=[100, 1000], ambiguity=[0.0, 0.1], distribution=["zipf-1.5"], schedule=["vanilla", "active-200"])


def ends(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    value = row["vocabulary"] / 10000 + row["ambiguity"] + 0.5 * (row["kind"] == "active") + row["seed"] / 50
    return value + 0.2 * (evaluation == "switch")


def drawn(rows: list[dict[str, Any]]) -> Figure:
    return a9.draw(a9.numbers(planted(rows, ends)))


def cell_texts(figure: Figure) -> list[list[str]]:
    panels = [axes for part in figure.subfigs for axes in part.axes if axes.collections and axes.texts]
    return [[text.get_text() for text in axes.texts if text.get_text()[0].isdigit()] for axes in panels]


def test_cells_hold_the_means_of_two_way_ends() -> None:
    figure = drawn(GRID)
    texts = cell_texts(figure)
    assert len(texts) == 2 * 3
    assert texts[0] == ["0.11", "0.20", "0.01", "0.10"]  # ambiguity .1 above 0, vocabularies from left to right
    assert texts[3] == ["0.61", "0.70", "0.51", "0.60"]
    left, bottom = figure.subfigs[0].axes[0], figure.subfigs[0].axes[3]
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["0.1", "0"]
    assert [tick.get_text() for tick in bottom.get_xticklabels()] == ["100", "1,000"]
    assert left.get_title(loc="left") == "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5, vanilla"


def test_several_seeds_have_their_range_below_the_mean() -> None:
    rows = grid(vocabulary=[100, 1000], ambiguity=[0.0], seed=[0, 1])
    figure = drawn(rows)
    assert cell_texts(figure)[0] == ["0.02\n.01\N{EN DASH}.03", "0.11\n.10\N{EN DASH}.12"]
    assert figure.subfigs[0].get_suptitle().endswith("minimum\N{EN DASH}maximum over 2 seeds")


def test_a_missing_cell_is_left_blank_and_said() -> None:
    figure = drawn(GRID[:-1])
    assert [len(texts) for texts in cell_texts(figure)] == [4, 4, 4, 3, 3, 3]
    assert [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()] == ["not measured"]


def test_the_model_with_the_most_tasks_has_the_heatmaps_and_the_others_are_drawn_against_layers() -> None:
    base = {"vocabulary": [100], "ambiguity": [0.0], "distribution": ["zipf-1.5"], "schedule": ["vanilla"]}
    deep = grid(**base, layers=[6, 4])
    wide = grid(vocabulary=[100], ambiguity=[0.0], distribution=["zipf-3", "uniform", "zipf-2"], schedule=["vanilla"])
    figure = drawn([*GRID, *deep, *wide])
    heat, lines = figure.subfigs
    assert "model bert," in heat.get_suptitle()
    assert {axes.get_title(loc="left").split(",")[0] for axes in heat.axes} - {""} == {
        "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5"
    }
    ticks = [[tick.get_text() for tick in axes.get_xticklabels()] for axes in lines.axes]
    assert ticks[3] == ["uniform", "1.5", "2", "3"]
    assert ticks[9] == ["2", "4", "6"]
    assert [axes.get_xlabel() for axes in (lines.axes[3], lines.axes[9])] == [
        "distribution (Zipf: exponent \N{GREEK SMALL LETTER ALPHA})",
        "layers",
    ]


@pytest.mark.parametrize(("names", "num_parts"), [({}, 1), ({"distribution": ["zipf-1.2", "zipf-1.5"]}, 1)])
def test_a_single_task_is_a_single_cell_or_a_line(names: dict[str, list], num_parts: int) -> None:
    figure = drawn(grid(vocabulary=[100], **names))
    assert len(figure.subfigs) == num_parts
    assert bool(cell_texts(figure)) == (not names)


def test_two_tasks_of_one_cell_are_not_mixed() -> None:
    rows = grid(task=["a", "b"], vocabulary=[100], seed=[0]) + grid(task=["c"], vocabulary=[200], seed=[0])
    figure = a9.draw(a9.numbers(planted(rows, lambda row, *_: {"a": 0.1, "b": 0.5, "c": 0.9}[row["task"]])))
    assert cell_texts(figure)[0] == ["0.10", "0.90"]
