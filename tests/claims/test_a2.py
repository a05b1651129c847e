"""Figure A2's claims on planted heatmaps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from dual_process.claims import a2
from dual_process.claims.bootstrap import with_intervals
from dual_process.claims.verdict import Claim
from dual_process.push_down_statistics import knee_steps, push_down_score, triangle_difference
from tests.language_data import STEPS, push_down, pushed_down

NAMES = ("best_layer_falls", "low_layer_rises", "upper_triangle", "knee_comes_later_below")


def judged(plant: Any, label: str = "cpos", **names: Any) -> dict[str, Claim]:
    claims = a2.evaluate(push_down(plant, **names))
    assert len({claim.id for claim in claims}) == len(claims)
    by_id = {claim.id: claim for claim in claims}
    return {name: by_id[f"A2.vanilla.{name}.{label}[ewt]"] for name in NAMES}


def moved_up(row: dict[str, Any], x: np.ndarray, name: str, layer: int) -> np.ndarray:
    """Layer 0 is there from the start, upper layers come late and end above it."""
    share = np.log10(np.maximum(x, 1)) / np.log10(x[-1])
    return 0.8 + np.where(share > 0.5 + 0.1 * layer, 0.005, -0.02) * layer + 0.001 * row["seed"]


@pytest.mark.parametrize("layers", [4, 12])
def test_information_that_moves_down_holds(layers: int) -> None:
    claims = judged(pushed_down, layers=layers)
    assert {name: claim.verdict for name, claim in claims.items()} == dict.fromkeys(NAMES, "holds")
    assert f"layer {2 if layers == 12 else 1} of {layers}" in claims["low_layer_rises"].conditions


def test_information_that_moves_up_fails() -> None:
    claims = judged(moved_up)
    assert {name: claim.verdict for name, claim in claims.items()} == dict.fromkeys(NAMES, "fails")


def test_a_best_layer_that_never_changes_does_not_fall() -> None:
    claim = judged(lambda row, x, name, layer: 0.5 + 0.01 * layer + x / 5000)["best_layer_falls"]
    assert (claim.verdict, claim.value) == ("fails", 0)


def test_the_course_of_a_layer_is_spearmans_correlation() -> None:
    layers = pd.Series([4, 4, 3, 3, 1, 2], index=[10, 20, 50, 100, 500, 1000])
    wanted = scipy.stats.spearmanr(layers.index, layers).statistic
    assert a2.course(layers.to_frame(), layers) == pytest.approx(wanted)


def test_triangles_and_knees_are_those_of_the_measurement() -> None:
    x = np.array(sorted(STEPS))
    random = np.random.default_rng(0).normal(size=(len(x), 5)).cumsum(axis=0)
    table = pd.DataFrame(random, index=x)
    assert a2.triangles(table) == pytest.approx(triangle_difference(random))
    lag = push_down_score(knee_steps(random, x)) / (x[-1] - x[0])
    assert a2.knee_lag(table) == pytest.approx(lag)


def test_labels_that_the_corpus_lacks_and_too_few_checkpoints_are_not_testable() -> None:
    claims = judged(pushed_down, label="ner")
    assert {claim.verdict for claim in claims.values()} == {"not testable"}
    assert {claim.reason for claim in claims.values()} == {a2.NOT_MEASURED}
    claims = judged(pushed_down, steps=[0, 500, 1000])
    assert claims["best_layer_falls"].verdict == claims["upper_triangle"].verdict == "not testable"


def test_intervals_come_from_the_seeds_alone() -> None:
    claims = with_intervals(a2.evaluate, push_down(pushed_down, seed=[0]), name="push_down", replicates=5)
    assert {claim.interval_low for claim in claims} == {None}
