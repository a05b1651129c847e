"""Claims on attention heads, with planted attention and ablation."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import heads
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset
from tests.mechanism_data import with_heads

HOLDING = {"preference": 0.3, "loss": 0.3, "fall": 0.2}
FAILING = {"preference": 0.1, "loss": 0.1, "fall": 0.05}


def judged(planted: dict[str, float], schedules: list[str]) -> dict[str, Claim]:
    """Plant all in the second layer's second head; the tokens of other sets show nothing of it."""

    def reading(row: dict[str, Any], x: np.ndarray, layer: int, head: int, probe_set: str, part: str) -> Any:
        if (layer, head, probe_set, part) != (1, 1, "unseen", "after_copula"):
            return 0.1
        is_vanilla = row["kind"] == "vanilla"
        return np.array([0.9, 0.9 - planted["fall"]]) if is_vanilla else 0.1 + planted["preference"]

    def effect(row: dict[str, Any], x: np.ndarray, layer: int, head: int, probe_set: str) -> float:
        return -planted["loss"] if (layer, head, probe_set) == (1, 1, "unseen") else 0.05

    dataset = with_heads(
        probe_dataset(grid(schedule=schedules, seed=[0, 1])), reading=reading, effect=effect, num_heads=2
    )
    return {claim.id: claim for claim in heads.evaluate(dataset)}


@pytest.mark.parametrize(("planted", "verdict"), [(HOLDING, "holds"), (FAILING, "fails")])
def test_planted_values(planted: dict[str, float], verdict: str) -> None:
    claims = judged(planted, ["vanilla", "active-200"])
    assert {claim_id: (claim.value, claim.verdict) for claim_id, claim in claims.items()} == {
        "heads.active.reads_after_copula[zipf-1.5,active-200]": (pytest.approx(planted["preference"]), verdict),
        "heads.active.one_head_needed[zipf-1.5,active-200]": (pytest.approx(planted["loss"]), verdict),
        "heads.vanilla.reading_fades[zipf-1.5]": (pytest.approx(planted["fall"], abs=1e-6), verdict),
    }


def test_missing_schedules_are_not_testable() -> None:
    claims = judged(HOLDING, ["temporary-50-400"])
    assert [claim.verdict for claim in claims.values()] == ["not testable"] * 3
