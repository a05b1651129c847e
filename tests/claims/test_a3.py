"""Figure A3's claims on planted heatmaps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dual_process.claims import a2, a3
from dual_process.claims.verdict import Claim
from tests.language_data import MAJORITY, push_down, pushed_down

SYNTAX = ("phrase_start", "phrase_end", "dep")
FALLS = [f"A3.vanilla.layer_falls.{name}[ewt]" for name in (*SYNTAX, "depth", "distance")]
DEEP = [f"A3.vanilla.stays_deep.{name}[ewt]" for name in ("depth", "distance")]


def judged(plant: Any, structure: Any = None, **names: Any) -> dict[str, Claim]:
    names = {"labels": tuple(MAJORITY)} | names
    return {claim.id: claim for claim in a3.evaluate(push_down(plant, structure=structure, **names))}


def deep(row: dict[str, Any], x: np.ndarray, measure: str, layer: int) -> np.ndarray:
    """Trees are read from the last layer first and from the middle one too in the end, never below it."""
    depth, late = layer / row["layers"], x > 0.2 * x[-1]
    return np.where(depth == 1, 0.8, np.where((depth >= 0.5) & late, 0.79, 0.4))


def test_syntax_that_moves_down_and_trees_that_stay_deep_hold() -> None:
    claims = judged(pushed_down, deep)
    assert {name: claim.verdict for name, claim in claims.items()} == dict.fromkeys([*FALLS, *DEEP], "holds")
    assert claims[DEEP[0]].value == pytest.approx(0.5)


def test_layers_that_stay_and_trees_that_lie_low_fail() -> None:
    claims = judged(lambda row, x, name, layer: 0.8 - 0.01 * layer + 0 * x)
    assert {claim.verdict for claim in claims.values()} == {"fails"}
    assert {claim.value for claim in claims.values()} == {0}


def test_exactly_5_of_12_is_deep() -> None:
    claims = judged(pushed_down, lambda row, x, name, layer: 0.8 if layer >= 5 else 0.4, layers=12)
    assert [claims[name].verdict for name in DEEP] == ["holds", "holds"]


def test_nearly_best_is_the_first_layer_with_95_percent() -> None:
    table = pd.DataFrame([[0.5, 0.95, 1.0], [0.951, 0.9, 1.0], [0.1, 0.2, 0.8]], index=[1, 2, 3])
    assert a3.nearly_best(table).tolist() == [1, 0, 2]


def test_what_the_corpus_lacks_is_not_testable() -> None:
    claims = judged(pushed_down, labels=("cpos", "dep"))
    assert claims[FALLS[0]].verdict == claims[FALLS[1]].verdict == "not testable"
    assert claims[FALLS[0]].reason == a2.NOT_MEASURED
    assert claims[FALLS[2]].verdict == "holds"
