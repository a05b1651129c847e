"""Figure V3 on planted answers."""

from typing import Any

import numpy as np
import pytest

from dual_process.figures import v3
from tests.language_data import syllogisms
from tests.mechanism_data import keeps_promises, panels, words

LEVELS = {"answer_preferred": 0.6, "answer_probability": 0.06, "middle_probability": 0.02}


def level(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str, trial: int) -> np.ndarray:
    shift = 1 + 0.1 * row["seed"] + 0.2 * trial
    return np.full(len(x), LEVELS[metric] * shift * (1 if evaluation == "baseline" else 0.5))


def ends(axes: Any, style: str) -> list[float]:
    return [line.get_ydata()[-1] for line in axes.lines if line.get_linestyle() == style]


def test_top_row_is_preference_and_bottom_row_both_probabilities() -> None:
    figure = keeps_promises(v3, syllogisms(level), again=True)
    baseline, unseen, below, below_unseen = panels(figure)
    assert ends(baseline, "-") == pytest.approx([0.6 * 1.15])
    assert ends(unseen, "-") == pytest.approx([0.3 * 1.15])
    assert (ends(below, "-"), ends(below, "--")) == (pytest.approx([0.069]), pytest.approx([0.023]))
    assert ends(below_unseen, "--") == pytest.approx([0.0115])
    assert {"probability of the answer Z", "probability of the middle term Y"} <= words(figure)
    assert below.get_xlabel() == "training step"


def test_bands_go_over_seeds_and_trials() -> None:
    figure = v3.draw(v3.numbers(syllogisms(level)))
    band = panels(figure)[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.6, 0.6 * 1.3))
    assert "lines: mean over 2 seeds and 2 trials; bands: minimum to maximum" in words(figure)


def test_colours_are_schedules() -> None:
    figure = keeps_promises(v3, syllogisms(level, schedule=["vanilla", "active-200", "temporary-200-600"]))
    colours = [line.get_color() for line in panels(figure)[0].lines if line.get_linestyle() == "-"]
    assert len(set(colours)) == 3
    assert {"vanilla", "active, every 200 steps", "temporary, every 200 steps until 600"} <= words(figure)


def test_numbers_hold_every_trial_and_metric() -> None:
    dataset = syllogisms(level, trials=3)
    assert len(v3.numbers(dataset)) == dataset["syllogism"].size
