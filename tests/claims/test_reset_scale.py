"""Claims of the protocol's choices on planted ends."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import reset_scale
from dual_process.claims.verdict import Claim
from tests.builders import grid, probe_dataset, rising

ENDS = {
    ("corrected", "vanilla"): (0.80, 0.10),
    ("corrected", "active"): (0.98, 0.90),
    ("bias-kept", "vanilla"): (0.80, 0.10),
    ("bias-kept", "active"): (0.70, 0.88),
    ("reset-1", "vanilla"): (0.80, 0.10),
    ("reset-1", "active"): (0.86, 0.60),
    ("initial-1", "vanilla"): (0.84, 0.44),
}
"""Unseen and head-switch accuracy at the end."""


def judged(
    protocols: list[str], schedules: tuple[str, ...] = ("vanilla", "active-200")
) -> dict[tuple[str, str], Claim]:
    def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
        unseen, switch = ENDS[row["protocol"], row["kind"]]
        return rising(x, end=(switch if evaluation == "switch" else unseen) + 0.01 * row["seed"])

    runs = [
        row
        for row in grid(schedule=schedules, protocol=protocols, seed=[0, 1])
        if (row["protocol"], row["kind"]) in ENDS
    ]
    claims = reset_scale.evaluate(probe_dataset(runs, score=score))
    found = {(claim.id, claim.protocol): claim for claim in claims}
    assert len(found) == len(claims)
    return found


ALL = ["corrected", "bias-kept", "reset-1", "initial-1"]


@pytest.mark.parametrize(
    ("name", "protocol", "value", "verdict"),
    [
        ("reset.active.unseen.stays[zipf-1.5,active-200]", "corrected", 0.985, "holds"),
        ("reset.active.unseen.stays[zipf-1.5,active-200]", "bias-kept", 0.705, "fails"),
        ("reset.active.unseen.above_vanilla[zipf-1.5,active-200]", "corrected", 0.18, "holds"),
        ("reset.active.unseen.above_vanilla[zipf-1.5,active-200]", "bias-kept", -0.1, "fails"),
        ("reset.unseen.as_base[zipf-1.5,active-200]", "bias-kept", 0.28, "fails"),
        ("reset.switch.as_base[zipf-1.5,active-200]", "bias-kept", 0.02, "holds"),
        ("reset.switch.as_base[zipf-1.5,vanilla]", "initial-1", 0.34, "fails"),
        ("reset.large_rows.unseen.without_forgetting[zipf-1.5,active-200]", "initial-1", 0.02, "holds"),
        ("reset.large_rows.switch.without_forgetting[zipf-1.5,active-200]", "initial-1", 0.16, "fails"),
    ],
)
def test_values(name: str, protocol: str, value: float, verdict: str) -> None:
    claim = judged(ALL)[name, protocol]
    assert (claim.value, claim.verdict) == (pytest.approx(value), verdict)


def test_the_base_is_not_compared_with_itself() -> None:
    assert not [key for key in judged(ALL) if "as_base" in key[0] and key[1] == "corrected"]


def test_unseen_negatives_are_the_base_where_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENDS, ("unseen-negatives", "active"), (0.75, 0.9))
    claims = judged([*ALL, "unseen-negatives"])
    assert claims["reset.unseen.as_base[zipf-1.5,active-200]", "bias-kept"].value == pytest.approx(0.05)
    assert claims["reset.unseen.as_base[zipf-1.5,active-200]", "corrected"].value == pytest.approx(0.23)
    assert ("reset.unseen.as_base[zipf-1.5,active-200]", "unseen-negatives") not in claims
    assert "from that of protocol unseen-negatives." in next(
        claim.statement for (name, _), claim in claims.items() if "unseen.as_base" in name
    )


def test_claims_of_large_rows_are_listed_without_them() -> None:
    missing = [claim for (name, _), claim in judged(["corrected"]).items() if "large_rows" in name]
    assert {claim.verdict for claim in missing} == {"not testable"}
    assert {claim.protocol for claim in missing} == {"initial-1"}
