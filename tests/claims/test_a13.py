"""Figure A13's claims on planted accuracies."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a13
from dual_process.claims.verdict import Claim
from tests.language_data import as_in_the_paper, part_of_speech


def judged(plant: Any, **names: Any) -> dict[str, Claim]:
    return {claim.id: claim for claim in a13.evaluate(part_of_speech(plant, **names))}


def test_middle_layers_that_rise_early_and_layers_that_fade_hold() -> None:
    claims = judged(as_in_the_paper, layers=12)
    assert {name: claim.verdict for name, claim in claims.items()} == {
        "A13.vanilla.middle_layers_rise[ewt]": "holds",
        "A13.vanilla.all_layers_end_at_chance[ewt]": "holds",
    }
    assert "layers 6, 7, 8, 9 of 12" in claims["A13.vanilla.middle_layers_rise[ewt]"].conditions


def test_one_middle_layer_that_stays_low_and_one_layer_that_stays_high_fail() -> None:
    def planted(row: dict[str, Any], x: np.ndarray, evaluation: str, layer: int) -> np.ndarray:
        values = as_in_the_paper(row, x, evaluation, layer)
        return np.full(len(x), 0.6) if layer == 3 else values

    claims = judged(planted)
    assert {claim.verdict for claim in claims.values()} == {"fails"}
    assert [claim.value for claim in claims.values()] == pytest.approx([0.6, 0.6])


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_a_model_of_few_layers_has_a_middle_too(layers: int) -> None:
    assert len(a13.middle_layers(layers)) == 1
    assert len(judged(as_in_the_paper, layers=layers)) == 2


def test_a_rise_after_the_first_tenth_does_not_count() -> None:
    claims = judged(lambda row, x, *_: np.where((x > 0.1 * x[-1]) & (x < 0.9 * x[-1]), 0.9, 0.5))
    assert claims["A13.vanilla.middle_layers_rise[ewt]"].verdict == "fails"
    assert claims["A13.vanilla.all_layers_end_at_chance[ewt]"].verdict == "holds"


def test_forgetting_is_judged_by_its_best_layer() -> None:
    claims = judged(as_in_the_paper, schedule=["vanilla", "active-200"])
    claim = claims["A13.forgetting.above_vanilla[ewt,active-200]"]
    assert claim.verdict == "holds"
    assert claim.value == pytest.approx(0.35, abs=0.03)
