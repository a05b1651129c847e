"""Tables of clouds of embedding rows."""

import numpy as np
import pytest

from dual_process.figures import clouds
from tests.builders import grid, probe_dataset


def embedding(row: dict, roles: np.ndarray) -> np.ndarray:
    return np.stack([np.arange(len(roles)) + row["seed"], -np.arange(len(roles))], axis=-1)


def test_the_first_measured_seed_of_each_distribution_schedule_and_protocol_is_kept() -> None:
    dataset = probe_dataset(
        grid(distribution=["uniform", "zipf-1.5"], protocol=["corrected", "reference"], seed=[5, 4, 3]),
        embedding=embedding,
    )
    blank = (dataset["seed"] == 3) & (dataset["distribution"] == "uniform")
    dataset["embedding_coordinates"] = dataset["embedding_coordinates"].where(~blank)
    frame = clouds.cloud_frame(dataset)
    seeds = frame.groupby(["distribution", "protocol"])["seed"].unique().map(list).to_dict()
    assert seeds == {
        (name, protocol): [seed]
        for name, seed in (("uniform", 4), ("zipf-1.5", 3))
        for protocol in ("corrected", "reference")
    }
    np.testing.assert_allclose(frame["component_1"], frame["token"] + frame["seed"].astype(int))
    assert clouds.cloud_frame(dataset.isel(run=[2])).empty


def test_the_last_measured_analysis_step_is_kept() -> None:
    dataset = probe_dataset(grid(seed=[0]), embedding=embedding)
    dataset["embedding_coordinates"] = dataset["embedding_coordinates"].where(dataset["analysis_step"] == 0)
    assert set(clouds.cloud_frame(dataset)["step"]) == {0}


def test_many_tokens_are_sampled_within_their_role_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = probe_dataset(grid(seed=[0]), embedding=embedding)
    whole = clouds.cloud_frame(dataset)
    assert whole["role"].value_counts().to_dict() == {"noun": 20, "adjective": 20, "unseen": 18}
    assert "at most" not in clouds.CloudGrid(whole).text()
    monkeypatch.setattr(clouds, "MAX_TOKENS", 19)
    sample = clouds.cloud_frame(dataset)
    assert sample["role"].value_counts().to_dict() == {"noun": 19, "adjective": 19, "unseen": 18}
    assert sample["token"].isin(whole["token"]).all()
    assert "at most 19 tokens of a role" in clouds.CloudGrid(sample).text()
