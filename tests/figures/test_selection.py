"""What is shown where not all can be, and means over tokens by role."""

import numpy as np
import pandas as pd

from dual_process.figures import selection
from dual_process.store import join_runs
from tests.builders import grid, probe_dataset
from tests.mechanism_data import with_geometry


def store(num_tokens: int = 60, **names: list):
    dataset = probe_dataset(grid(**names), steps=[0, 50, 1000], num_tokens=num_tokens)
    return with_geometry(
        dataset, centroid=lambda *_: 0.5, norm=lambda row, role: {"noun": 1, "adjective": 2}.get(role, 5) + row["seed"]
    )


def test_first_setting_is_by_name_and_says_what_is_left_out() -> None:
    dataset = store(task=["pos", "large"], training=["standard", "short"], seed=[0, 1])
    chosen, title = selection.first_setting(dataset)
    assert set(zip(chosen["task"].values, chosen["training"].values, strict=True)) == {("large", "short")}
    assert chosen.sizes["run"] == 2
    assert title == "task large, training short (first of 4 settings)"
    assert selection.first_setting(chosen)[1] == ""


def test_tokens_and_roles_are_those_of_the_first_task() -> None:
    parts = [store(num_tokens=90, task=["pos"]), store(num_tokens=60, task=["large"])]
    joined = join_runs(parts, [name for part in parts for name in part["run"].values])
    assert joined["role"].dims != ("token",)
    chosen, _ = selection.first_setting(joined)
    pd.testing.assert_series_equal(selection.roles(chosen), selection.roles(parts[1]))
    assert selection.roles(chosen).value_counts().to_dict() == {
        **{"noun": 20, "adjective": 20, "unseen": 18},
        **{"copula": 1, "mask": 1},
    }


def test_means_are_over_the_tokens_of_a_role() -> None:
    dataset = store(seed=[0, 3])
    means = selection.mean_by_role(dataset["embedding_norm"], dataset, ["unseen", "adjective"])
    np.testing.assert_allclose(means.sel(subject="adjective"), [[2, 2], [5, 5]])
    np.testing.assert_allclose(means.sel(subject="unseen"), [[5, 5], [8, 8]])


def test_analysis_steps_get_the_phase_of_their_checkpoint() -> None:
    dataset = store(schedule=["active-300"])
    named = selection.at_analysis_steps(dataset["embedding_norm"], dataset)
    np.testing.assert_array_equal(named["step"], dataset["analysis_step"])
    np.testing.assert_array_equal(named["steps_since_reset"], [[np.nan, 100]])
