"""Figure 6's claims on planted geometry."""

import numpy as np
import pytest

from dual_process.claims import f6
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset
from tests.mechanism_data import with_geometry

SCHEDULES = ["vanilla", "active-200", "temporary-50-400"]
HOLDING = {"vanilla": (0.95, 2.0), "active": (0.55, 1.1), "temporary": (0.55, 1.0)}
FAILING = {"vanilla": (0.85, 1.2), "active": (0.65, 0.5), "temporary": (0.65, 1.0)}
"""Accuracy of both kinds, and norm of unseen over that of trained rows, by kind of schedule."""


def judged(planted: dict[str, tuple[float, float]], schedules: list[str] = SCHEDULES) -> dict[str, Claim]:
    dataset = probe_dataset(grid(schedule=schedules, seed=[0, 1]), separability=lambda row, *_: planted[row["kind"]][0])
    dataset = with_geometry(
        dataset,
        centroid=lambda row, *_: planted[row["kind"]][0],
        norm=lambda row, role: {"unseen": planted[row["kind"]][1], "copula": 99.0, "mask": 99.0}.get(role, 1.0),
    )
    return {claim.id: claim for claim in f6.evaluate(dataset)}


@pytest.mark.parametrize(("planted", "verdict"), [(HOLDING, "holds"), (FAILING, "fails")])
def test_planted_values(planted: dict[str, tuple[float, float]], verdict: str) -> None:
    claims = judged(planted)
    assert {claim_id: claim.verdict for claim_id, claim in claims.items()} == dict.fromkeys(
        [
            "F6.active.seen_unseen.centroid.low[zipf-1.5,active-200]",
            "F6.temporary.seen_unseen.centroid.low[zipf-1.5,temporary-50-400]",
            "F6.vanilla.noun_adjective.high[zipf-1.5]",
            "F6.active.noun_adjective.low[zipf-1.5,active-200]",
            "F6.vanilla.norms.apart[zipf-1.5]",
            "F6.active.norms.alike[zipf-1.5,active-200]",
        ],
        verdict,
    )


def test_ratio_is_of_the_larger_to_the_smaller_and_the_larger_is_named() -> None:
    claims = judged(HOLDING)
    assert claims["F6.vanilla.norms.apart[zipf-1.5]"].value == pytest.approx(2)
    assert "unseen rows are longer" in claims["F6.vanilla.norms.apart[zipf-1.5]"].reason
    claims = judged(FAILING)
    assert claims["F6.active.norms.alike[zipf-1.5,active-200]"].value == pytest.approx(2)
    assert "trained rows are longer" in claims["F6.active.norms.alike[zipf-1.5,active-200]"].reason


def test_norms_are_those_of_the_last_analysis_step_that_a_run_has() -> None:
    dataset = with_geometry(
        probe_dataset(grid(seed=[0, 1])), centroid=lambda *_: 0.9, norm=lambda row, role: 3.0 - (role == "unseen")
    )
    dataset["embedding_norm"][0, 0] = 1.0
    dataset["embedding_norm"][0, 1] = np.nan
    claim = next(claim for claim in f6.evaluate(dataset) if "norms.apart" in claim.id)
    assert (claim.low, claim.high) == pytest.approx((1, 1.5))


def test_missing_schedules_are_not_testable() -> None:
    verdicts = {claim_id: claim.verdict for claim_id, claim in judged(HOLDING, ["vanilla"]).items()}
    assert {verdict for name, verdict in verdicts.items() if ".vanilla." in name} == {"holds"}
    assert {verdict for name, verdict in verdicts.items() if ".vanilla." not in name} == {"not testable"}
