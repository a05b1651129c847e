"""What the runs of a cohort must share, and what they need not."""

import pytest

from dual_process.runs import dataset_plans
from dual_process.store import write_store
from dual_process.tasks.registry import TASKS
from dual_process.tasks.shared import only_one, open_vocabularies, shared_layout, shared_vocabulary
from tests.tiny import tiny_config

RECALL = {"kind": "associative-recall", "items": 20, "unseen": 10, "pairs": 4, "evaluation_sequences": 50}


def config(**tasks):
    grid = {"tasks": list(tasks), "distributions": ["uniform", "zipf-1.5"], "schedules": ["vanilla"], "seeds": [0, 1]}
    return tiny_config(tasks=tasks, grids={"main": grid})


def vocabularies(folder, **tasks):
    """Vocabularies of two distributions and two seeds of each task, from disk."""
    paths = []
    for plan in dataset_plans(config(**tasks)).values():
        paths.append(folder / f"{plan.name}.zarr")
        write_store(paths[-1], TASKS[plan.task.kind].make_dataset(plan), {})
    return open_vocabularies(paths)


@pytest.mark.parametrize("task", [{"vocabulary": 40}, {"vocabulary": 40, "unseen_variants": True}, RECALL])
def test_distributions_and_seeds_share_what_an_id_means(tmp_path, task):
    found = vocabularies(tmp_path, pos=task)
    assert len({str(each.attrs["run_labels"]) + str(each["probability"].values) for each in found}) > 1
    assert shared_vocabulary(found) is found[0]


def test_the_vocabulary_of_a_store_is_read_once(tmp_path):
    path = tmp_path / "a.zarr"
    (plan, *_) = dataset_plans(config(pos={"vocabulary": 40})).values()
    write_store(path, TASKS["part-of-speech"].make_dataset(plan), {})
    first, second = open_vocabularies([path, path])
    assert first is second


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"vocabulary": 38}, r"different vocabularies: num_trained \(42 and 40\)"),
        ({"vocabulary": 40, "unseen": 12}, "different vocabularies: token;"),
        (RECALL, "different vocabularies: num_trained"),
    ],
)
def test_other_meanings_are_refused(tmp_path, other, message):
    with pytest.raises(ValueError, match=f"the runs of a cohort have {message}"):
        shared_vocabulary(vocabularies(tmp_path, pos={"vocabulary": 40}, other=other))


def test_sequences_of_another_shape_are_refused():
    tasks = config(pos={"vocabulary": 40}, ambiguous={"vocabulary": 60, "ambiguity": 0.5}, recall=RECALL).tasks
    assert shared_layout([tasks["pos"], tasks["ambiguous"]]).num_positions == 7
    with pytest.raises(ValueError, match=r"different shapes of sequences \(Layout.*\); train and probe them"):
        shared_layout([tasks["pos"], tasks["recall"]])


def test_only_one_of_many():
    assert only_one("numbers", [3, 3, 3]) == 3
    assert only_one("numbers", [3]) == 3
    with pytest.raises(ValueError, match=r"numbers \(3 and 4\)"):
        only_one("numbers", [3, 3, 4])
