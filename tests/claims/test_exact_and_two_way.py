"""Claims of exact match beside two-way on planted curves."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import exact_and_two_way
from dual_process.claims.verdict import Claim
from tests.builders import fading, grid, probe_dataset, rising


def judged(vanilla: dict[str, tuple[float, float]], *, exact_below: float = 0.01) -> dict[str, Claim]:
    """Evaluate on runs whose metrics fall from a peak to an end under vanilla training."""

    def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
        if row["kind"] == "active" or metric not in vanilla:
            return rising(x, end=0.95 - (exact_below if metric == "exact_match" else 0))
        peak, last = vanilla[metric]
        return fading(x, peak=peak, end=last)

    dataset = probe_dataset(grid(schedule=["vanilla", "active-200"], seed=[0, 1]), score=score)
    return {claim.id.split("[")[0]: claim for claim in exact_and_two_way.evaluate(dataset)}


def test_lost_copying_makes_all_hold() -> None:
    claims = judged({"exact_match": (0.9, 0.0), "two_way": (0.95, 0.85), "copied": (0.95, 0.05)})
    assert {claim.verdict for claim in claims.values()} == {"holds"}
    assert claims["exact.vanilla.falls_more_than_two_way"].value == pytest.approx(0.8)
    assert claims["exact.vanilla.falls_with_copying"].value == pytest.approx(1.0)
    assert claims["exact.vanilla.choice_remains"].value == pytest.approx(0.85)
    assert claims["exact.active.equals_two_way"].value == pytest.approx(0.01)


def test_a_lost_choice_makes_all_fail() -> None:
    claims = judged({"exact_match": (0.9, 0.45), "two_way": (1.0, 0.5), "copied": (0.9, 0.9)}, exact_below=0.4)
    assert {claim.verdict for claim in claims.values()} == {"fails"}
    assert claims["exact.vanilla.falls_more_than_two_way"].value == pytest.approx(-0.05)
    assert claims["exact.vanilla.falls_with_copying"].value == pytest.approx(0.0)


def test_exact_match_that_never_rose_has_no_fall_to_explain() -> None:
    claims = judged({"exact_match": (0.05, 0.0), "two_way": (0.95, 0.6), "copied": (0.1, 0.0)})
    for name in ("falls_more_than_two_way", "falls_with_copying"):
        assert claims[f"exact.vanilla.{name}"].verdict == "not testable"
        assert "nothing to explain" in claims[f"exact.vanilla.{name}"].reason
    assert claims["exact.vanilla.choice_remains"].verdict == "fails"
