"""The dataset store: what the rest of the pipeline reads of a task."""

import numpy as np
import pytest

from dual_process.blocks import PartOfSpeech, Zipf
from dual_process.runs import DatasetPlan
from dual_process.store import list_groups, open_store, write_store
from dual_process.tasks.dataset import make_dataset
from dual_process.tasks.registry import TASKS, layout
from dual_process.tasks.vocabulary import make_vocabulary

TASK = PartOfSpeech(vocabulary=40, evaluation_sequences=50, ambiguity=0.2)
LAW = Zipf(law="zipf", alpha=1.5)
PLAN = DatasetPlan(name="a", task=TASK, distribution=LAW, sampling="corrected", seed=3, training_sequences=200)


@pytest.fixture(scope="module")
def groups():
    return make_dataset(PLAN)


def test_every_token_is_described(groups):
    found = groups["vocabulary"]
    words = make_vocabulary(TASK, LAW, "corrected", 3)
    roles = ["noun"] * 20 + ["adjective"] * 20 + ["copula", "mask"] + ["unseen"] * 4
    assert found["role"].values.tolist() == roles
    assert found["rank"].values.tolist() == [*range(20), *range(20), -1, -1, -1, -1, -1, -1]
    ambiguous = np.flatnonzero(found["ambiguous"]).tolist()
    assert ambiguous == [*words.ambiguous_nouns, *words.ambiguous_adjectives]
    np.testing.assert_array_equal(found["probability"], words.probability())
    assert (found.attrs["num_trained"], found.attrs["copula"]) == (42, 40)


def test_contrasts_say_which_tokens_to_tell_apart(groups):
    sides = groups["vocabulary"]["contrast_side"]
    assert sides.sel(contrast="seen_unseen").values.tolist() == [0] * 40 + [-1] * 2 + [1] * 4
    assert sides.sel(contrast="noun_adjective").values.tolist() == [0] * 20 + [1] * 20 + [-1] * 6


def test_labels_of_a_run_are_those_of_its_task(groups):
    words = make_vocabulary(TASK, LAW, "corrected", 3)
    masses = words.ambiguous_mass()
    assert groups["vocabulary"].attrs["run_labels"] == {
        "ambiguity": 0.2,
        "vocabulary": 40,
        "ambiguous_mass_noun": masses["noun"],
        "ambiguous_mass_adjective": masses["adjective"],
    }


def test_training_sequences_expand_through_the_registry(groups):
    training = groups["training"]
    compact = {str(name): values.values for name, values in training.items()}
    inputs, targets = TASKS[training.attrs["task"]].expand(compact, training.attrs)
    assert inputs.shape == (200, layout(PartOfSpeech()).num_positions)
    assert targets.shape == (200, len(layout(PartOfSpeech()).targets))
    assert (inputs[:, 4:] == 41).all()
    assert ((inputs[:, 0] == 40) | (inputs[:, 1] == 40)).all()
    np.testing.assert_array_equal(targets[:, 0], compact["adjective"])


def test_evaluation_sets_hold_inputs_labels_and_the_choice(groups):
    val = groups["evaluation/val"]
    assert val.sizes == {"sequence": 50, "position": 7, "target": 3, "option": 2}
    assert val["target"].values.tolist() == [4, 5, 6]
    right = val["choice"].sel(option="right")
    np.testing.assert_array_equal(val["label"].sel(target=4), right)
    query = val["input"].isel(position=val.attrs["query_position"])
    np.testing.assert_array_equal(
        query == val["choice"].sel(option="wrong"),
        val["query_role"] | (query == right) & (right == val["choice"].sel(option="wrong")),
    )


def test_the_store_holds_all_of_it(groups, tmp_path):
    write_store(tmp_path / "a.zarr", groups, {})
    assert {f"evaluation/{name}" for name in list_groups(tmp_path / "a.zarr", "evaluation")} == {
        name for name in groups if name.startswith("evaluation/")
    }
    for name, group in groups.items():
        assert open_store(tmp_path / "a.zarr", name).equals(group)
