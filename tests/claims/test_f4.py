"""Figure 4's claims on planted ends."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from dual_process.claims import f4
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset

SCHEDULES = ["vanilla", "active-50", "active-200", "temporary-50-400", "temporary-50-600", "temporary-50-800"]
ENDS = {  # unseen, tail switch, head switch
    "vanilla": (0.3, 0.4, 0.1),
    "active-50": (0.98, 0.98, 0.8),
    "active-200": (0.98, 0.98, 0.2),
    "temporary-50-400": (0.8, 0.7, 0.2),
    "temporary-50-600": (0.95, 0.9, 0.3),
    "temporary-50-800": (0.96, 0.95, 0.6),
}
DUAL = "F4.temporary.dual_process.two_way[zipf-1.5]"
RISES = "F4.temporary.switch_rises_with_end.exact_match[zipf-1.5,every-50]"
BETWEEN = "F4.temporary.between[any]"


def planted(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    ends = ENDS[row["schedule"]]
    return {"unseen": ends[0], "tail_switch": ends[1], "switch": ends[2]}.get(evaluation, 1.0)


def judged(score: Any = planted, **names: list) -> dict[str, Claim]:
    names = {"distribution": ["zipf-1.5"], "schedule": SCHEDULES, "seed": [0, 1]} | names
    return {claim.id: claim for claim in f4.evaluate(probe_dataset(grid(**names), score=score))}


def test_the_best_schedule_and_its_smallest_margin_are_reported() -> None:
    claim = judged()[DUAL]
    assert claim.verdict == "holds"
    assert claim.value == pytest.approx(0.05)
    assert claim.reason == "mean over 2 seeds; best of 3: temporary-50-600"


def test_without_the_good_schedule_there_is_no_dual_process() -> None:
    claim = judged(schedule=["vanilla", "active-50", "temporary-50-400", "temporary-50-800"])[DUAL]
    assert claim.verdict == "fails"
    assert claim.value == pytest.approx(-0.1)


def test_between_compares_with_the_active_schedule_of_the_same_period() -> None:
    claim = judged(distribution=["uniform", "zipf-1.5"])[BETWEEN]
    assert claim.verdict == "holds"
    assert claim.value == pytest.approx(0.5)
    assert "best of 6: temporary-50-400 at uniform, against active-50" in claim.reason
    failing = judged(schedule=["vanilla", "active-200", "temporary-50-600"])[BETWEEN]
    assert failing.verdict == "fails"
    assert failing.value == pytest.approx(-0.1)


def test_switch_rises_with_the_end_of_forgetting() -> None:
    claims = judged()
    assert claims[RISES].verdict == "holds"
    assert claims[RISES].value == pytest.approx(1)
    falling = judged(lambda row, x, *_: 1 - row["forget_until"] / 1000)
    assert falling[RISES].verdict == "fails"
    assert falling[RISES].value == pytest.approx(-1)


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_agrees_with_scipy(seed: int) -> None:
    y = np.random.default_rng(seed).integers(0, 4, 6)
    x = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    assert f4._rank_correlation(x, tuple(y)) == pytest.approx(spearmanr(x, y).statistic)


def test_equal_ends_have_no_order() -> None:
    claim = judged(lambda *_: 0.5)[RISES]
    assert claim.verdict == "not testable"
    assert claim.reason == "N 400, 600, 800; accuracies are equal"


@pytest.mark.parametrize(
    "schedules",
    [["vanilla"], ["vanilla", "active-200", "temporary-50-400", "temporary-100-600"]],
)
def test_order_needs_two_ends_of_one_period(schedules: list[str]) -> None:
    claims = judged(lambda *_: 0.5, schedule=schedules)
    claim = claims["F4.temporary.switch_rises_with_end.exact_match[zipf-1.5]"]
    assert claim.verdict == "not testable"
    assert claim.reason == "needs two values of N of one period"


def test_missing_runs_are_not_testable() -> None:
    claims = judged(schedule=["vanilla", "active-200"])
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    without_vanilla = judged(schedule=["active-50", "temporary-50-600"])
    assert without_vanilla[BETWEEN].verdict == "not testable"
    assert without_vanilla[DUAL].verdict == "holds"


def test_dual_process_is_not_asked_of_uniform_which_has_no_tail() -> None:
    assert not [claim_id for claim_id in judged(distribution=["uniform"]) if "dual_process" in claim_id]


def test_tasks_are_judged_apart() -> None:
    assert {"F4.temporary.between[any,big]", "F4.temporary.between[any,pos]"} <= set(judged(task=["pos", "big"]))
