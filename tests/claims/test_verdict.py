"""Ends, pairs and verdicts."""

import numpy as np
import pandas as pd
import pytest

from dual_process.claims.verdict import Statement, cells, combine, end, judge
from tests.builders import grid, probe_dataset

STATEMENT = Statement("F0.name", "Words.", ">=", 0.5)


def only_cell(**names: list):
    return next(cells(probe_dataset(grid(**names), score=lambda row, *_: row["seed"] / 10), "fig0"))


def test_end_is_the_mean_over_the_last_tenth_of_the_steps() -> None:
    curve = pd.Series([9.0, 9.0, 1.0, 2.0, 6.0], index=[0, 899, 900, 950, 1000])
    assert end(curve) == 3


def test_a_run_that_stopped_earlier_has_its_own_end() -> None:
    dataset = probe_dataset(grid(seed=[0, 1]), steps=[0, 50, 100, 1000], score=lambda row, x, *_: x / 100)
    dataset["score"][0, 3] = np.nan
    ends = next(cells(dataset, "fig0")).ends("score", "vanilla", evaluation="val", metric="two_way")
    assert ends == {0: 1, 1: 10}


def test_only_seeds_that_all_parts_have_are_paired() -> None:
    assert combine({0: 1.0, 1: 2.0, 2: 3.0}, {2: 5.0, 0: 4.0}) == [(1, 4), (3, 5)]


@pytest.mark.parametrize(
    ("values", "verdict", "numbers"),
    [
        ([0.4, 0.7], "holds", (0.55, 0.4, 0.7)),
        ([0.4, 0.5], "fails", (0.45, 0.4, 0.5)),
        ([0.4, np.nan], "fails", (0.4, 0.4, 0.4)),
        ([np.nan], "not testable", (None, None, None)),
        ([], "not testable", (None, None, None)),
        ([float(np.float32(0.5)) - 1e-8], "holds", (0.5, 0.5, 0.5)),
    ],
)
def test_verdict_goes_by_the_mean_over_seeds(values: list[float], verdict: str, numbers: tuple) -> None:
    claim = judge(only_cell(seed=[0]), STATEMENT, values, conditions="vanilla")
    assert claim.verdict == verdict
    assert (claim.value, claim.low, claim.high) == pytest.approx(numbers)
    assert claim.id == "F0.name[zipf-1.5]"
    assert claim.conditions == "zipf-1.5; vanilla"


@pytest.mark.parametrize(
    ("comparison", "at_threshold"), [(">=", "holds"), ("<=", "holds"), (">", "fails"), ("<", "fails")]
)
def test_comparisons_at_the_threshold(comparison: str, at_threshold: str) -> None:
    statement = Statement("F0.name", "Words.", comparison, 0.5)
    assert judge(only_cell(seed=[0]), statement, [0.5], conditions="").verdict == at_threshold


def test_cells_do_not_mix_protocols_tasks_models_or_distributions() -> None:
    dataset = probe_dataset(
        grid(distribution=["uniform", "two-level"], protocol=["a", "b"], task=["pos", "big"], seed=[0, 1])
    )
    found = list(cells(dataset, "fig0"))
    assert [(cell.protocol, cell.label) for cell in found] == [
        (protocol, f"{distribution},{task}")
        for protocol in "ab"
        for task in ("big", "pos")
        for distribution in ("two-level", "uniform")
    ]
    assert {cell.dataset.sizes["run"] for cell in found} == {2}


def test_unknown_labels_and_unmeasured_runs_give_no_values() -> None:
    cell = only_cell(seed=[0, 1])
    assert cell.ends("score", "vanilla", evaluation="never-made", metric="two_way") == {}
    assert cell.ends("score", "active-200", evaluation="val", metric="two_way") == {}
    assert cell.ends("score", "vanilla", evaluation="val", metric="two_way") == pytest.approx({0: 0, 1: 0.1})
