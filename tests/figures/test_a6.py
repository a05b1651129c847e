"""Figure A6 on planted probes."""

import numpy as np
import pytest

from dual_process.figures import a6
from tests.builders import grid, probe_dataset, rising
from tests.mechanism_data import keeps_promises, panels


def probe(row: dict, x: np.ndarray, layer: int, probed: str) -> np.ndarray:
    is_absent = row["law"] == "uniform" and probed == "tail"
    return np.nan * x if is_absent else 0.5 + rising(x, end=0.1 * layer + 0.15)


def dataset(distributions: list[str], protocols: list[str], **names: list):
    return probe_dataset(
        grid(**{"distribution": distributions, "protocol": protocols, "schedule": ["vanilla"], **names}),
        steps=[1, 10, 100, 1000],
        probe=probe,
    )


def test_columns_are_distributions_and_the_missing_tail_of_uniform_is_said() -> None:
    figure = keeps_promises(a6, dataset(["uniform", "zipf-1.5"], ["corrected"], seed=[0, 1]), again=True)
    titles = [axes.get_title() for axes in figure.axes[:2]]
    assert titles == ["uniform", "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5"]
    silent = [index for index, axes in enumerate(figure.axes) if "not measured" in {t.get_text() for t in axes.texts}]
    assert silent == [2]
    assert figure.axes[2].get_ylabel().startswith("probed: tail")
    assert [axes.get_xlabel() for axes in figure.axes[:4]] == ["training step", "", "", "training step"]


def test_rows_are_protocols_within_what_is_probed() -> None:
    figure = keeps_promises(a6, dataset(["zipf-1.5"], ["corrected", "reference"]))
    labels = [axes.get_ylabel() for axes in figure.axes[:4]]
    assert labels == [
        *("probed: validation\ncorrected\nlayer", "probed: validation\nreference\nlayer"),
        *("probed: tail\ncorrected\nlayer", "probed: tail\nreference\nlayer"),
    ]


def test_many_distributions_go_on_below() -> None:
    names = [f"zipf-{1 + k / 10:g}" for k in range(1, 8)]
    figure = keeps_promises(a6, dataset(names, ["corrected"]))
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert len(titles) == len(set(titles)) == len(names)


def test_schedules_of_a_distribution_stand_side_by_side_and_are_named_if_several() -> None:
    figure = keeps_promises(
        a6, dataset(["zipf-1.2", "zipf-1.5", "zipf-2"], ["corrected"], schedule=["vanilla", "active-200"]), again=True
    )
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert titles == [
        f"Zipf \N{GREEK SMALL LETTER ALPHA} = {alpha}\n{schedule}"
        for alpha in ("1.2", "1.5", "2")
        for schedule in ("vanilla", "active\nevery 200 steps")
    ]
    assert figure.axes[3].get_title() == titles[3]
    assert figure.axes[4].get_title() == ""


def test_a_column_holds_the_runs_of_its_distribution_and_schedule() -> None:
    ends = {("zipf-1.2", "vanilla"): 0.6, ("zipf-1.2", "active-200"): 0.7, ("zipf-1.5", "vanilla"): 0.8}
    rows = grid(distribution=["zipf-1.2", "zipf-1.5"], schedule=["vanilla", "active-200"])
    rows = [row for row in rows if (row["distribution"], row["schedule"]) in ends]
    data = probe_dataset(rows, steps=[1, 1000], probe=lambda row, *_: ends[row["distribution"], row["schedule"]])
    figure = a6.draw(a6.numbers(data))
    drawn = [float(axes.collections[0].get_array().mean()) for axes in figure.axes[:3]]
    assert drawn == pytest.approx([*ends.values()])


def test_only_the_first_setting_is_drawn_and_named() -> None:
    data = dataset(["zipf-1.5"], ["corrected"], model=["small", "large"])
    assert a6.draw(a6.numbers(data)).get_suptitle() == "model large (first of 2 settings)"


def test_no_probe_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="no run has a probe accuracy on val or tail; add such runs"):
        a6.numbers(probe_dataset(grid(schedule=["active-200"])))
