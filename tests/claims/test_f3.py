"""Figure 3's claims on curves that hold, fail and are missing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dual_process.claims import f3
from dual_process.claims.verdict import Claim
from tests.builders import fading, grid, probe_dataset, rising

SCHEDULES = ["vanilla", "active-200"]


def as_in_the_paper(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    if row["kind"] == "active" or evaluation == "val":
        return rising(x, end=0.97)
    return fading(x, peak=0.95, end={"unseen": 0.3, "switch": 0.1}.get(evaluation, 0.4))


def the_opposite(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    if row["kind"] == "active":
        return rising(x, end=0.9 if evaluation == "val" else 0.5)
    return rising(x, end={"unseen": 0.5, "switch": 0.04}.get(evaluation, 0.04))


def judged(score: Callable[..., Any], **names: list) -> dict[str, Claim]:
    names = {"distribution": ["uniform", "zipf-1.0001", "zipf-1.5"], "schedule": SCHEDULES, "seed": [0, 1]} | names
    return {claim.id: claim for claim in f3.evaluate(probe_dataset(grid(**names), score=score))}


def test_all_hold_on_the_paper_s_curves_and_fail_on_the_opposite() -> None:
    holding, failing = judged(as_in_the_paper), judged(the_opposite)
    assert {claim.verdict for claim in holding.values()} == {"holds"}
    assert {claim.verdict for claim in failing.values()} == {"fails"}
    assert list(holding) == list(failing)
    assert len(holding) == 2 + 2 * (2 * 2 + 2 + 2 * 4 + 3) + 1


@pytest.mark.parametrize(
    ("claim_id", "value"),
    [
        ("F3.vanilla.unseen.peaks[zipf-1.0001]", 0.95),
        ("F3.vanilla.unseen.fades[zipf-1.0001]", 0.65),
        ("F3.vanilla.unseen.transient.exact_match[zipf-1.5]", 0.65),
        ("F3.vanilla.tail_above_head.two_way[zipf-1.5]", 0.3),
        ("F3.active.tail_switch.stays.exact_match[zipf-1.5,active-200]", 0.97),
        ("F3.active.switch_equals_val.two_way[uniform,active-200]", 0.0),
    ],
)
def test_values(claim_id: str, value: float) -> None:
    claim = judged(as_in_the_paper)[claim_id]
    assert (claim.value, claim.low, claim.high) == pytest.approx((value, value, value))


def test_headline_is_about_two_way() -> None:
    claims = judged(lambda row, x, evaluation, metric: 0.95 if metric == "two_way" else 0.0)
    assert claims["F3.vanilla.unseen.peaks[zipf-1.0001]"].verdict == "holds"
    assert claims["F3.vanilla.unseen.rises.exact_match[zipf-1.0001]"].verdict == "fails"


def test_missing_schedules_and_the_missing_main_distribution_are_not_testable() -> None:
    claims = judged(as_in_the_paper, distribution=["zipf-1.5"], schedule=["active-200"])
    verdicts = {claim_id: claim.verdict for claim_id, claim in claims.items()}
    assert verdicts["F3.vanilla.unseen.peaks[zipf-1.0001]"] == "not testable"
    assert verdicts["F3.vanilla.unseen.rises.two_way[zipf-1.5]"] == "not testable"
    assert verdicts["F3.active.unseen.stays.two_way[zipf-1.5,active-200]"] == "holds"
    no_active = judged(as_in_the_paper, schedule=["vanilla"])
    assert no_active["F3.active.unseen.stays.two_way[uniform,active]"].verdict == "not testable"


def test_nothing_measured_is_not_testable() -> None:
    assert {claim.verdict for claim in judged(lambda *_: np.nan).values()} == {"not testable"}


def test_protocols_are_judged_apart() -> None:
    def score(row: dict[str, Any], *cell: Any) -> np.ndarray:
        return (as_in_the_paper if row["protocol"] == "corrected" else the_opposite)(row, *cell)

    names = {"distribution": ["zipf-1.0001"], "schedule": SCHEDULES, "protocol": ["corrected", "reference"]}
    claims = f3.evaluate(probe_dataset(grid(**names), score=score))
    assert {(claim.protocol, claim.verdict) for claim in claims} == {("corrected", "holds"), ("reference", "fails")}


def test_a_reset_schedule_s_name_is_part_of_the_id() -> None:
    claims = judged(as_in_the_paper, schedule=["vanilla", "active-100", "active-200"])
    assert {f"F3.active.switch.stays.two_way[uniform,active-{period}]" for period in (100, 200)} <= set(claims)
