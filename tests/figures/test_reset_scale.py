"""The dot plot of protocols on planted ends."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from dual_process.figures import reset_scale
from tests.builders import grid, probe_dataset, rising
from tests.mechanism_data import keeps_promises

ENDS = {"unseen": 0.9, "switch": 0.3, "tail_switch": 0.6, "val": 1.0}


def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    drop = 0.1 * (metric == "exact_match") + 0.05 * row["seed"] + 0.2 * (row["protocol"] == "bias-kept")
    return rising(x, end=ENDS.get(evaluation, 0) - drop)


def make(**names: list) -> Any:
    defaults = {"schedule": ["vanilla", "active-200"], "protocol": ["corrected", "bias-kept"], "seed": [0, 1]}
    return probe_dataset(grid(**defaults | names), steps=[0, 500, 950, 1000], score=score)


@pytest.mark.parametrize(
    ("protocols", "seeds"),
    [(["corrected"], [0]), (["corrected", "reference", "reset-scale-empirical", "bias-kept"], [0, 1])],
)
def test_promises_of_all_figures(protocols: list[str], seeds: list[int]) -> None:
    schedules = ["vanilla", "active-200", "temporary-50-400", "drift-0.1"]
    distributions = ["uniform", "zipf-1.0001"]
    keeps_promises(
        reset_scale,
        make(protocol=protocols, seed=seeds, schedule=schedules, distribution=distributions),
        again=len(seeds) > 1,
    )


def test_dots_are_means_and_bars_ranges_of_the_end() -> None:
    figure = reset_scale.draw(reset_scale.numbers(make(schedule=["vanilla"])))
    unseen = figure.axes[0]
    dots = {
        (line.get_marker(), round(float(line.get_xdata()[0]), 3)) for line in unseen.lines if line.get_marker() in "ox"
    }
    assert dots == {("o", 0.875), ("x", 0.775), ("o", 0.675), ("x", 0.575)}
    bars = [path.vertices[:, 0] for lines in unseen.collections for path in lines.get_paths()]
    assert any(np.allclose(bar, [0.85, 0.9]) for bar in bars)


def test_rows_are_the_protocols_that_a_distribution_has() -> None:
    both, one = make(distribution=["zipf-1.5"]), make(distribution=["uniform"], protocol=["corrected"])
    figure = reset_scale.draw(reset_scale.numbers(xr.concat([both, one], dim="run")))
    labels = [[tick.get_text() for tick in figure.axes[index].get_yticklabels()] for index in (0, 4)]
    assert labels == [["corrected"], ["corrected", "bias-kept"]]
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == [
        "uniform",
        "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5",
    ]


def test_nothing_to_show_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="to the grids of this figure"):
        reset_scale.numbers(probe_dataset(grid(seed=[0])))
