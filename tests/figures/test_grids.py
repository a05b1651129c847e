"""Ends of training, settings and their labels, and ends as drawn."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dual_process.claims.cell import END_SHARE
from dual_process.claims.verdict import cells
from dual_process.figures import grids, style
from tests.grid_data import grid, planted


def ramp(row: dict, x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    return x / x[-1] / (1 + row["seed"])


def test_ends_are_those_of_the_claims() -> None:
    dataset = planted(grid(distribution=["zipf-1.5"], seed=[0, 1, 2]), ramp)
    dataset["score"][0, -4:] = np.nan  # a run that stopped earlier has its own end
    frame = grids.end_frame(dataset, ["unseen"])
    ours = frame[frame["metric"] == "two_way"].set_index("seed")["accuracy"].to_dict()
    theirs = next(cells(dataset, "a9")).ends("score", "vanilla", evaluation="unseen", metric="two_way")
    assert grids.END_SHARE == END_SHARE
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert ours[0] == pytest.approx(np.mean([0.75, 0.8]))


def test_what_was_never_measured_has_no_end() -> None:
    dataset = planted(grid(distribution=["uniform", "zipf-1.5"]), ramp)
    frame = grids.end_frame(dataset, ["unseen", "tail_switch"])
    measured = set(zip(frame["distribution"], frame["evaluation"], strict=True))
    assert measured == {("uniform", "unseen"), ("zipf-1.5", "unseen"), ("zipf-1.5", "tail_switch")}
    with pytest.raises(ValueError, match="no run has scores for never-made; add runs of a task"):
        grids.end_frame(dataset, ["never-made"])


def test_settings_are_labelled_by_what_tells_them_apart() -> None:
    rows = grid(vocabulary=[10000, 100], ambiguity=[0.1], schedule=["vanilla"]) + grid(
        vocabulary=[100], ambiguity=[0.0], schedule=["vanilla"]
    )
    epsilon = "ambiguity \N{GREEK SMALL LETTER EPSILON}"
    labels = [label for label, _ in grids.settings(pd.DataFrame(rows))]
    assert labels == [f"v = 100\n{epsilon} = 0", f"v = 100\n{epsilon} = 0.1", f"v = 10,000\n{epsilon} = 0.1"]
    assert grids.shared_words(pd.DataFrame(rows)) == "vanilla, model bert"
    same_size = grid(task=["a", "b"], schedule=["drift-0.1"], vocabulary=[100])
    assert [label for label, _ in grids.settings(pd.DataFrame(same_size))] == ["v = 100\ntask a", "v = 100\ntask b"]


def test_every_run_is_in_one_setting() -> None:
    numbers = pd.DataFrame(grid(vocabulary=[100, 200], schedule=["vanilla", "active-10"], layers=[2, 4], seed=[0, 1]))
    members = [set(part["run"]) for _, part in grids.settings(numbers)]
    assert len(members) == 8
    assert set.union(*members) == set(numbers["run"])
    assert sum(map(len, members)) == len(numbers)


def test_drifts_are_told_apart_by_their_probability() -> None:
    labels = grids.schedule_labels(pd.DataFrame(grid(schedule=["drift-0", "drift-0.25", "vanilla"])))
    assert labels == {"vanilla": "vanilla", "drift-0": "drift, p = 0", "drift-0.25": "drift, p = 0.25"}


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.951, ".95"), (-0.304, "-.30"), (1.0, "1"), (-0.999, "-1"), (0.001, ".00"), (-0.001, ".00"), (0.5, ".50")],
)
def test_short_numbers(value: float, words: str) -> None:
    assert grids.short(value) == words


def test_points_are_means_and_bars_ranges_over_seeds() -> None:
    values = {0: 0.1, 1: 0.2, 2: 0.9}
    names = {"distribution": ["zipf-1.5", "zipf-1.2"], "schedule": ["vanilla", "active-10"], "seed": [0, 1, 2]}
    frame = grids.end_frame(planted(grid(**names), lambda row, *_: values[row["seed"]]), ["unseen"])
    axes = Figure().subplots()
    grids.draw_ends(
        axes,
        frame[frame["metric"] == "two_way"],
        x="distribution",
        order=["zipf-1.2", "absent", "zipf-1.5"],
        hue="schedule",
        palette=style.schedule_colours(frame),
        dashes=style.protocol_dashes(frame),
    )
    assert [line.get_color() for line in axes.lines] == [style.GREY, style.BLACK]
    for line, bars in zip(axes.lines, axes.collections, strict=True):
        np.testing.assert_allclose(line.get_ydata(), [0.4, 0.4], rtol=1e-6)
        np.testing.assert_allclose(line.get_xdata(), [0, 2], atol=grids.MAX_DODGE)
        for bar in bars.get_segments():
            np.testing.assert_allclose(bar[:, 1], [0.1, 0.9], rtol=1e-6)
    assert grids.ends_text(frame).endswith("mean over 3 seeds; bars: minimum to maximum")
    assert grids.ends_text(frame[frame["seed"] == 0]).endswith("one seed")
