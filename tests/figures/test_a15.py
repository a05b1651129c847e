"""Figure A15 on planted values."""

from dual_process.figures import a15, fig4, style
from tests.grid_data import grid, planted

DATASET = planted(
    grid(
        distribution=["zipf-1.5"],
        schedule=["vanilla", "active-10", "temporary-10-300", "temporary-10-500", "probabilistic-0.1"],
    ),
    lambda *_: 0.25,
)


def test_all_schedules_are_drawn_with_their_ends_of_forgetting() -> None:
    numbers = a15.numbers(DATASET)
    assert set(numbers["kind"]) == {"vanilla", "active", "temporary", "probabilistic"}
    figure = a15.draw(numbers)
    marks = {line.get_xdata()[0]: line.get_color() for line in figure.axes[0].lines if line.get_marker() == "v"}
    palette = style.schedule_colours(numbers)
    assert marks == {300: palette["temporary-10-300"], 500: palette["temporary-10-500"]}


def test_it_is_drawn_as_figure_4() -> None:
    figure, model = a15.draw(a15.numbers(DATASET)), fig4.draw(fig4.numbers(DATASET))
    assert [axes.get_title() for axes in figure.axes] == [axes.get_title() for axes in model.axes]
    assert [axes.get_ylabel() for axes in figure.axes] == [axes.get_ylabel() for axes in model.axes]
