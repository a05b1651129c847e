"""Figure 5 on planted values."""

import numpy as np
import pytest

from dual_process.figures import fig5
from tests.builders import grid, probe_dataset
from tests.mechanism_data import keeps_promises, words


def embedding(row: dict, roles: np.ndarray) -> np.ndarray:
    return np.stack([np.arange(len(roles)) + row["seed"], -np.arange(len(roles))], axis=-1)


NAMES = ["uniform", "zipf-1.5", "zipf-1.2"]
DATASET = probe_dataset(
    grid(distribution=NAMES, schedule=["vanilla", "active-200"], seed=[3, 4]),
    steps=[0, 500, 1000],
    probe=lambda row, x, layer, probed: [0.5, 0.9, 0.7][layer],
    separability=lambda row, x, contrast: 0.8,
    embedding=embedding,
)


def test_rows_are_distributions_above_and_distributions_by_schedules_below() -> None:
    numbers = fig5.numbers(DATASET)
    assert set(numbers["distribution"]) == set(NAMES)
    figure = fig5.draw(numbers)
    assert figure.get_suptitle() == ""
    above, below = (np.array(part.axes) for part in figure.subfigs)
    alpha = "Zipf \N{GREEK SMALL LETTER ALPHA} ="
    assert [axes.get_ylabel() for axes in above[::6]] == [
        f"{name}\naccuracy" for name in ("uniform", f"{alpha} 1.2", f"{alpha} 1.5")
    ]
    assert [axes.get_title() for axes in above[:6]] == list(fig5.TITLES.values())
    assert [axes.get_ylabel() for axes in below[::2]] == ["uniform", f"{alpha} 1.2", f"{alpha} 1.5"]
    assert [axes.get_title() for axes in below[:4]] == ["vanilla", "active\nevery 200 steps", "", ""]


def test_a_panel_holds_the_runs_of_its_distribution() -> None:
    ends = {"uniform": 0.6, "zipf-1.2": 0.7, "zipf-1.5": 0.9}
    dataset = DATASET.copy()
    planted = [ends[name] for name in dataset["distribution"].values]
    dataset["separability"] = dataset["separability"] * 0 + np.reshape(planted, (-1, 1, 1))
    axes = fig5.draw(fig5.numbers(dataset)).subfigs[0].axes
    drawn = [{round(float(line.get_ydata()[-1]), 6) for line in panel.lines[:2]} for panel in axes[4::6]]
    assert drawn == [{end} for end in ends.values()]


def test_only_the_first_setting_is_shown_and_named() -> None:
    dataset = probe_dataset(grid(model=["small", "large"]), steps=[0, 1000], separability=lambda *_: 0.8)
    assert fig5.draw(fig5.numbers(dataset)).get_suptitle() == "model large (first of 2 settings)"


def test_best_layer_is_the_largest_of_each_run_and_step() -> None:
    numbers = fig5.numbers(DATASET)
    best = numbers[numbers["quantity"] == "best layer probe"]
    assert set(best["layer"]) == {1}
    np.testing.assert_allclose(best["value"], 0.9, rtol=1e-6)
    assert len(best) == 3 * 4 * 3 * 2
    np.testing.assert_allclose(numbers.loc[numbers["quantity"] == "layer 0 probe", "value"], 0.5)


def test_scatter_is_the_first_seed_at_the_last_step_with_roles() -> None:
    numbers = fig5.numbers(DATASET)
    rows = numbers[numbers["quantity"] == "embedding"]
    assert set(rows["seed"]) == {3}
    assert set(rows["step"]) == {1000}
    assert set(rows["role"]) == {"noun", "adjective", "unseen"}
    np.testing.assert_allclose(rows["component_1"], rows["token"] + 3)
    np.testing.assert_allclose(rows["component_2"], -rows["token"])
    labels = [axes.get_xlabel() for axes in fig5.draw(numbers).axes]
    assert labels.count("30.0%, 10.0%") == 3 * 2


@pytest.mark.parametrize("name", ["embedding_coordinates", "separability"])
def test_a_part_that_was_not_measured_is_left_out(name: str) -> None:
    dataset = DATASET.assign({name: DATASET[name] * np.nan})
    numbers = fig5.numbers(dataset)
    assert {"embedding_coordinates": "embedding"}.get(name, name) not in set(numbers["quantity"])
    assert ("not measured" in words(keeps_promises(fig5, dataset))) == (name == "separability")


def test_nothing_at_all_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="no run has probes, separability or coordinates"):
        fig5.numbers(probe_dataset(grid(schedule=["vanilla"])))
