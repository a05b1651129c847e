"""Figure A8 on planted values."""

import numpy as np
import pytest

from dual_process.figures import a8
from tests.grid_data import grid, planted


def flat(row: dict, x: np.ndarray, evaluation: str, metric: str) -> float:
    return {"val": 0.9, "tail": 0.5, "switch": 0.1}.get(evaluation, 1.0) - row["vocabulary"] / 1e6


def heights(figure) -> list[list[float]]:
    return [[round(float(line.get_ydata()[0]), 3) for line in axes.lines[:3]] for axes in figure.axes]


def test_rows_are_vocabularies_and_metrics_are_side_by_side_where_they_fit() -> None:
    dataset = planted(grid(vocabulary=[20000, 10000], ambiguity=[0.0], distribution=["zipf-1.2", "zipf-1.5"]), flat)
    figure = a8.draw(a8.numbers(dataset))
    assert len(figure.axes) == 2 * 4
    assert heights(figure) == [[0.89, 0.49, 0.09]] * 4 + [[0.88, 0.48, 0.08]] * 4
    assert [axes.get_ylabel() for axes in (figure.axes[0], figure.axes[4])] == ["v = 10,000", "v = 20,000"]
    assert [axes.get_title().split("\n")[1] for axes in figure.axes[:4]] == ["exact match"] * 2 + ["two-way"] * 2
    assert figure.get_suptitle() == "vanilla, ambiguity \N{GREEK SMALL LETTER EPSILON} = 0, model bert"


def test_many_distributions_put_metrics_below_each_other_and_uniform_has_no_tail() -> None:
    dataset = planted(grid(vocabulary=[10000], distribution=["uniform", "zipf-1.2", "zipf-1.5"]), flat)
    figure = a8.draw(a8.numbers(dataset))
    assert len(figure.axes) == 2 * 3
    assert figure.axes[0].get_title() == "uniform (no tail)"
    assert heights(figure)[0][:2] == [0.89, 0.09]
    assert figure.axes[3].get_ylabel() == "v = 10,000\ntwo-way"


def test_schedules_and_ambiguities_that_a_grid_adds_are_rows_too() -> None:
    dataset = planted(grid(vocabulary=[10000], ambiguity=[0.0, 0.1], schedule=["vanilla", "active-200"]), flat)
    figure = a8.draw(a8.numbers(dataset))
    labels = [axes.get_ylabel() for axes in figure.axes[::2]]
    assert [label.split(" = ")[2] for label in labels] == [
        "0\nvanilla",
        "0.1\nvanilla",
        "0\nactive,\nevery 200 steps",
        "0.1\nactive,\nevery 200 steps",
    ]


def test_steps_are_logarithmic_and_step_0_is_left_out() -> None:
    figure = a8.draw(a8.numbers(planted(grid(vocabulary=[100]), flat, steps=[0, 1, 10, 100])))
    assert figure.axes[0].get_xscale() == "log"
    assert figure.axes[0].get_xlim() == (1, 100)


def test_nothing_to_draw_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="has scores for val, tail, switch; add such runs to the grids"):
        a8.numbers(planted(grid(vocabulary=[100]), flat, evaluations=["unseen"]))
