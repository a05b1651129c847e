"""Steps at which layers rise, and the panel that shows them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dual_process.figures import probe_panels
from tests.builders import grid, probe_dataset

STEPS = [1, 10, 100, 1000]
PLANTED = {0: [0.5, 0.55, 0.7, 0.9], 1: [0.5, 0.65, 0.8, 0.9], 2: [0.7, 0.7, 0.72, 0.73]}


def table(seeds: int = 1) -> pd.DataFrame:
    dataset = probe_dataset(
        grid(schedule=["vanilla"], seed=range(seeds)),
        steps=STEPS,
        probe=lambda row, x, layer, probed: PLANTED[layer] if row["seed"] == 0 else PLANTED[(layer + 1) % 3],
    )
    return probe_panels.probe_frame(dataset)


def test_all_runs_on_validation_and_tail_are_kept() -> None:
    dataset = probe_dataset(grid(schedule=["vanilla", "active-200"]), steps=STEPS, probe=lambda *_: 0.5)
    numbers = probe_panels.probe_frame(dataset)
    assert set(numbers["kind"]) == {"vanilla", "active"}
    assert set(numbers["probed"]) == {"val", "tail"}
    assert len(numbers) == 2 * len(STEPS) * 3 * 2


def test_what_was_measured_early_in_a_cycle_is_not_drawn_and_it_is_said() -> None:
    dataset = probe_dataset(
        grid(schedule=["active-100"]), steps=[100, 110, 200], probe=lambda row, x, *_: np.where(x == 110, 0.1, 0.9)
    )
    numbers = probe_panels.probe_frame(dataset)
    mesh = probe_panels.draw_probe(Figure().subplots(), numbers[numbers["probed"] == "val"], limits=(0, 1))
    assert mesh is not None
    np.testing.assert_allclose(mesh.get_array(), np.full((3, 2), 0.9), rtol=1e-6)
    assert probe_panels.seeds_text(numbers) == "cells: one seed, late in a reset cycle"


def test_steps_of_rise_are_first_above_threshold_and_at_half_of_the_rise() -> None:
    numbers = table()
    steps = probe_panels.steps_of_rise(numbers[numbers["probed"] == "val"]).droplevel("run")
    assert steps["above"].to_dict() == {0: 100, 1: 10, 2: 1}
    np.testing.assert_array_equal(steps["half"], [100, 100, np.nan])


def test_marks_are_means_over_seeds_with_their_range() -> None:
    numbers = table(2)
    axes = Figure().subplots()
    probe_panels.draw_probe(axes, numbers[numbers["probed"] == "val"], limits=(0.5, 1))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2", "1", "0"]
    circles = {round(line.get_ydata()[0], 2): line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"}
    assert circles == pytest.approx({2.68: (100 + 10) / 2, 1.68: (10 + 1) / 2, 0.68: (1 + 100) / 2})
    bars = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert {(10, 100), (1, 10), (1, 100)} <= set(bars)
    assert "bar: smallest to largest seed" in probe_panels.mark_handles(numbers)[0].get_label()
    assert probe_panels.seeds_text(numbers) == "cells: mean over 2 seeds"


def test_colours_are_means_over_seeds() -> None:
    numbers = table(2)
    mesh = probe_panels.draw_probe(Figure().subplots(), numbers[numbers["probed"] == "val"], limits=(0.5, 1))
    assert mesh is not None
    np.testing.assert_allclose(
        mesh.get_array(), np.mean([[PLANTED[k] for k in (2, 1, 0)], [PLANTED[k] for k in (0, 2, 1)]], axis=0), rtol=1e-5
    )


def test_an_empty_panel_says_so_and_no_probe_is_a_clear_error() -> None:
    axes = Figure().subplots()
    assert probe_panels.draw_probe(axes, table()[:0], limits=(0, 1)) is None
    assert [text.get_text() for text in axes.texts] == ["not measured"]
    with pytest.raises(ValueError, match="no run has a probe accuracy on val or tail; add such runs"):
        probe_panels.probe_frame(probe_dataset(grid(schedule=["active-200"])))


@pytest.mark.parametrize(("smallest", "low"), [(0.43, 0.4), (0.71, 0.7), (0.99, 0.95)])
def test_limits_begin_below_the_smallest_value(smallest: float, low: float) -> None:
    assert probe_panels.limits_of(pd.DataFrame({"value": [smallest, 1.0]})) == pytest.approx((low, 1.0))
