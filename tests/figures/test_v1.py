"""Figures V1 and V2, which share their panels, on planted values."""

from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dual_process.figures import recall, style, v1, v2
from tests.builders import grid, probe_dataset, rising
from tests.recall_stores import recall_dataset

ZIPF = "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.0001"
SCHEDULES = ["vanilla", "active-100", "temporary-100-1000", "temporary-100-2000"]


def planted(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    return rising(x, end=0.9 - 0.1 * row["seed"] - 0.2 * (metric == "exact_match"))


def store(protocol: tuple[str, ...] = ("corrected",), seeds: int = 2, **names: Any) -> xr.Dataset:
    names = {"distribution": ["uniform", "zipf-1.0001"], "schedule": SCHEDULES} | names
    return recall_dataset(planted, steps=range(0, 1001, 100), protocol=protocol, seed=range(seeds), **names)


def texts(figure: Any) -> set[str]:
    return {text.get_text() for text in figure.legends[0].get_texts()}


def levels(axes: Any) -> set[float]:
    """Heights of the horizontal lines of a panel."""
    return {
        line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1 and len(line.get_ydata()) == 2
    }


def test_v1_has_rows_by_schedule_and_every_distribution() -> None:
    numbers = v1.numbers(store(schedule=["vanilla", "active-100"]))
    assert set(numbers["evaluation"]) == set(recall.EVALUATIONS)
    figure = v1.draw(numbers)
    assert {"uniform", ZIPF} <= texts(figure)
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == [
        f"{name}\n{metric}" for name in ("vanilla", "active, every 100 steps") for metric in ("two-way", "exact match")
    ]


def test_v2_has_rows_by_distribution_and_every_schedule() -> None:
    figure = v2.draw(v2.numbers(store(schedule=[*SCHEDULES, "drift-0.1"])))
    labels = [axes.get_ylabel() for axes in figure.axes[::4]]
    assert labels[0] == "uniform\ntwo-way"
    assert labels[-1] == f"{ZIPF}\nexact match"
    assert len(texts(figure) & {"vanilla", "active, every 100 steps"}) == 2
    assert any("drift" in text for text in texts(figure))


@pytest.mark.parametrize("module", [v1, v2])
def test_counting_is_marked_where_labels_are_unbalanced(module: Any) -> None:
    both = module.draw(module.numbers(store(("corrected", "reference"))))
    assert [0.75 in levels(axes) for axes in both.axes[:4]] == [True, True, False, False]
    assert "most frequent label in the context (reference)" in texts(both)
    corrected = module.draw(module.numbers(store()))
    assert not any(0.75 in levels(axes) for axes in corrected.axes)
    assert not any("most frequent" in text for text in texts(corrected))


def test_bands_go_from_the_smallest_to_the_largest_seed() -> None:
    numbers = v1.numbers(store(distribution=["uniform"]))
    figure = v1.draw(numbers)
    assert figure.legends[0].get_title().get_text() == "lines: mean over 2 seeds; bands: minimum to maximum"
    unseen = figure.axes[0]
    top = unseen.collections[0].get_paths()[0].vertices
    at_end = top[top[:, 0] == 1000, 1]
    assert (at_end.min(), at_end.max()) == pytest.approx((0.8, 0.9))


def render(figure: Any) -> bytes:
    target = BytesIO()
    figure.savefig(target, format="png", dpi=50)
    return target.getvalue()


@pytest.mark.parametrize("module", [v1, v2])
def test_csv_read_again_draws_the_same(module: Any) -> None:
    numbers = module.numbers(store(("corrected", "reference")))
    again = pd.read_csv(StringIO(numbers.to_csv(index=False)))
    with style.paper_style():
        assert render(module.draw(again)) == render(module.draw(numbers))


@pytest.mark.parametrize("module", [v1, v2])
@pytest.mark.parametrize("protocol", [("corrected",), ("corrected", "reference", "another-name-that-is-long")])
def test_text_is_readable_and_nothing_is_clipped(module: Any, protocol: tuple[str, ...]) -> None:
    numbers = module.numbers(store(protocol, seeds=1))
    figure = module.draw(pd.read_csv(StringIO(numbers.to_csv(index=False))))
    with style.paper_style():
        figure.draw_without_rendering()
        tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert width == style.WIDTH
    assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) >= -0.01
    shown = [artist for artist in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")) if artist.get_text()]
    assert min(artist.get_fontsize() for artist in shown) >= 7


@pytest.mark.parametrize("module", [v1, v2])
def test_runs_of_other_tasks_are_left_out(module: Any) -> None:
    part_of_speech = probe_dataset(grid(schedule=["vanilla"]), score=lambda *_: 0.5)
    with pytest.raises(ValueError, match="add a grid whose tasks are of kind associative-recall"):
        module.numbers(part_of_speech)
    part_of_speech = part_of_speech.assign_coords(counting_accuracy=("run", [np.nan]))
    stores = [part[["score", "steps_since_reset"]] for part in (store(), part_of_speech)]
    joined = xr.concat(stores, dim="run", join="outer", data_vars="all", coords="different", compat="equals")
    assert set(module.numbers(joined)["task"]) == {"recall"}
