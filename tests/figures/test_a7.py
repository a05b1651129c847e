"""Figure A7 on planted scores and probes."""

import numpy as np
import pytest
import xarray as xr

from dual_process.figures import a7
from tests.builders import grid, probe_dataset, rising
from tests.mechanism_data import keeps_promises, panels

ENDS = {"val": 0.9, "switch": 0.3, "tail": 0.8, "tail_switch": 0.4}


def make(**names: list) -> xr.Dataset:
    names = {"schedule": ["vanilla"], **names}
    parts = [
        probe_dataset(
            grid(task=[task], ambiguity=[ambiguity], **names),
            steps=[1, 10, 100, 1000],
            score=lambda row, x, evaluation, metric: rising(x, end=ENDS.get(evaluation, 0.1) * (1 - row["ambiguity"])),
            probe=lambda row, x, layer, probed: 0.5 + rising(x, end=0.3),
        )
        for task, ambiguity in (("clear", 0.0), ("aaa", 0.1))
    ]
    return xr.concat(parts, dim="run")


def test_columns_are_ambiguities_in_order_then_distributions() -> None:
    figure = a7.draw(a7.numbers(make(distribution=["uniform", "zipf-1.5"], seed=[0, 1])))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    alpha = "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5"
    assert titles == [
        *("ambiguity 0\nuniform", f"ambiguity 0\n{alpha}", "ambiguity 0.1\nuniform", f"ambiguity 0.1\n{alpha}")
    ]


def test_rows_are_head_and_tail_of_each_metric_with_both_evaluations() -> None:
    figure = keeps_promises(a7, make(), again=True)
    ends = [
        {round(float(line.get_ydata()[-1]), 3) for line in axes.lines if len(line.get_xdata()) == 4}
        for axes in figure.axes[:8:2]
    ]
    assert ends == [{0.9, 0.3}, {0.8, 0.4}] * 2
    labels = [axes.get_ylabel() for axes in figure.axes[::2]]
    assert labels == [
        *("head\nexact match", "tail\nexact match", "head\ntwo-way", "tail\ntwo-way"),
        *("probe, head\nlayer", "probe, tail\nlayer"),
        "probe accuracy",
    ]


def test_schedules_are_part_of_the_condition_and_named_if_several() -> None:
    figure = keeps_promises(a7, make(schedule=["active-200", "vanilla"]), again=True)
    alpha = "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5"
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == [
        f"ambiguity {share}\n{alpha}\n{schedule}"
        for share in ("0", "0.1")
        for schedule in ("vanilla", "active\nevery 200 steps")
    ]


def test_numbers_hold_curves_and_probes_of_all_runs() -> None:
    numbers = a7.numbers(make(schedule=["vanilla", "active-200"]))
    assert set(numbers["kind"]) == {"vanilla", "active"}
    numbers = numbers[numbers["kind"] == "active"]
    counts = numbers.groupby(["quantity", "evaluation"]).size().to_dict()
    assert counts == {
        **{("accuracy", name): 2 * 2 * 4 for name in ENDS},
        **{("probe", name): 2 * 3 * 4 for name in ("val", "tail")},
    }


@pytest.mark.slow
def test_many_conditions_go_on_below_and_protocols_have_their_own_heatmaps() -> None:
    data = make(distribution=["zipf-1.1", "zipf-1.2", "zipf-1.5"], protocol=["corrected", "reference"])
    figure = keeps_promises(a7, data)
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert len(titles) == len(set(titles)) == 6
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels.count("probe, tail\nreference\nlayer") == 2


def test_tasks_alike_but_for_their_names_are_told_apart() -> None:
    numbers = a7.numbers(make())
    figure = a7.draw(numbers.assign(ambiguity=0.1))
    assert [axes.get_title().split("\n")[0] for axes in figure.axes[:2]] == [
        "ambiguity 0.1, aaa",
        "ambiguity 0.1, clear",
    ]


def test_no_scores_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="has scores for val, switch"):
        a7.numbers(probe_dataset(grid(schedule=["active-200"]), probe=lambda *_: np.nan))
