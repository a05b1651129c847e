"""Figure 1 is a schematic and says so."""

import numpy as np
import pytest

from dual_process.figures import f1
from tests.mechanism_data import keeps_promises, words

TIME = np.linspace(0, 1, 200)


@pytest.mark.parametrize(
    ("schedule", "structure_stays", "weights_rise"),
    [("vanilla", False, True), ("active", True, False), ("temporary", True, True)],
)
def test_curves_show_what_is_claimed(schedule: str, structure_stays: bool, weights_rise: bool) -> None:
    structural, weights = f1.curves_of(schedule, TIME)
    assert structural.max() > 0.7
    assert (structural[-1] > 0.9) == structure_stays
    assert (structural[-1] < 0.1) != structure_stays
    assert (weights[-1] > 0.8) == weights_rise
    assert (weights[-1] < 0.2) != weights_rise
    assert structural.argmax() < (weights > weights[-1] / 2).argmax() or structure_stays


def test_drawing_keeps_the_promises_and_says_that_it_is_no_data() -> None:
    figure = keeps_promises(f1)
    assert len(figure.axes) == 3
    assert figure.legends[0].get_title().get_text() == "schematic, not data"
    assert {*f1.STRATEGIES, "reset of the embedding"} <= words(figure)
    assert not hasattr(f1, "numbers")
    assert f1.VARIABLES == ()
