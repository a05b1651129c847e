"""Paths of training on planted scores."""

from typing import Any

import numpy as np
import pytest

from dual_process.figures import phase_portrait, style
from tests.builders import fading, grid, probe_dataset, rising
from tests.mechanism_data import keeps_promises


def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    if metric != "two_way":
        return 0 * x
    if evaluation == "unseen":
        return rising(x, end=0.9 + 0.04 * row["seed"])
    return fading(x, peak=0.9, end={"vanilla": 0.1, "active": 0.9}.get(row["kind"], 0.4) + 0.1 * row["seed"])


def make(**names: list) -> Any:
    defaults = {"schedule": ["vanilla", "active-200", "temporary-50-400"], "seed": [0, 1]}
    return probe_dataset(grid(**defaults | names), steps=range(0, 1001, 50), score=score)


@pytest.mark.parametrize(
    ("protocols", "seeds"), [(["corrected"], [0]), (["corrected", "reference", "unseen-negatives"], [0, 1])]
)
def test_promises_of_all_figures(protocols: list[str], seeds: list[int]) -> None:
    schedules = ["vanilla", "active-200", "temporary-50-400", "drift-0.1", "probabilistic-0.1"]
    distributions = ["uniform", "zipf-1.5"]
    keeps_promises(
        phase_portrait,
        make(protocol=protocols, seed=seeds, schedule=schedules, distribution=distributions),
        again=len(seeds) > 1,
    )


def test_ends_are_marked_at_the_mean_over_seeds_in_the_colour_of_the_schedule() -> None:
    numbers = phase_portrait.numbers(make())
    figure = phase_portrait.draw(numbers)
    ends = {
        line.get_color(): (round(float(line.get_xdata()[0]), 3), round(float(line.get_ydata()[0]), 3))
        for line in figure.axes[0].lines
        if line.get_marker() == "D"
    }
    palette = style.schedule_colours(numbers)
    assert ends == {
        palette["vanilla"]: (0.15, 0.92),
        palette["active-200"]: (0.95, 0.92),
        palette["temporary-50-400"]: (0.45, 0.92),
    }


def test_the_corner_is_shaded_up_to_its_limits() -> None:
    figure = phase_portrait.draw(phase_portrait.numbers(make()))
    (corner,) = (each for each in figure.axes[0].collections if type(each).__name__ == "FillBetweenPolyCollection")
    box = corner.get_paths()[0].get_extents()
    assert (box.x1, box.y0) == (phase_portrait.MAX_SWITCH, phase_portrait.MIN_UNSEEN)


def test_what_was_measured_early_in_a_reset_cycle_is_left_out() -> None:
    numbers = phase_portrait.numbers(make(schedule=["vanilla", "active-200"]))
    steps = {name: set(rows["step"]) for name, rows in numbers.groupby("schedule")}
    assert steps["vanilla"] - steps["active-200"] == {250, 450, 650, 850}
    assert set(numbers["metric"]) == {"two_way"}


def test_a_distribution_without_some_protocol_has_no_empty_panel() -> None:
    numbers = phase_portrait.numbers(make(distribution=["uniform", "zipf-1.5"], protocol=["corrected", "reference"]))
    part = numbers[(numbers["distribution"] == "zipf-1.5") | (numbers["protocol"] == "corrected")]
    titles = [axes.get_title() for axes in phase_portrait.draw(part).axes]
    alpha = "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5"
    assert titles == ["uniform\ncorrected", f"{alpha}\ncorrected", f"{alpha}\nreference"]


def test_nothing_to_show_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="to the grids of this figure"):
        phase_portrait.numbers(probe_dataset(grid(seed=[0])))
