"""Files of checkpoints: what goes in comes out, exactly."""

import json

import pytest
import torch

from dual_process.checkpoints import (
    INDEX,
    RESUME,
    checkpoint_path,
    read_checkpoint,
    read_index,
    resumable_step,
    write_index,
    write_tensors,
)


def test_tensors_come_back_bit_for_bit(tmp_path):
    matrix = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    state = {"weight": matrix.T, "count": torch.tensor(7), "loss": matrix[0].clone().requires_grad_()}
    write_tensors(checkpoint_path(tmp_path, 12), state, step=12)
    found = read_checkpoint(tmp_path, 12)
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_files_sort_by_step(tmp_path):
    steps = [1, 9, 10, 500, 62_500, 10_000_000]
    assert sorted(checkpoint_path(tmp_path, step) for step in steps) == [checkpoint_path(tmp_path, s) for s in steps]


def test_a_checkpoint_that_cannot_be_written_keeps_the_older_one(tmp_path):
    path = checkpoint_path(tmp_path, 1)
    write_tensors(path, {"a": torch.ones(2)}, step=1)
    shared = torch.zeros(2)
    with pytest.raises(RuntimeError, match="share memory"):
        write_tensors(path, {"a": shared, "b": shared}, step=1)
    assert torch.equal(read_checkpoint(tmp_path, 1)["a"], torch.ones(2))
    assert list(tmp_path.iterdir()) == [path]


def test_the_resumable_step_is_that_of_the_saved_state(tmp_path):
    assert resumable_step(tmp_path) == 0
    for step in (30, 60):
        write_tensors(tmp_path / RESUME, {"a": torch.zeros(1)}, step=step)
        assert resumable_step(tmp_path) == step


def test_index_round_trip(tmp_path):
    index = {"plan": {"name": "x", "runs": []}, "steps": [1, 5, 10], "working": "x-0123"}
    write_index(tmp_path, index)
    assert read_index(tmp_path) == index == json.loads((tmp_path / INDEX).read_text())
