"""Figure 5 on planted values."""

import numpy as np
import pytest

from dual_process.figures import fig5
from tests.builders import grid, probe_dataset


def embedding(row: dict, roles: np.ndarray) -> np.ndarray:
    return np.stack([np.arange(len(roles)) + row["seed"], -np.arange(len(roles))], axis=-1)


DATASET = probe_dataset(
    grid(distribution=["uniform", "zipf-1.5", "zipf-1.2"], schedule=["vanilla", "active-200"], seed=[3, 4]),
    steps=[0, 500, 1000],
    probe=lambda row, x, layer, probed: [0.5, 0.9, 0.7][layer],
    separability=lambda row, x, contrast: 0.8,
    embedding=embedding,
)


def test_the_zipf_law_nearest_to_one_is_shown_and_named() -> None:
    numbers = fig5.numbers(DATASET)
    assert set(numbers["distribution"]) == {"zipf-1.2"}
    title = fig5.draw(numbers).get_suptitle()
    assert title.endswith("= 1.2 (one of 3 distributions), task pos, model bert")


def test_best_layer_is_the_largest_of_each_run_and_step() -> None:
    numbers = fig5.numbers(DATASET)
    best = numbers[numbers["quantity"] == "best layer probe"]
    assert set(best["layer"]) == {1}
    np.testing.assert_allclose(best["value"], 0.9, rtol=1e-6)
    assert len(best) == 4 * 3 * 2
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
    assert labels.count("component 1 (30.0%)") == 2


@pytest.mark.parametrize("name", ["embedding_coordinates", "separability"])
def test_a_part_that_was_not_measured_is_left_out(name: str) -> None:
    numbers = fig5.numbers(DATASET.assign({name: DATASET[name] * np.nan}))
    assert {"embedding_coordinates": "embedding"}.get(name, name) not in set(numbers["quantity"])
    fig5.draw(numbers).draw_without_rendering()
