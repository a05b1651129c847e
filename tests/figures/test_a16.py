"""Figure A16 on planted clouds."""

import numpy as np
import pytest
import xarray as xr

from dual_process.figures import a16, style
from tests.builders import grid, probe_dataset
from tests.mechanism_data import keeps_promises, panels, with_geometry, words

ROLES = 20, 20, 18


def embedding(row: dict, roles: np.ndarray) -> np.ndarray:
    angle = np.arange(len(roles))
    return np.stack([np.cos(angle) + 3 * (roles == "unseen"), np.sin(angle) + row["seed"]], axis=-1)


def make(**names: list) -> xr.Dataset:
    names = {"schedule": ["vanilla", "active-200"], "seed": [3, 4], **names}
    dataset = probe_dataset(grid(**names), steps=[0, 500, 1000], embedding=embedding)
    return with_geometry(
        dataset,
        centroid=lambda row, x, contrast: {"vanilla": 0.98}.get(row["kind"], 0.5) - 0.1 * (row["seed"] == 4),
        norm=lambda *_: 1.0,
    )


def test_clouds_are_of_the_first_seed_and_accuracies_of_all() -> None:
    numbers = a16.numbers(make())
    tokens = numbers[numbers["quantity"] == "token"]
    assert set(tokens["seed"]) == {3}
    assert set(tokens["step"]) == {1000}
    assert tokens.groupby("schedule").size().to_dict() == {"active-200": sum(ROLES), "vanilla": sum(ROLES)}
    unseen = tokens[tokens["role"] == "unseen"]
    np.testing.assert_allclose(unseen["component_1"], np.cos(unseen["token"]) + 3, rtol=1e-4, atol=1e-5)
    accuracies = numbers[numbers["quantity"] == "nearest centroid"]
    assert accuracies.groupby(["schedule", "seed"])["value"].first().round(6).to_dict() == {
        **{("active-200", 3): 0.5, ("active-200", 4): 0.4},
        **{("vanilla", 3): 0.98, ("vanilla", 4): 0.88},
    }


def test_a_panel_each_schedule_with_mean_and_range_over_seeds() -> None:
    figure = keeps_promises(a16, make(), again=True)
    assert [axes.get_title() for axes in panels(figure)] == ["vanilla", "active\nevery 200 steps"]
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == [
        "30.0%, 10.0%\nnearest centroid 0.93 (0.88 to 0.98)",
        "30.0%, 10.0%\nnearest centroid 0.45 (0.40 to 0.50)",
    ]
    colours, counts = np.unique(figure.axes[0].collections[0].get_facecolors()[:, :3], axis=0, return_counts=True)
    assert len(colours) == len(style.ROLE_COLOURS)
    assert sorted(counts) == sorted(ROLES)


def test_rows_are_protocols_within_distributions_and_one_seed_has_no_range() -> None:
    figure = keeps_promises(
        a16, make(protocol=["reference", "corrected"], distribution=["zipf-1.5", "uniform"], seed=[3]), again=True
    )
    alpha = "Zipf \N{GREEK SMALL LETTER ALPHA} = 1.5"
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == [
        *("uniform\ncorrected", "uniform\nreference", f"{alpha}\ncorrected", f"{alpha}\nreference")
    ]
    assert [axes.get_title() for axes in figure.axes] == ["vanilla", "active\nevery 200 steps", *[""] * 6]
    assert figure.axes[0].get_xlabel().endswith("nearest centroid 0.98")


def test_many_schedules_go_on_below() -> None:
    schedules = ["vanilla", *(f"temporary-50-{end}" for end in range(100, 800, 100))]
    figure = keeps_promises(a16, make(schedule=schedules, distribution=["zipf-1.2", "zipf-1.5"], seed=[3]))
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert len(titles) == len(set(titles)) == len(schedules)
    assert len(panels(figure)) == 2 * len(schedules)


def test_a_run_that_was_not_measured_is_left_out() -> None:
    dataset = make(distribution=["zipf-1.5", "zipf-1.0001"])
    blank = dataset["kind"] == "active"
    dataset["embedding_coordinates"] = dataset["embedding_coordinates"].where(~blank)
    figure = a16.draw(a16.numbers(dataset))
    assert [axes.get_title() for axes in panels(figure)] == ["vanilla", ""]
    assert figure.get_suptitle() == ""
    dataset["embedding_coordinates"] = dataset["embedding_coordinates"].where(dataset["distribution"] != "zipf-1.5")
    assert "not measured" not in words(a16.draw(a16.numbers(dataset)))
    dataset["embedding_coordinates"] = dataset["embedding_coordinates"] * np.nan
    with pytest.raises(ValueError, match="no run has the coordinates of its word embedding"):
        a16.numbers(dataset)


def test_a_missing_cell_is_said() -> None:
    dataset = make(distribution=["zipf-1.5", "zipf-1.2"])
    blank = (dataset["kind"] == "active") & (dataset["distribution"] == "zipf-1.5")
    dataset["embedding_coordinates"] = dataset["embedding_coordinates"].where(~blank)
    dataset["centroid_accuracy"] = dataset["centroid_accuracy"].where(dataset["kind"] == "active")
    figure = a16.draw(a16.numbers(dataset))
    assert ["not measured" in {text.get_text() for text in axes.texts} for axes in figure.axes] == [*[False] * 3, True]
    assert figure.axes[0].get_xlabel().endswith("nearest centroid not measured")
