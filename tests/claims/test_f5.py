"""Figure 5's claims on planted probes."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import f5
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset

SCHEDULES = ["vanilla", "active-200", "temporary-50-400"]
HOLDING = {"vanilla": 0.95, "active": 0.55, "temporary": 0.7}
FAILING = {"vanilla": 0.85, "active": 0.65, "temporary": 0.65}


def judged(values: dict[str, float], schedules: list[str] = SCHEDULES) -> dict[str, Claim]:
    def probe(row: dict[str, Any], x: np.ndarray, layer: int, probed: str) -> float:
        return values[row["kind"]] if (layer, probed) == (0, "val") else 0.75

    def separability(row: dict[str, Any], x: np.ndarray, contrast: str) -> float:
        return values[row["kind"]] if contrast == "seen_unseen" else 0.75

    dataset = probe_dataset(grid(schedule=schedules, seed=[0, 1]), probe=probe, separability=separability)
    return {claim.id: claim for claim in f5.evaluate(dataset)}


@pytest.mark.parametrize(("values", "verdict"), [(HOLDING, "holds"), (FAILING, "fails")])
def test_planted_values(values: dict[str, float], verdict: str) -> None:
    claims = judged(values)
    assert {claim_id: claim.verdict for claim_id, claim in claims.items()} == dict.fromkeys(
        [
            "F5.vanilla.probe_layer_0.high[zipf-1.5]",
            "F5.active.probe_layer_0.low[zipf-1.5,active-200]",
            "F5.temporary.probe_layer_0.above_active[zipf-1.5,temporary-50-400,active-200]",
            "F5.vanilla.seen_unseen.high[zipf-1.5]",
            "F5.active.seen_unseen.low[zipf-1.5,active-200]",
        ],
        verdict,
    )
    assert claims["F5.vanilla.seen_unseen.high[zipf-1.5]"].value == pytest.approx(values["vanilla"])


def test_missing_schedules_are_not_testable() -> None:
    claims = judged(HOLDING, ["vanilla"])
    verdicts = {claim_id.split(".")[1]: claim.verdict for claim_id, claim in claims.items()}
    assert verdicts == {"vanilla": "holds", "active": "not testable", "temporary": "not testable"}
