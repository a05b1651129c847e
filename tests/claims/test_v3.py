"""Figure V3's claims on planted answers."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import v3
from dual_process.claims.verdict import Claim
from tests.builders import fading, rising
from tests.language_data import syllogisms


def judged(plant: Any, **names: Any) -> dict[str, Claim]:
    return {claim.id.replace("[ewt]", ""): claim for claim in v3.evaluate(syllogisms(plant, **names))}


def transient(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str, trial: int) -> np.ndarray:
    """Unseen subjects rise before the known ones; trials differ by .1, and probabilities are small."""
    if metric != "answer_preferred":
        return np.full(len(x), 0.01)
    shift = 0.1 * (trial - 0.5)
    if evaluation == "baseline":
        return shift + np.interp(x / x[-1], [0, 0.5, 0.8, 1], [0.0, 0.6, 0.9, 0.9])
    return shift + (rising(x, end=0.75) if row["kind"] == "active" else fading(x, peak=0.75, end=0.4))


def test_a_peak_above_the_baseline_and_a_low_end_hold() -> None:
    claims = judged(transient)
    assert {name: claim.verdict for name, claim in claims.items()} == dict.fromkeys(
        [
            "V3.vanilla.unseen.peaks_above_baseline",
            "V3.vanilla.unseen.ends_low",
            "V3.vanilla.baseline.learned",
        ],
        "holds",
    )
    assert claims["V3.vanilla.unseen.ends_low"].value == pytest.approx(0.4)
    assert claims["V3.vanilla.unseen.peaks_above_baseline"].reason.endswith("peak at step 316, 316")


def test_unseen_subjects_that_stay_below_and_keep_rising_fail() -> None:
    def plant(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str, trial: int) -> np.ndarray:
        return rising(x, end=0.8 if evaluation == "baseline" else 0.6)

    assert {claim.verdict for claim in judged(plant).values()} == {"fails"}


def test_forgetting_is_compared_with_vanilla() -> None:
    claim = judged(transient, schedule=["vanilla", "active-200"])["V3.forgetting.above_vanilla[ewt,active-200]"]
    assert (claim.verdict, claim.value) == ("holds", pytest.approx(0.35))
