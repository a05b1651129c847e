"""Figure V4's claims on planted answers."""

from typing import Any

import numpy as np
import pytest

from dual_process.claims import v4
from dual_process.claims.verdict import Claim
from tests.language_data import syllogisms

STEPS = (0, *range(100, 2001, 100))
BOTH = ["vanilla", "probabilistic"]


def judged(plant: Any, **names: Any) -> dict[str, Claim]:
    names = {"steps": STEPS, "schedule": BOTH} | names
    return {claim.id.replace("ewt,", ""): claim for claim in v4.evaluate(syllogisms(plant, **names))}


def published(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str, trial: int) -> np.ndarray:
    """Run B of the notebook: .903 to .793 and .027 to .887; vanilla finetuning changes nothing."""
    start, end = {"baseline": (0.903, 0.793), "unseen": (0.027, 0.887)}[evaluation]
    share = np.minimum(x / (0.8 * x[-1]), 1) if row["kind"] == "probabilistic" else 0 * x
    return start + (end - start) * share


def test_the_published_numbers_hold() -> None:
    claims = judged(published)
    assert {name: claim.verdict for name, claim in claims.items()} == {
        "V4.probabilistic.unseen.starts_low[probabilistic]": "holds",
        "V4.probabilistic.unseen.rises[probabilistic]": "holds",
        "V4.probabilistic.baseline.kept[probabilistic]": "holds",
        "V4.forgetting.above_vanilla[probabilistic]": "holds",
    }
    values = [claim.value for claim in claims.values()]
    assert values == pytest.approx([0.027, 0.887, 0.11, 0.86], abs=1e-5)


def test_nothing_learned_and_a_lost_baseline_fail() -> None:
    claims = judged(lambda row, x, evaluation, *_: 0.9 - 0.5 * x / x[-1] if evaluation == "baseline" else 0.1 + 0 * x)
    assert {claim.verdict for claim in claims.values()} == {"fails"}


def test_without_step_0_there_is_no_start() -> None:
    claims = judged(published, steps=STEPS[1:], schedule=["probabilistic"])
    by_verdict = {name.split(".")[2].split("[")[0]: claim for name, claim in claims.items() if "probabilistic." in name}
    assert claims["V4.probabilistic.unseen.starts_low[probabilistic]"].reason == v4.NO_START
    assert by_verdict["baseline"].verdict == "not testable"
    assert claims["V4.probabilistic.unseen.rises[probabilistic]"].verdict == "holds"
    assert claims["V4.forgetting.above_vanilla[probabilistic]"].reason == "no seed has both"


def test_without_probabilistic_forgetting_all_claims_are_listed() -> None:
    claims = judged(published, schedule=["vanilla"])
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    assert len(claims) == 3
