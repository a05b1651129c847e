"""Claims of the paths of training on planted paths."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import phase_portrait
from dual_process.claims.verdict import Claim
from tests.builders import fading, grid, probe_dataset, rising

Score = Any


def judged(score: Score, **names: Any) -> dict[str, Claim]:
    names = {"schedule": ["vanilla", "active-200", "temporary-50-400"], "seed": [0, 1]} | names
    return {claim.id: claim for claim in phase_portrait.evaluate(probe_dataset(grid(**names), score=score))}


def as_claimed(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    if row["kind"] == "temporary":
        return rising(x, end=0.95) if evaluation == "unseen" else fading(x, peak=0.9, end=0.3)
    if row["kind"] == "active":
        return rising(x, end=0.97)
    return fading(x, peak=0.85, end=0.4 if evaluation == "unseen" else 0.1)


@pytest.mark.parametrize("metric", ["exact_match", "two_way"])
def test_paths_as_claimed(metric: str) -> None:
    claims = judged(as_claimed)
    assert {claim.verdict for claim in claims.values()} == {"holds"}
    assert claims[f"phase.temporary.stays_in_corner.{metric}[zipf-1.5]"].value == pytest.approx(0.05)
    assert claims[f"phase.vanilla.never_in_corner.{metric}[zipf-1.5]"].value < -0.05


def test_a_path_that_passes_the_corner_touches_it() -> None:
    def passing(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
        return fading(x, peak=0.94, end=0.2) if evaluation == "unseen" else 0.3 + 0 * x

    claim = judged(passing)["phase.vanilla.never_in_corner.two_way[zipf-1.5]"]
    assert claim.verdict == "fails"
    assert claim.value == pytest.approx(0.04)


def test_a_path_that_leaves_at_the_end_does_not_stay() -> None:
    def leaving(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
        return np.where(x == x[-1], 0.7, 0.99) if evaluation == "unseen" else 0.1 + 0 * x

    claim = judged(leaving)["phase.temporary.stays_in_corner.two_way[zipf-1.5]"]
    assert (claim.verdict, claim.value) == ("fails", pytest.approx(-0.2))


def test_what_was_measured_early_in_a_reset_cycle_is_left_out() -> None:
    def after_reset(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
        early = (x > 200) & ((x - 1) % 200 + 1 < 100)
        return np.where(early, 1.0, 0.6) if evaluation == "unseen" else 0.2 + 0 * x

    claims = judged(after_reset)
    assert claims["phase.active.never_in_corner.two_way[zipf-1.5]"].value == pytest.approx(-0.3)
    assert claims["phase.vanilla.never_in_corner.two_way[zipf-1.5]"].value == pytest.approx(0.1)


def test_claims_without_runs_are_listed() -> None:
    claims = judged(as_claimed, schedule=["vanilla"])
    assert claims["phase.temporary.stays_in_corner.two_way[zipf-1.5]"].verdict == "not testable"
    assert claims["phase.active.never_in_corner.two_way[zipf-1.5]"].verdict == "not testable"
