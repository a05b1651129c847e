"""Figure A7's claims on planted scores."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from dual_process.claims import a7
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset

HOLDING = {0.0: {"val": 0.97, "switch": 0.05, "tail_switch": 0.3}, 0.1: {"val": 0.97, "switch": 0.94}}
FAILING = {0.0: {"val": 0.9, "switch": 0.2, "tail_switch": 0.6}, 0.1: {"val": 0.97, "switch": 0.8}}


def judged(ends: dict[float, dict[str, float]], distribution: str = "zipf-1.5") -> list[Claim]:
    def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> float:
        return ends[row["ambiguity"]].get(evaluation, 0.5)

    parts = [
        probe_dataset(
            grid(
                task=[f"e{share}"],
                ambiguity=[share],
                distribution=[distribution],
                seed=[0, 1],
                schedule=["vanilla", "active-200"],
                protocol=["corrected", "reference"],
            ),
            score=score,
        )
        for share in ends
    ]
    return a7.evaluate(xr.concat(parts, dim="run"))


@pytest.mark.parametrize(("ends", "verdict"), [(HOLDING, "holds"), (FAILING, "fails")])
def test_planted_ends(ends: dict[float, dict[str, float]], verdict: str) -> None:
    claims = judged(ends)
    assert {claim.protocol for claim in claims} == {"corrected", "reference"}
    assert {claim.id: claim.verdict for claim in claims} == dict.fromkeys(
        [
            f"A7.{name}.{metric}[zipf-1.5,{task}]"
            for metric in ("exact_match", "two_way")
            for name, task in [
                ("unambiguous.switch.low", "e0.0"),
                ("unambiguous.val.high", "e0.0"),
                ("unambiguous.tail_switch.between", "e0.0"),
                ("ambiguous.switch_equals_val", "e0.1"),
            ]
        ],
        verdict,
    )


@pytest.mark.parametrize(("tail", "margin"), [(0.3, 0.1), (0.45, 0.05), (0.1, -0.1), (0.6, -0.1)])
def test_value_of_between_is_the_distance_to_the_nearer_bound(tail: float, margin: float) -> None:
    claims = judged({0.0: {**HOLDING[0.0], "tail_switch": tail}})
    values = [claim.value for claim in claims if "between" in claim.id]
    assert values == pytest.approx([margin] * 4, abs=1e-6)


@pytest.mark.parametrize(("share", "absent"), [(0.0, "A7.ambiguous"), (0.1, "A7.unambiguous")])
def test_an_absent_ambiguity_is_not_testable_and_named(share: float, absent: str) -> None:
    claims = judged({share: HOLDING[share]})
    missing = [claim for claim in claims if claim.id.startswith(absent)]
    assert {claim.verdict for claim in missing} == {"not testable"}
    assert all("ambiguity-0" in claim.reason for claim in missing)
    assert {claim.verdict for claim in claims if claim not in missing} == {"holds"}


def test_the_uniform_law_is_not_judged() -> None:
    assert {claim.verdict for claim in judged(HOLDING, "uniform")} == {"not testable"}
