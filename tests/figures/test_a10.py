"""Figure A10 on planted values."""

import pytest

from dual_process.figures import a10
from tests.grid_data import grid, planted

SETS = ["val", "unseen", "unseen_uniform", "unseen_normal", "unseen_mean"]


def test_columns_are_the_sources_of_unseen_rows_and_every_schedule_is_there() -> None:
    rows = grid(distribution=["zipf-1.5"], schedule=["vanilla", "active-200", "temporary-50-400", "probabilistic-0.1"])
    numbers = a10.numbers(
        planted(rows, lambda row, x, evaluation, metric: SETS.index(evaluation) / 10, evaluations=SETS)
    )
    assert set(numbers["kind"]) == {"vanilla", "active", "temporary", "probabilistic"}
    figure = a10.draw(numbers)
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        "unseen",
        "unseen, U(0, 1)",
        "unseen, N(5, 5)",
        "unseen, mean of ten",
    ]
    for index, axes in enumerate(figure.axes[:4]):
        heights = {round(float(line.get_ydata()[0]), 3) for line in axes.lines if len(line.get_xdata()) > 2}
        assert (index + 1) / 10 in heights


def test_a_task_without_variants_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="add a task with unseen_variants to the grids of this figure"):
        a10.numbers(planted(grid(distribution=["zipf-1.5"]), lambda *_: 0.5))
