"""Figure A8's claims on planted curves."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a8
from dual_process.claims.verdict import Claim
from tests.grid_data import grid, planted


def as_in_the_paper(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    """Head switch peaks at a tenth of the run; the tail of a steep law falls over the second half."""
    share = x / x[-1]
    switch = np.interp(share, [0, 0.1, 0.4, 1], [0, 0.3, 0.01, 0.01])
    tail = np.interp(share, [0, 0.4, 1], [0, 0.9, 0.3 if row["alpha"] > 1.4 else 0.9])
    return {"switch": switch, "tail": tail}.get(evaluation, np.ones(len(x)))


def the_opposite(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    return 0.5 * x / x[-1]


def judged(score: Any = as_in_the_paper, **names: list) -> dict[str, Claim]:
    names = {
        "vocabulary": [10000],
        "ambiguity": [0.0],
        "distribution": ["zipf-1.0001", "zipf-1.5"],
        "seed": [0, 1],
    } | names
    return {claim.id: claim for claim in a8.evaluate(planted(grid(**names), score))}


@pytest.mark.parametrize(("score", "verdict"), [(as_in_the_paper, "holds"), (the_opposite, "fails")])
def test_planted_curves(score: Any, verdict: str) -> None:
    claims = judged(score)
    wanted = {f"A8.vanilla.switch.{name}" for name in ("peaks_early.exact_match", "gone.exact_match", "gone.two_way")}
    found = {name: claim.verdict for name, claim in claims.items() if name.split("[")[0] in wanted}
    assert found == {f"{name}[{law}]": verdict for name in wanted for law in ("zipf-1.0001", "zipf-1.5")}
    assert claims["A8.vanilla.tail.falls.two_way[zipf-1.5]"].verdict == verdict
    assert claims["A8.vanilla.switch.peaks.exact_match[zipf-1.5]"].value == pytest.approx(
        0.3 if verdict == "holds" else 0.5
    )


def test_values_are_those_planted() -> None:
    claims = judged()
    assert claims["A8.vanilla.switch.peaks_early.exact_match[zipf-1.5]"].value == pytest.approx(0.1)
    assert claims["A8.vanilla.switch.gone.two_way[zipf-1.0001]"].value == pytest.approx(0.01)
    fall = claims["A8.vanilla.tail.falls.exact_match[zipf-1.5]"]
    assert fall.value == pytest.approx(0.9 - np.interp([0.9, 0.95, 1], [0.4, 1], [0.9, 0.3]).mean())
    assert "A8.vanilla.tail.falls.exact_match[zipf-1.0001]" not in claims


def test_a_small_vocabulary_leaves_the_tail_untested_and_says_why() -> None:
    claim = judged(vocabulary=[1000, 2000])["A8.vanilla.tail.falls.two_way[zipf-1.5]"]
    assert claim.verdict == "not testable"
    assert claim.reason == "needs a vocabulary of 10,000 or more, ambiguity 0 and exponent 1.5; there is 1,000, 2,000"


def test_ambiguous_tasks_are_not_judged_and_the_missing_ones_are_named() -> None:
    claims = judged(ambiguity=[0.1])
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    assert claims["A8.vanilla.switch.gone.two_way[zipf]"].reason == a8.NO_AMBIGUITY
    both = judged(ambiguity=[0.0, 0.1])
    assert {name.split("[")[1] for name in both} == {"zipf-1.0001,v10000-e0.0]", "zipf-1.5,v10000-e0.0]"}


def test_a_switch_that_never_rises_has_no_peak() -> None:
    claims = judged(lambda row, x, evaluation, metric: np.zeros(len(x)))
    assert claims["A8.vanilla.switch.peaks.exact_match[zipf-1.5]"].verdict == "fails"
    early = claims["A8.vanilla.switch.peaks_early.exact_match[zipf-1.5]"]
    assert (early.verdict, early.reason) == ("not testable", "no peak of 0.1 or more")
