"""Figure V4 on planted answers."""

from typing import Any

import numpy as np
import pytest

from dual_process.figures import language, v4
from tests.language_data import syllogisms
from tests.mechanism_data import keeps_promises, panels, words

STEPS = (0, *range(100, 2001, 100))


def level(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str, trial: int) -> np.ndarray:
    rises = evaluation == "unseen" and row["kind"] == "probabilistic"
    return 0.02 + (0.85 if rises else 0.3) * x / x[-1]


def test_curves_are_finetunings_and_the_axis_says_so() -> None:
    dataset = syllogisms(level, steps=STEPS, schedule=["probabilistic", "vanilla"], training=["finetune"])
    figure = keeps_promises(v4, dataset, again=True)
    unseen = panels(figure)[1]
    colours = language.schedule_colours(v4.numbers(dataset))
    ends = {line.get_color(): line.get_ydata()[-1] for line in unseen.lines if line.get_linestyle() == "-"}
    assert ends == pytest.approx({colours["vanilla"]: 0.32, colours["probabilistic"]: 0.87})
    assert panels(figure)[2].get_xlabel() == "finetuning step (left end: before)"
    assert {"vanilla", "probabilistic"} <= words(figure)
    assert [label.get_text() for label in panels(figure)[2].get_xticklabels()] == ["0", "100", "1k"]


def test_nothing_measured_names_the_analysis() -> None:
    with pytest.raises(ValueError, match="which the analysis finetuning measures"):
        v4.numbers(syllogisms(lambda *_: np.nan, steps=STEPS))
