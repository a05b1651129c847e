"""Figure A6's claims on planted probes."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import a6
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset

STEPS = (1, 10, 100, 1000)
EARLY, LATE, NEVER = [0.5, 0.7, 0.8, 0.9], [0.5, 0.55, 0.7, 0.9], [0.5, 0.51, 0.52, 0.53]
READY = [0.7, 0.75, 0.9, 0.95]


def judged(layers: dict[str, dict[int, list[float]]], *, num_layers: int = 5, **names: list) -> dict[str, Claim]:
    """Judge planted curves by law and layer; what is not planted is never readable."""

    def probe(row: dict[str, Any], x: np.ndarray, layer: int, probed: str) -> Any:
        return layers[row["law"]].get(layer, NEVER)

    runs = grid(**{"distribution": ["uniform", "zipf-1.5"], "layers": [num_layers], "seed": [0, 1], **names})
    claims = a6.evaluate(probe_dataset(runs, steps=STEPS, probe=probe, num_layers=num_layers))
    assert len({(claim.id, claim.protocol) for claim in claims}) == len(claims)
    return {claim.id: claim for claim in claims}


def test_layer_0_late_under_zipf_and_early_under_uniform_holds() -> None:
    claims = judged({"zipf": {0: LATE, 3: EARLY}, "uniform": {0: EARLY, 3: LATE}})
    assert {claim_id: claim.verdict for claim_id, claim in claims.items()} == dict.fromkeys(
        [
            "A6.zipf.layer_0_later.above.val[zipf-1.5]",
            "A6.zipf.layer_0_later.above.tail[zipf-1.5]",
            "A6.zipf.layer_0_later.half.val[zipf-1.5]",
            "A6.zipf.layer_0_later.half.tail[zipf-1.5]",
            "A6.uniform.layer_0_earlier.above.val[uniform]",
            "A6.uniform.layer_0_earlier.half.val[uniform]",
        ],
        "holds",
    )
    assert {claim.value for claim in claims.values()} == {90}


def test_the_other_order_and_a_tie_fail() -> None:
    claims = judged({"zipf": {0: EARLY, 3: LATE}, "uniform": {0: LATE, 3: LATE}})
    assert {claim.verdict for claim in claims.values()} == {"fails"}
    assert claims["A6.zipf.layer_0_later.above.val[zipf-1.5]"].value == -90
    assert claims["A6.uniform.layer_0_earlier.above.val[uniform]"].value == 0


def test_the_last_layer_stands_in_for_layer_3_of_a_small_model() -> None:
    claims = judged({"zipf": {0: LATE, 2: EARLY}, "uniform": {0: EARLY, 2: LATE}}, num_layers=2)
    assert {claim.verdict for claim in claims.values()} == {"holds"}
    assert "layers 0 and 2" in claims["A6.zipf.layer_0_later.above.val[zipf-1.5]"].conditions


def test_a_layer_that_never_comes_counts_as_the_last_step() -> None:
    claim = judged({"zipf": {0: NEVER, 3: EARLY}, "uniform": {}})["A6.zipf.layer_0_later.above.val[zipf-1.5]"]
    assert (claim.value, claim.verdict) == (990, "holds")
    assert "never gets there counts as the last step" in claim.reason
    claim = judged({"zipf": {}, "uniform": {}})["A6.zipf.layer_0_later.above.val[zipf-1.5]"]
    assert (claim.value, claim.verdict, claim.reason) == (None, "not testable", "no layer gets there in any seed")


def test_a_probe_that_begins_above_the_threshold_is_told_and_the_half_rise_still_counts() -> None:
    late = [0.7, 0.72, 0.75, 0.95]
    claims = judged({"zipf": {0: late, 3: READY}, "uniform": {}})
    claim = claims["A6.zipf.layer_0_later.above.val[zipf-1.5]"]
    assert (claim.value, claim.verdict) == (0, "fails")
    assert "both are there at the first checkpoint" in claim.reason
    assert claims["A6.zipf.layer_0_later.half.val[zipf-1.5]"].value == 900


@pytest.mark.parametrize("absent", ["uniform", "zipf"])
def test_an_absent_law_is_not_testable_and_named(absent: str) -> None:
    present = {"uniform": "zipf-1.5", "zipf": "uniform"}[absent]
    claims = judged({"zipf": {0: LATE, 3: EARLY}, "uniform": {0: EARLY, 3: LATE}}, distribution=[present])
    verdicts = {claim.verdict for claim_id, claim in claims.items() if claim_id.startswith(f"A6.{absent}")}
    assert verdicts == {"not testable"}
    assert all(absent in claim.reason for claim in claims.values() if claim.verdict == "not testable")
