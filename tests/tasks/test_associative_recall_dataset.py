"""The dataset store of associative recall: what the rest of the pipeline reads of it."""

import numpy as np
import pytest
import xarray as xr

from dual_process.blocks import AssociativeRecall, Zipf
from dual_process.runs import DatasetPlan
from dual_process.store import list_groups, open_store, write_store
from dual_process.tasks.associative_recall import expand
from dual_process.tasks.associative_recall_dataset import PARTS, make_dataset

TASK = AssociativeRecall(items=20, unseen=4, evaluation_sequences=50, label_noise=0.2)
LAW = Zipf(law="zipf", alpha=1.2)
PLAN = DatasetPlan(name="a", task=TASK, distribution=LAW, sampling="corrected", seed=3, training_sequences=200)


@pytest.fixture(scope="module")
def groups() -> dict[str, xr.Dataset]:
    return make_dataset(PLAN)


def test_every_token_is_described(groups: dict[str, xr.Dataset]) -> None:
    found = groups["vocabulary"]
    assert found["role"].values.tolist() == ["padding"] + ["item"] * 20 + ["label"] * 20 + ["unseen"] * 4
    assert found["rank"].values.tolist() == [-1, *range(20), *range(20), -1, -1, -1, -1]
    assert found["probability"].values.sum() == pytest.approx(1)
    assert (found.attrs["num_trained"], found.attrs["num_drawn"]) == (41, 41)
    assert found.attrs["run_labels"] == {"vocabulary": 20, "label_noise": 0.2, "counting_accuracy": 0.5}


def test_contrasts_say_which_tokens_to_tell_apart(groups: dict[str, xr.Dataset]) -> None:
    sides = groups["vocabulary"]["contrast_side"]
    assert sides.sel(contrast="seen_unseen").values.tolist() == [-1] + [0] * 20 + [-1] * 20 + [1] * 4
    assert sides.sel(contrast="item_label").values.tolist() == [-1] + [0] * 20 + [1] * 20 + [-1] * 4


def test_training_queries_are_counted(groups: dict[str, xr.Dataset]) -> None:
    queries = groups["training"]["query"].values
    counts = groups["vocabulary"]["training_queries"]
    assert int(counts.sum()) == 200
    assert int(counts[1]) == (queries == 1).sum() > 0


def test_training_sequences_expand(groups: dict[str, xr.Dataset]) -> None:
    training = groups["training"]
    assert training.attrs["task"] == "associative-recall"
    inputs, labels = expand(**{str(name): values.values for name, values in training.items()})
    assert inputs.shape == (200, 17)
    np.testing.assert_array_equal(labels[:, 0], training["label"])


def test_evaluation_sets_hold_inputs_labels_and_the_choice(groups: dict[str, xr.Dataset]) -> None:
    for name in ("val", "weights", "context", "unseen"):
        found = groups[f"evaluation/{name}"]
        assert found.sizes == {"sequence": 50, "position": 17, "target": 1, "option": 2}
        assert found["target"].values.tolist() == [16] == [found.attrs["query_position"]]
        np.testing.assert_array_equal(found["label"].sel(target=16), found["choice"].sel(option="right"))


def test_parts_name_what_stands_at_a_position(groups: dict[str, xr.Dataset]) -> None:
    found = groups["evaluation/unseen"]
    ids, codes = found["input"].values, found["part"].values
    assert found.attrs["parts"] == list(PARTS)
    for row, parts in zip(ids, codes, strict=True):
        names = [PARTS[code] for code in parts]
        assert names[-1] == "query"
        for item, item_part, label_part in zip(row[:-1:2], names[:-1:2], names[1::2], strict=True):
            who = "query" if item == row[-1] else "other"
            assert (item_part, label_part) == (f"{who}_item", f"{who}_label")
    assert "query_label" not in {PARTS[code] for code in groups["evaluation/weights"]["part"].values.ravel()}


def test_the_store_holds_all_of_it(groups: dict[str, xr.Dataset], tmp_path) -> None:
    write_store(tmp_path / "a.zarr", groups, {})
    assert list_groups(tmp_path / "a.zarr", "evaluation") == ["context", "unseen", "val", "weights"]
    for name, group in groups.items():
        assert open_store(tmp_path / "a.zarr", name).equals(group)
