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
    assert claim.values == pytest.approx([value for value in values if np.isfinite(value)])
    assert (claim.interval_low, claim.interval_high) == (None, None)


def test_what_cannot_be_tested_says_which_runs_are_missing() -> None:
    claim = judge(only_cell(seed=[0]), STATEMENT, [], conditions="active-200, two_way")
    assert claim.conditions == "zipf-1.5; active-200, two_way"
    assert claim.reason == "no run has this; the grids of fig0 need runs of zipf-1.5 as under conditions"
    assert judge(only_cell(seed=[0]), STATEMENT, [], conditions="", note="needs more").reason == "needs more"


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


def test_training_variants_are_cells_of_their_own() -> None:
    dataset = probe_dataset(grid(training=["short", "standard"], seed=[0, 1]))
    assert [cell.label for cell in cells(dataset, "fig0")] == ["zipf-1.5,short", "zipf-1.5,standard"]


def test_schedules_come_in_order_of_end_and_period_once_each() -> None:
    names = ["temporary-50-800", "temporary-200-400", "temporary-50-400", "vanilla", "active-50"]
    found = only_cell(schedule=names, seed=[0, 1]).schedules("temporary")
    assert found["schedule"].tolist() == ["temporary-50-400", "temporary-200-400", "temporary-50-800"]
    assert found["period"].tolist() == [50, 200, 50]
    assert only_cell(schedule=names).names("drift") == ["drift"]


def test_curves_are_what_xarray_selects() -> None:
    dataset = probe_dataset(
        grid(schedule=["vanilla", "active-200"], seed=[0, 1, 2]),
        score=lambda row, x, evaluation, metric: x / 1000 + row["seed"] + len(evaluation) + len(metric) / 7,
    )
    dataset["score"][1, 4:6] = np.nan
    found = next(cells(dataset, "fig0")).curves("score", "vanilla", metric="two_way", evaluation="tail_switch")
    wanted = dataset["score"].sel(metric="two_way", evaluation="tail_switch")
    for seed in range(3):
        measured = wanted.isel(run=seed).dropna("step")
        np.testing.assert_array_equal(found[seed].index, measured["step"])
        np.testing.assert_array_equal(found[seed], measured.astype(float))
    assert [len(curve) for curve in found.values()] == [21, 19, 21]


def test_variables_over_analysis_steps_have_curves_too() -> None:
    dataset = probe_dataset(grid(seed=[0])).assign_coords(analysis_step=[0, 500])
    dataset["effect"] = (("head", "run", "analysis_step"), [[[0.5, 0.25]], [[1.0, 2.0]]])
    dataset = dataset.assign_coords(head=[0, 1])
    curve = next(cells(dataset, "fig0")).curves("effect", "vanilla", head=1)[0]
    assert curve.to_dict() == {0: 1.0, 500: 2.0}


def test_unknown_labels_and_unmeasured_runs_give_no_values() -> None:
    cell = only_cell(seed=[0, 1])
    assert cell.ends("score", "vanilla", evaluation="never-made", metric="two_way") == {}
    assert cell.ends("score", "active-200", evaluation="val", metric="two_way") == {}
    assert cell.ends("never_measured", "vanilla") == {}
    assert cell.ends("score", "vanilla", evaluation="val", metric="two_way") == pytest.approx({0: 0, 1: 0.1})
