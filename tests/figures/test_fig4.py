"""Figure 4 on planted values."""

from dual_process.figures import fig4, style
from tests.builders import grid, probe_dataset

DATASET = probe_dataset(
    grid(
        distribution=["uniform", "zipf-1.5"],
        schedule=["vanilla", "active-200", "temporary-50-800", "temporary-50-400", "probabilistic"],
    ),
    score=lambda *_: 0.25,
)


def test_numbers_leave_out_other_schedules() -> None:
    assert set(fig4.numbers(DATASET)["kind"]) == {"vanilla", "active", "temporary"}


def test_ends_of_forgetting_are_marked_in_the_colour_of_their_schedule() -> None:
    numbers = fig4.numbers(DATASET)
    figure = fig4.draw(numbers)
    marks = {line.get_xdata()[0]: line.get_color() for line in figure.axes[0].lines if line.get_marker() == "v"}
    palette = style.schedule_colours(numbers)
    assert marks == {400: palette["temporary-50-400"], 800: palette["temporary-50-800"]}


def test_the_missing_tail_of_uniform_is_said() -> None:
    figure = fig4.draw(fig4.numbers(DATASET))
    silent = [index for index, axes in enumerate(figure.axes) if any(text.get_text() for text in axes.texts)]
    assert silent == [2, 10]
    assert figure.axes[0].get_ylabel() == "uniform\ntwo-way"
