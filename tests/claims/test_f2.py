"""Figure 2's claims on planted accuracies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dual_process.claims import f2
from dual_process.claims.bootstrap import with_intervals
from dual_process.claims.verdict import Claim
from dual_process.figures import language
from tests.language_data import as_in_the_paper, part_of_speech

FORGETTING = "F2.forgetting.above_vanilla"


def judged(plant: Callable[..., Any], **names: Any) -> dict[str, Claim]:
    claims = f2.evaluate(part_of_speech(plant, **names))
    assert len({claim.id for claim in claims}) == len(claims)
    return {claim.id.replace("[ewt]", ""): claim for claim in claims}


def test_curves_as_in_the_paper_hold() -> None:
    claims = judged(as_in_the_paper)
    assert {name: claim.verdict for name, claim in claims.items()} == dict.fromkeys(
        [
            "F2.vanilla.unseen.rises",
            "F2.vanilla.unseen.ends_at_chance",
            "F2.vanilla.unseen.layer_0_at_chance",
            "F2.vanilla.gain.tail_leads",
            "F2.vanilla.gain.head.fades",
            "F2.vanilla.gain.tail.fades",
            "F2.vanilla.preference.head_above_tail",
            "F2.vanilla.preference.head.rises",
            "F2.vanilla.preference.tail.rises",
        ],
        "holds",
    )
    assert claims["F2.vanilla.unseen.rises"].value == pytest.approx(0.855)
    assert claims["F2.vanilla.unseen.rises"].values == pytest.approx((0.85, 0.86))


def test_the_opposite_fails() -> None:
    def opposite(row: dict[str, Any], x: np.ndarray, evaluation: str, layer: int) -> np.ndarray:
        share = x / x[-1]
        if evaluation == "unseen":
            return 0.57 + 0.01 * (layer > 0) + 0 * x
        if evaluation in ("head", "tail"):
            return 0.5 + (layer > 0) * share * (0.3 if evaluation == "head" else 0.2)
        return 0.5 + 0.1 * share + (0.1 if evaluation == "switch" else 0)

    claims = judged(opposite)
    assert {claim.verdict for claim in claims.values()} == {"fails"}
    assert claims["F2.vanilla.unseen.layer_0_at_chance"].value == pytest.approx(0.07)
    assert claims["F2.vanilla.gain.head.fades"].value == pytest.approx(0.3)
    assert claims["F2.vanilla.preference.head_above_tail"].value == pytest.approx(-0.1)


def test_a_rise_after_the_first_quarter_does_not_count() -> None:
    def late(row: dict[str, Any], x: np.ndarray, evaluation: str, layer: int) -> np.ndarray:
        return 0.5 + 0.3 * ((x > 0.25 * x[-1]) & (x < 0.9 * x[-1]))

    claim = judged(late)["F2.vanilla.unseen.rises"]
    assert (claim.verdict, claim.value) == ("fails", 0.5)


def test_an_untrained_model_has_no_order() -> None:
    """Before 1% of the steps neither the lead of the tail nor that of the head is asked for."""

    def noisy(row: dict[str, Any], x: np.ndarray, evaluation: str, layer: int) -> np.ndarray:
        values = as_in_the_paper(row, x, evaluation, layer)
        return np.where(x < 0.01 * x[-1], {"head": 0.9, "tail": 0.1, "switch": 0.9}.get(evaluation, 0.5), values)

    claims = judged(noisy)
    assert claims["F2.vanilla.gain.tail_leads"].verdict == "holds"
    assert claims["F2.vanilla.preference.head_above_tail"].verdict == "holds"


def test_forgetting_is_compared_with_vanilla_of_the_same_seed() -> None:
    claims = judged(as_in_the_paper, schedule=["vanilla", "active-200", "temporary-200-600"])
    for schedule in ("active-200", "temporary-200-600"):
        claim = claims[f"{FORGETTING}[ewt,{schedule}]"]
        assert claim.verdict == "holds"
        assert claim.values == pytest.approx((0.35, 0.35), abs=0.03)
    flat = judged(lambda *_: 0.5, schedule=["vanilla", "active-200"])
    assert flat[f"{FORGETTING}[ewt,active-200]"].verdict == "fails"


def test_forgetting_without_vanilla_is_not_testable_and_says_so() -> None:
    claims = judged(as_in_the_paper, schedule=["active-200"])
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    assert claims[f"{FORGETTING}[ewt,active-200]"].reason == "no seed has both"


def test_no_checkpoint_in_the_first_quarter_is_not_testable() -> None:
    claims = judged(as_in_the_paper, steps=[500, 1000])
    assert claims["F2.vanilla.gain.tail_leads"].verdict == "not testable"
    assert claims["F2.vanilla.unseen.rises"].verdict == "not testable"
    assert claims["F2.vanilla.unseen.ends_at_chance"].verdict == "holds"


def test_the_structural_layer_is_that_of_the_figure() -> None:
    for layers in (1, 2, 3, 4, 6, 8, 12, 24):
        cell = next(f2.cells(part_of_speech(lambda *_: 0.5, layers=layers, seed=[0], steps=[0, 10]), "fig2"))
        assert f2.structural_layer(cell) == language.structural_layer(layers)


def test_intervals_come_from_the_seeds_alone() -> None:
    dataset = part_of_speech(as_in_the_paper, seed=[0, 1, 2])
    claims = {claim.id: claim for claim in with_intervals(f2.evaluate, dataset, name="fig2", replicates=100)}
    rises = claims["F2.vanilla.unseen.rises[ewt]"]
    assert rises.interval_low is not None
    assert rises.low <= rises.interval_low < rises.value < rises.interval_high <= rises.high
    alone = with_intervals(f2.evaluate, dataset.isel(run=[0]), name="fig2", replicates=10)
    assert {claim.interval_low for claim in alone} == {None}
