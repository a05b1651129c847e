"""Claims of the map of schedules on runs within and outside the corner."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import dual_process_map
from dual_process.claims.verdict import Claim
from dual_process.figures import phase_portrait as figure
from tests.builders import fading, grid, probe_dataset

SCHEDULES = ["vanilla", "active-200", "temporary-50-400", "temporary-50-800"]
ENDS = {
    "vanilla": (0.6, 0.1),
    "active-200": (0.98, 0.9),
    "temporary-50-400": (0.93, 0.3),
    "temporary-50-800": (0.95, 0.6),
}
"""Unseen and head-switch accuracy at the end: one schedule in the corner."""


def judged(ends: dict[str, tuple[float, float]], **names: Any) -> dict[str, Claim]:
    def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
        unseen, switch = ends[row["schedule"]]
        return fading(x, peak=0.95, end=switch if evaluation == "switch" else unseen)

    dataset = probe_dataset(grid(**{"schedule": list(ends), "seed": [0, 1]} | names), score=score)
    return {claim.id: claim for claim in dual_process_map.evaluate(dataset)}


@pytest.mark.parametrize("metric", ["exact_match", "two_way"])
def test_values_are_margins_within_the_corner(metric: str) -> None:
    claims = judged(ENDS)
    assert {claim.verdict for claim in claims.values()} == {"holds"}
    best = claims[f"map.temporary.ends_in_corner.{metric}[zipf-1.5]"]
    assert best.value == pytest.approx(0.03)
    assert best.reason == "mean over 2 seeds; best of 2: temporary-50-400"
    assert claims[f"map.vanilla.ends_outside.{metric}[zipf-1.5]"].value == pytest.approx(-0.3)
    assert claims[f"map.active.ends_outside.{metric}[zipf-1.5]"].value == pytest.approx(-0.4)


def test_the_opposite_fails() -> None:
    claims = judged({"vanilla": (0.95, 0.1), "active-200": (0.95, 0.2), "temporary-50-400": (0.8, 0.1)})
    assert {claim.verdict for claim in claims.values()} == {"fails"}


def test_the_largest_margin_of_several_active_schedules_counts() -> None:
    claims = judged({"active-100": (0.95, 0.6), "active-200": (0.95, 0.52), "vanilla": (0.5, 0.1)})
    assert claims["map.active.ends_outside.two_way[zipf-1.5]"].value == pytest.approx(-0.02)
    assert claims["map.temporary.ends_in_corner.two_way[zipf-1.5]"].verdict == "not testable"


def test_the_corner_is_that_of_the_figures() -> None:
    assert dual_process_map.MIN_UNSEEN == figure.MIN_UNSEEN
    assert dual_process_map.MAX_SWITCH == figure.MAX_SWITCH
