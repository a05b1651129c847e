"""Figure A14's claims on planted ends."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a14
from dual_process.claims.verdict import Claim
from tests.grid_data import grid, planted

SCHEDULES = ["drift-0.25", "vanilla", "drift-0", "drift-0.01", "active-200"]


def growing(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return 0.3 + row["probability"] if row["kind"] == "drift" else 0.99


def falling(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return 1 - growing(row, x, evaluation, metric)


def judged(score: Any, **names: list) -> dict[str, Claim]:
    names = {"distribution": ["zipf-1.5"], "schedule": SCHEDULES, "seed": [0, 1]} | names
    return {claim.id: claim for claim in a14.evaluate(planted(grid(**names), score))}


@pytest.mark.parametrize(("score", "verdict", "value"), [(growing, "holds", 1), (falling, "fails", -1)])
def test_ends_grow_with_p(score: Any, verdict: str, value: float) -> None:
    claims = judged(score)
    assert {name: (claim.verdict, claim.value) for name, claim in claims.items()} == {
        f"A14.drift.{evaluation}.grows.{metric}[zipf-1.5]": (verdict, pytest.approx(value))
        for evaluation in ("unseen", "switch")
        for metric in ("exact_match", "two_way")
    }
    assert {claim.reason for claim in claims.values()} == {"mean over 2 seeds; p 0, 0.01, 0.25"}


def test_one_value_of_p_is_not_enough() -> None:
    claims = judged(growing, schedule=["vanilla", "drift-0.1", "probabilistic-0.2"])
    assert {(claim.verdict, claim.reason) for claim in claims.values()} == {
        ("not testable", "needs drift with two values of p")
    }


def test_equal_ends_have_no_order() -> None:
    claims = judged(lambda *_: 0.5)
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    assert {claim.reason for claim in claims.values()} == {"p 0, 0.01, 0.25; accuracies are equal"}
