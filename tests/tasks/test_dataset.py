"""The dataset store: what the rest of the pipeline reads of a task."""

import numpy as np
import pytest

from dual_process.blocks import PartOfSpeech, Zipf
from dual_process.runs import DatasetPlan
from dual_process.store import list_groups, open_store, write_store
from dual_process.tasks.dataset import make_dataset
from dual_process.tasks.part_of_speech import PARTS
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


def test_every_position_has_its_part(groups):
    """After the copula stands the right answer, and all positions are told apart as the first target sees them."""
    val = groups["evaluation/val"]
    inputs, part = val["input"].values.astype(int), val["part"].values
    assert part.dtype == np.int8
    names = np.array(val.attrs["parts"])[part]
    rows = np.arange(50)
    after = (inputs == 40).argmax(1) + 1
    assert (names[rows, after] == "after_copula").all()
    np.testing.assert_array_equal(inputs[rows, after], val["choice"].sel(option="right"))
    other = 3 - after - (after - 1)
    assert (names[rows, other] == "other_slot").all()
    np.testing.assert_array_equal(inputs[rows, other], val["choice"].sel(option="wrong"))
    assert (names[inputs == 40] == "copula").all()
    assert (names[:, 3:] == ["query", "self", "other_masks", "other_masks"]).all()
    assert set(np.unique(names)) == set(PARTS)


def test_queries_of_the_training_data_are_counted_by_token(groups):
    training = groups["training"]
    compact = {str(name): values.values for name, values in training.items()}
    inputs, targets = TASKS["part-of-speech"].expand(compact, training.attrs)
    counts = groups["vocabulary"]["training_queries"].values
    np.testing.assert_array_equal(counts, np.bincount(inputs[:, 3], minlength=46))
    np.testing.assert_array_equal(counts, np.bincount(targets[:, 2], minlength=46))  # the last target copies the query
    assert counts.sum() == 200


def test_sets_for_the_end_are_marked():
    task = TASK.model_copy(update={"rank_frequency_sequences": 70})
    groups = make_dataset(PLAN.model_copy(update={"task": task}))
    assert groups["evaluation/uniform_switch"].sizes["sequence"] == 70
    late = {name for name, group in groups.items() if not group.attrs.get("every_checkpoint", True)}
    assert late == {"evaluation/uniform_switch"}


def test_the_store_holds_all_of_it(groups, tmp_path):
    write_store(tmp_path / "a.zarr", groups, {})
    assert {f"evaluation/{name}" for name in list_groups(tmp_path / "a.zarr", "evaluation")} == {
        name for name in groups if name.startswith("evaluation/")
    }
    for name, group in groups.items():
        assert open_store(tmp_path / "a.zarr", name).equals(group)
