"""Batches are pure functions of the step."""

import numpy as np
import pytest
import torch

from dual_process.store import open_store
from dual_process.tasks.part_of_speech import expand
from dual_process.training import data as data_module
from dual_process.training.data import CohortData, StepIndexedBatches
from tests.tiny import make_cohort

COPULA = 40


def compact(seed: int, size: int = 60) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "template": rng.integers(0, 4, size, dtype=np.uint8),
        "adjective": rng.integers(20, 40, size).astype(np.uint16),
        "noun": rng.integers(0, 20, size).astype(np.uint16),
    }


def batches(runs, *, first_step=0, steps=10):
    attrs = {"task": "part-of-speech", "copula": COPULA}
    return StepIndexedBatches(runs, attrs, batch_size=6, first_step=first_step, steps=steps)


@pytest.mark.parametrize("step", [0, 3, 9])
def test_batch_i_is_rows_i_x_b_on_of_every_run(step):
    runs = [compact(0), compact(1)]
    inputs, targets = batches(runs).batch(step)
    assert inputs.shape == (2, 6, 7)
    assert targets.shape == (2, 6, 3)
    assert inputs.dtype == targets.dtype == torch.int64
    for run, columns in enumerate(runs):
        for row in range(6):
            wanted = expand(**{name: values[step * 6 + row] for name, values in columns.items()}, copula=COPULA)
            np.testing.assert_array_equal(inputs[run, row], wanted[0])
            np.testing.assert_array_equal(targets[run, row], wanted[1])


def test_a_batch_does_not_depend_on_what_came_before():
    whole = list(batches([compact(0)]))
    assert len(whole) == 10
    later = list(batches([compact(0)], first_step=7))
    assert len(later) == 3
    for found, wanted in zip(later, whole[7:], strict=True):
        assert torch.equal(found[0], wanted[0])
        assert torch.equal(found[1], wanted[1])


def test_batches_expanded_together_are_those_expanded_alone(monkeypatch):
    monkeypatch.setattr(data_module, "TOGETHER", 4)
    some = batches([compact(0), compact(1)], first_step=1)
    found = list(some)
    assert len(found) == 9
    for step, batch in enumerate(found, start=1):
        for one, wanted in zip(batch, some.batch(step), strict=True):
            assert torch.equal(one, wanted)
            assert one.is_contiguous()


def test_a_run_sees_the_same_batches_in_any_cohort():
    alone, first = batches([compact(1)]).batch(4), batches([compact(0), compact(1), compact(1)]).batch(4)
    for run in (1, 2):
        assert torch.equal(first[0][run], alone[0][0])
        assert torch.equal(first[1][run], alone[1][0])
    assert not torch.equal(first[0][0], alone[0][0])


def test_runs_that_share_a_data_set_get_what_copies_of_it_would_give_them():
    first, second = compact(0), compact(1)
    shared, apart = batches([first, second, first]), batches([first, second, dict(first)])
    assert (len(shared.compact), len(apart.compact)) == (2, 3)
    for found, wanted in zip(shared.batch(4), apart.batch(4), strict=True):
        assert torch.equal(found, wanted)


def test_the_loader_yields_the_rows_of_the_stores(tmp_path):
    cohort = make_cohort(tmp_path, seeds=(0, 1))
    data = CohortData(cohort.datasets, batch_size=8, first_step=8, steps=10)
    found = list(data.train_dataloader())
    assert len(found) == 2
    for run, path in enumerate(cohort.datasets):
        training = open_store(path, "training")
        assert training.sizes["sequence"] == 80
        columns = {name: training[name].values[64:72] for name in ("template", "adjective", "noun")}
        inputs, targets = expand(**columns, copula=COPULA)
        np.testing.assert_array_equal(found[0][0][run], inputs)
        np.testing.assert_array_equal(found[0][1][run], targets)
