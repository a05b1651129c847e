"""Numbers of curves, and lines and bands as drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from dual_process.figures import curves, style
from tests.builders import grid, probe_dataset


def test_frame_has_one_row_per_measured_cell() -> None:
    dataset = probe_dataset(grid(schedule=["vanilla"], seed=[0, 1]), steps=[0, 10, 20], score=lambda *_: 0.25)
    dataset["score"][0, 2] = np.nan
    frame = curves.score_frame(dataset, kinds=["vanilla"], evaluations=["unseen", "val"])
    assert len(frame) == 2 * 2 * (3 + 2)
    assert set(frame["accuracy"]) == {0.25}
    assert sorted(frame.loc[frame["seed"] == 0, "step"].unique()) == [0, 10]


def test_store_strings_are_read() -> None:
    dataset = probe_dataset(grid(schedule=["vanilla"]), score=lambda *_: 0.25)
    text = np.array(["vanilla"], dtype=np.dtypes.StringDType())
    frame = curves.score_frame(
        dataset.assign_coords(kind=("run", text)), kinds=["vanilla"], evaluations=["unseen", "never-made"]
    )
    assert set(frame["kind"]) == {"vanilla"}
    assert set(frame["evaluation"]) == {"unseen"}


def test_no_run_of_the_kind_is_a_clear_error() -> None:
    dataset = probe_dataset(grid(schedule=["vanilla"]), score=lambda *_: 0.25)
    with pytest.raises(ValueError, match="no run under a schedule of kind active has scores for unseen"):
        curves.score_frame(dataset, kinds=["active"], evaluations=["unseen"])


def test_line_is_the_mean_and_band_the_range_over_seeds() -> None:
    values = {0: 0.1, 1: 0.2, 2: 0.9}
    dataset = probe_dataset(grid(seed=[0, 1, 2]), steps=[0, 10], score=lambda row, *_: values[row["seed"]])
    frame = curves.score_frame(dataset, kinds=["vanilla"], evaluations=["unseen"])
    axes = Figure().subplots()
    palette = style.distribution_colours(frame)
    cell = frame[frame["metric"] == "two_way"]
    curves.draw_curves(axes, cell, hue="distribution", palette=palette, dashes=style.protocol_dashes(frame))
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.4, 0.4], rtol=1e-6)
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([band.min(), band.max()], [0.1, 0.9], rtol=1e-6)
    assert curves.band_text(frame) == "lines: mean over 3 seeds; bands: minimum to maximum"
    assert curves.band_text(frame[frame["seed"] == 0]) == "lines: one seed"


@pytest.mark.parametrize(("period", "num_marks"), [(200, 4), (1, 0), (np.nan, 0), (1000, 0)])
def test_resets_are_marked_before_the_last_step_unless_too_many(period: float, num_marks: int) -> None:
    axes = Figure().subplots()
    assert curves.mark_resets(axes, period=period, until=1000) == bool(num_marks)
    assert sum(len(marks.get_segments()) for marks in axes.collections) == num_marks


def test_only_one_task_and_model_is_shown() -> None:
    dataset = probe_dataset(grid(task=["pos", "large"], seed=[0]), score=lambda *_: 0.25)
    frame = curves.score_frame(dataset, kinds=["vanilla"], evaluations=["unseen"])
    shown, title = curves.first_setting(frame)
    assert set(shown["task"]) == {"large"}
    assert title == "task large (first of 2 settings)"
    assert curves.first_setting(shown)[1] == ""
