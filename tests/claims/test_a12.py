"""Figure A12's claims on planted ends by bin."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a12
from dual_process.claims.verdict import Claim
from dual_process.figures.a12 import SETS
from tests.grid_data import STANDARD, grid, planted

SCHEDULES = ["vanilla", "active-200", "temporary-50-400"]


def rarer_is_better(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return 0.1 + 0.05 * int(evaluation.split("_")[1]) if evaluation.endswith("_switch") and "bin" in evaluation else 0.5


def rarer_is_worse(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return 0.9 - rarer_is_better(row, x, evaluation, metric)


def judged(score: Any, sets: tuple[str, ...] = tuple(SETS), **names: list) -> dict[str, Claim]:
    rows = grid(**({"distribution": ["zipf-1.5"], "schedule": SCHEDULES, "seed": [0, 1]} | names))
    return {claim.id: claim for claim in a12.evaluate(planted(rows, score, evaluations=sets))}


def test_bins_are_those_of_the_figure() -> None:
    assert set(a12.BINS) == {name for name, (group, place) in SETS.items() if group == "exchanged" and "bin" in place}


@pytest.mark.parametrize(("score", "verdict", "value"), [(rarer_is_better, "holds", 1), (rarer_is_worse, "fails", -1)])
def test_preference_grows_with_frequency(score: Any, verdict: str, value: float) -> None:
    claims = judged(score)
    name = "preference_grows_with_frequency"
    assert {claim_id: (claim.verdict, claim.value) for claim_id, claim in claims.items()} == {
        f"A12.{claim_id}": (verdict, pytest.approx(value))
        for metric in ("exact_match", "two_way")
        for claim_id in (f"vanilla.{name}.{metric}[zipf-1.5]", f"temporary.{name}.{metric}[zipf-1.5,temporary-50-400]")
    }


def test_missing_bins_are_not_testable_and_few_are_too() -> None:
    for sets in (STANDARD, (*STANDARD, *a12.BINS[:2])):
        claims = judged(rarer_is_better, sets)
        assert {(claim.verdict, claim.reason) for claim in claims.values()} == {("not testable", a12.MISSING)}
    some = judged(rarer_is_better, a12.BINS[::3])["A12.vanilla.preference_grows_with_frequency.two_way[zipf-1.5]"]
    assert (some.verdict, some.reason) == ("holds", "mean over 2 seeds; 4 bins")


def test_uniform_has_no_frequencies() -> None:
    assert judged(rarer_is_better, distribution=["uniform"]) == {}
