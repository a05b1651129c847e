"""The map of schedules on planted ends."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from dual_process.figures import dual_process_map
from tests.builders import grid, probe_dataset, rising
from tests.mechanism_data import keeps_promises

ENDS = {
    "vanilla": (0.6, 0.1),
    "active-50": (0.98, 0.9),
    "temporary-50-400": (0.95, 0.3),
    "temporary-50-800": (0.95, 0.8),
    "temporary-100-400": (0.86, 0.53),
}
"""Unseen and head-switch accuracy at the end; one schedule of period 100 is missing."""


def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    unseen, switch = ENDS[row["schedule"]]
    return rising(x, end=(switch if evaluation == "switch" else unseen) - 0.04 * row["seed"])


def make(**names: list) -> Any:
    return probe_dataset(grid(**{"schedule": list(ENDS), "seed": [0]} | names), steps=[0, 500, 950, 1000], score=score)


@pytest.mark.parametrize(("protocols", "seeds"), [(["corrected"], [0]), (["corrected", "reference"], [0, 1])])
def test_promises_of_all_figures(protocols: list[str], seeds: list[int]) -> None:
    keeps_promises(
        dual_process_map,
        make(protocol=protocols, seed=seeds, distribution=["uniform", "zipf-1.5"]),
        again=len(seeds) > 1,
    )


def test_distance_is_that_from_the_corner_and_nought_within() -> None:
    numbers = dual_process_map.numbers(make())
    distance = numbers[numbers["quantity"] == "distance"].set_index("schedule")["value"]
    assert distance["temporary-50-400"] == 0
    assert distance["temporary-50-800"] == pytest.approx(0.3)
    assert distance["temporary-100-400"] == pytest.approx(0.05)
    assert distance["vanilla"] == pytest.approx(0.3)


def test_cells_are_periods_by_ends_with_active_last_and_vanilla_in_the_title() -> None:
    figure = dual_process_map.draw(dual_process_map.numbers(make()))
    unseen = figure.axes[0]
    assert [tick.get_text() for tick in unseen.get_yticklabels()] == ["50", "100"]
    bottom = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert bottom == ["400", "800", "never:\nactive"]
    texts = {(text.get_position()): text.get_text() for text in unseen.texts}
    assert texts == {(0.5, 0.5): "0.95", (1.5, 0.5): "0.95", (2.5, 0.5): "0.98", (0.5, 1.5): "0.86"}
    assert unseen.get_title() == "unseen\nvanilla: .60"


def test_half_the_range_of_the_seeds_stands_in_the_cell() -> None:
    figure = dual_process_map.draw(dual_process_map.numbers(make(seed=[0, 1])))
    assert figure.axes[1].texts[0].get_text() == "0.28\n\N{PLUS-MINUS SIGN}.02"


def test_distributions_without_temporary_schedules_have_no_row() -> None:
    other = make(distribution=["uniform"], schedule=["vanilla", "active-50"])
    figure = dual_process_map.draw(dual_process_map.numbers(xr.concat([make(), other], dim="run")))
    labels = [axes.get_ylabel() for axes in figure.axes if "period k" in axes.get_ylabel()]
    assert len(labels) == 1
    assert "uniform" not in labels[0]


def test_no_temporary_schedule_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="add temporary schedules of several k and N to the grids"):
        dual_process_map.numbers(make(schedule=["vanilla", "active-50"]))
