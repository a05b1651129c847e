"""Claims of V2 on planted ends."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import v2
from dual_process.claims.verdict import Claim
from tests.builders import fading, grid, probe_dataset, rising
from tests.recall_stores import recall_dataset

ENDS = {  # unseen two-way, weights exact
    "vanilla": (0.5, 0.9),
    "active-100": (0.95, 0.05),
    "temporary-100-400": (0.65, 0.9),
    "temporary-100-800": (0.8, 0.7),
}


def judged(ends: dict[str, tuple[float, float]] = ENDS, **names: Any) -> dict[str, Claim]:
    def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> Any:
        unseen, weights = ends[row["schedule"]]
        if row["kind"] == "vanilla":
            return fading(x, peak=0.8, end=unseen) if metric == "two_way" else weights
        return rising(x, end=unseen if evaluation == "unseen" else weights)

    names = {"distribution": ["uniform"], "schedule": list(ends)} | names
    return {claim.id.split("[")[0]: claim for claim in v2.evaluate(recall_dataset(score, **names))}


def test_planted_dual_process_holds() -> None:
    claims = judged(seed=[0, 1])
    assert {name: claim.verdict for name, claim in claims.items()} == {
        "V2.active.unseen.stays": "holds",
        "V2.active.unseen.exceeds_counting": "holds",
        "V2.active.unseen.above_vanilla": "holds",
        "V2.active.weights.low": "holds",
        "V2.temporary.both": "holds",
    }
    assert claims["V2.active.unseen.above_vanilla"].value == pytest.approx(0.45)
    assert claims["V2.temporary.both"].value == pytest.approx(0.1)
    assert "best of 2: temporary-100-800" in claims["V2.temporary.both"].reason


def test_counting_labels_is_no_recall_in_the_reference() -> None:
    claims = judged(ENDS | {"active-100": (0.75, 0.05)}, protocol=["reference"])
    assert claims["V2.active.unseen.exceeds_counting"].verdict == "fails"
    assert claims["V2.active.unseen.exceeds_counting"].value == pytest.approx(0)
    assert claims["V2.temporary.both"].verdict == "fails"


def test_weights_that_survive_active_forgetting_fail() -> None:
    claims = judged(ENDS | {"active-100": (0.5, 0.9)})
    assert claims["V2.active.weights.low"].verdict == "fails"
    assert claims["V2.active.unseen.above_vanilla"].verdict == "fails"


def test_missing_runs_are_named() -> None:
    claims = judged({"active-100": ENDS["active-100"]})
    assert claims["V2.active.unseen.above_vanilla"].reason == "no vanilla run of the same seed"
    assert claims["V2.temporary.both"].verdict == "not testable"
    alone = judged({"vanilla": ENDS["vanilla"]})
    assert {claim.verdict for claim in alone.values()} == {"not testable"}
    assert "no active run" in alone["V2.active.weights.low"].reason


def test_runs_of_another_task_are_not_testable() -> None:
    store = probe_dataset(grid(schedule=["vanilla", "active-100", "temporary-100-800"]), score=lambda *_: 0.9)
    assert {claim.verdict for claim in v2.evaluate(store)} == {"not testable"}
