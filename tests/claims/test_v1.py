"""Claims of V1 on planted curves."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import v1
from dual_process.claims.verdict import Claim
from tests.builders import fading, grid, probe_dataset, rising
from tests.recall_stores import recall_dataset

NAMES = ("unseen.rises", "unseen.exceeds_counting", "unseen.fades", "unseen.ends_at_chance")


def judged(unseen: Any, *, context: float = 0.5, weights: float = 0.8, **names: Any) -> dict[tuple[str, str], Claim]:
    """Verdicts by protocol and name of the claim, for planted curves of unseen items and ends of the others."""

    def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> Any:
        ends = {"unseen": unseen(x), "context": context, "weights": rising(x, end=weights), "val": rising(x, end=0.98)}
        wanted = "exact_match" if evaluation in ("weights", "val") else "two_way"
        return ends[evaluation] if metric == wanted else 0.0

    claims = v1.evaluate(recall_dataset(score, distribution=["uniform"], **({"protocol": ["corrected"]} | names)))
    return {(claim.protocol, claim.id.removeprefix("V1.vanilla.").split("[")[0]): claim for claim in claims}


def verdicts(claims: dict[tuple[str, str], Claim], protocol: str = "corrected") -> list[str]:
    return [claims[protocol, name].verdict for name in NAMES]


def test_a_curve_that_rises_and_fades_has_all_claims() -> None:
    claims = judged(lambda x: fading(x, peak=0.9, end=0.5), seed=[0, 1])
    assert {claim.verdict for claim in claims.values()} == {"holds"}
    assert len(claims) == 7
    assert claims["corrected", "unseen.fades"].value == pytest.approx(0.4, abs=0.05)
    assert "mean over 2 seeds" in claims["corrected", "unseen.rises"].reason


def test_a_curve_that_stays_does_not_fade() -> None:
    claims = judged(lambda x: rising(x, end=0.95))
    assert verdicts(claims) == ["holds", "holds", "fails", "fails"]


def test_counting_alone_exceeds_nothing_under_either_protocol() -> None:
    claims = judged(lambda x: 0.75, context=0.75, protocol=["corrected", "reference"])
    assert verdicts(claims, "reference") == ["holds", "fails", "fails", "fails"]
    assert verdicts(claims, "corrected") == ["holds", "holds", "fails", "fails"]
    assert claims["reference", "context.is_counting"].verdict == "holds"
    assert claims["corrected", "context.is_counting"].verdict == "fails"
    assert "counting labels gives 0.75" in claims["reference", "unseen.rises"].reason


def test_one_lucky_measurement_is_no_peak() -> None:
    claims = judged(lambda x: np.where(x == 500, 0.75, 0.5))
    assert claims["corrected", "unseen.rises"].verdict == "fails"
    assert claims["corrected", "unseen.rises"].value == pytest.approx(0.5 + 0.25 / 3)


def test_weights_that_learn_nothing_fail() -> None:
    assert judged(lambda x: 0.5, weights=0.1)["corrected", "weights.learned"].verdict == "fails"


def test_without_vanilla_runs_nothing_is_testable() -> None:
    claims = judged(lambda x: 0.5, schedule=["active-100"])
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    assert {claim.reason for claim in claims.values()} == {v1.MISSING}


def test_runs_of_another_task_are_not_testable() -> None:
    claims = v1.evaluate(probe_dataset(grid(schedule=["vanilla"]), score=lambda *_: 0.9))
    assert {claim.verdict for claim in claims} == {"not testable"}
