"""Figure A10's claims on planted ends."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a10
from dual_process.claims.verdict import Claim
from tests.grid_data import STANDARD, grid, planted

SETS = (*STANDARD, "unseen_uniform", "unseen_normal", "unseen_mean")
ENDS = {
    "vanilla": {"unseen_uniform": 0.6, "unseen_normal": 0.5},
    "active": {"unseen_uniform": 0.95, "unseen_normal": 0.9},
}


def kept(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return ENDS.get(row["kind"], {}).get(evaluation, 0.75)


def lost(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return ENDS[{"vanilla": "active", "active": "vanilla"}[row["kind"]]].get(evaluation, 0.75)


def judged(
    score: Any, evaluations: tuple[str, ...] = SETS, schedules: tuple[str, ...] = ("vanilla", "active-200")
) -> dict[str, Claim]:
    dataset = planted(grid(distribution=["zipf-1.5"], schedule=schedules, seed=[0, 1]), score, evaluations=evaluations)
    return {claim.id: claim for claim in a10.evaluate(dataset)}


@pytest.mark.parametrize(("score", "verdict"), [(kept, "holds"), (lost, "fails")])
def test_planted_ends(score: Any, verdict: str) -> None:
    claims = judged(score)
    assert {name: claim.verdict for name, claim in claims.items()} == {
        f"A10.{name}.{metric}[{label}]": verdict
        for metric in ("exact_match", "two_way")
        for evaluation in ("unseen_uniform", "unseen_normal")
        for name, label in (
            (f"vanilla.{evaluation}.lost", "zipf-1.5"),
            (f"active.{evaluation}.stays", "zipf-1.5,active-200"),
        )
    }


def test_values_are_those_planted() -> None:
    claims = judged(kept)
    assert claims["A10.vanilla.unseen_normal.lost.two_way[zipf-1.5]"].value == pytest.approx(0.5)
    assert claims["A10.active.unseen_uniform.stays.exact_match[zipf-1.5,active-200]"].value == pytest.approx(0.95)


def test_missing_sets_or_schedules_are_not_testable_and_say_what_is_needed() -> None:
    claims = judged(kept, STANDARD)
    assert {(claim.verdict, claim.reason) for claim in claims.values()} == {("not testable", a10.MISSING)}
    assert judged(kept, schedules=("vanilla",))["A10.active.unseen_normal.stays.two_way[zipf-1.5,active]"].value is None
