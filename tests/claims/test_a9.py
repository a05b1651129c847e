"""Figure A9's claims on planted ends."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a9
from dual_process.claims.verdict import Claim
from tests.grid_data import grid, planted

NAMES: dict[str, list] = {
    "vocabulary": [100, 1000, 10000],
    "ambiguity": [0.0, 0.1, 0.5],
    "distribution": ["zipf-1.2", "zipf-1.5"],
    "schedule": ["vanilla", "active-200"],
    "seed": [0, 1],
}
EVERYWHERE = "A9.active.unseen.stays_everywhere.two_way[all,active-200]"


def growing(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    if evaluation == "unseen":
        return 0.99 - 0.01 * np.log10(row["vocabulary"]) - 0.001 * row["seed"]
    return 0.1 * np.log10(row["vocabulary"]) + row["ambiguity"] - 0.2 * (row["law"] == "zipf") * row["alpha"] / 10


def falling(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
    return 0.9 - growing(row, x, "switch", metric)


def judged(score: Any = growing, **names: list) -> dict[str, Claim]:
    return {claim.id: claim for claim in a9.evaluate(planted(grid(**(NAMES | names)), score))}


@pytest.mark.parametrize(("score", "verdict", "sign"), [(growing, "holds", 1), (falling, "fails", -1)])
def test_planted_ends(score: Any, verdict: str, sign: int) -> None:
    claims = judged(score)
    assert {claim.verdict for claim in claims.values()} == {verdict}
    for factor in ("vocabulary", "ambiguity"):
        for schedule in ("vanilla", "active-200"):
            kind = schedule.split("-")[0]
            claim = claims[f"A9.{kind}.switch.grows_with_{factor}.exact_match[all,{schedule}]"]
            assert claim.value == pytest.approx(sign)
    assert claim.reason.endswith("6 groups of cells, ambiguities 0, 0.1, 0.5")


def test_the_smallest_cell_decides_and_is_named() -> None:
    claim = judged()[EVERYWHERE]
    assert claim.value == pytest.approx(0.95 - 0.0005)
    assert "smallest of 18 cells: zipf-1.2,v10000-e0.0" in claim.reason

    def one_bad(row: dict[str, Any], x: np.ndarray, *rest: Any) -> float:
        return 0.2 if (row["task"], row["distribution"]) == ("v100-e0.5", "zipf-1.5") else growing(row, x, *rest)

    bad = judged(one_bad)[EVERYWHERE]
    assert (bad.verdict, bad.value) == ("fails", pytest.approx(0.2))
    assert "zipf-1.5,v100-e0.5" in bad.reason


def test_cells_that_differ_in_something_else_are_not_compared() -> None:
    """With a confounded factor, plain correlation over all cells would be -1; within groups it is 1."""

    def confounded(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
        return 0.5 + 0.01 * row["ambiguity"] - 0.1 * np.log10(row["vocabulary"])

    dataset = planted(
        grid(vocabulary=[100], ambiguity=[0.1, 0.2]) + grid(vocabulary=[10000], ambiguity=[0.3, 0.4]), confounded
    )
    claims = {claim.id: claim for claim in a9.evaluate(dataset)}
    assert claims["A9.vanilla.switch.grows_with_ambiguity.two_way[all,vanilla]"].value == pytest.approx(1)
    untested = claims["A9.vanilla.switch.grows_with_vocabulary.two_way[all,vanilla]"]
    assert (untested.verdict, untested.reason) == ("not testable", "needs vanilla runs of two vocabularies")


def test_missing_runs_are_not_testable() -> None:
    claims = judged(schedule=["vanilla"])
    missing = claims["A9.active.unseen.stays_everywhere.two_way[all,active]"]
    assert (missing.verdict, missing.reason) == ("not testable", "needs active runs in two cells or more")
    single = judged(vocabulary=[100], ambiguity=[0.1], distribution=["zipf-1.5"])
    assert {claim.verdict for claim in single.values()} == {"not testable"}


def test_equal_ends_have_no_order() -> None:
    claim = judged(lambda *_: 0.5)["A9.vanilla.switch.grows_with_vocabulary.two_way[all,vanilla]"]
    assert (claim.verdict, claim.reason) == (
        "not testable",
        "6 groups of cells, vocabularies 100, 1,000, 10,000; accuracies are equal",
    )


def test_protocols_are_judged_apart() -> None:
    def score(row: dict[str, Any], *rest: Any) -> float:
        return (growing if row["protocol"] == "corrected" else falling)(row, *rest)

    dataset = planted(grid(**(NAMES | {"protocol": ["corrected", "reference"]})), score)
    found = {(claim.protocol, claim.verdict) for claim in a9.evaluate(dataset)}
    assert found == {("corrected", "holds"), ("reference", "fails")}
