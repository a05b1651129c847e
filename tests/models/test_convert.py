"""Conversion to and from transformers' state dicts."""

import pytest
import torch
from transformers import BertForMaskedLM

from dual_process.models.convert import from_transformers, to_transformers
from tests.peers import POSITIONS, TARGETS, batches, peers, stack_of


@pytest.mark.parametrize("run", [0, 1])
def test_exported_run_is_loaded_strictly_and_computes_the_same(run: int) -> None:
    models = peers(2, layers=3)
    ours = stack_of(models)
    config = models[0].config
    config.max_position_embeddings = POSITIONS
    exported = BertForMaskedLM(config)
    exported.load_state_dict(to_transformers(ours.state_dict(), run), strict=True)
    ids_rbs, _ = batches(2)
    logits = ours.logits(ours(ids_rbs, TARGETS).flatten(1, 2))[run]
    theirs = exported(input_ids=ids_rbs[run]).logits[:, list(TARGETS)].flatten(0, 1)
    torch.testing.assert_close(logits, theirs, rtol=1e-5, atol=1e-5)


def test_round_trip_keeps_every_number() -> None:
    state = stack_of(peers(3)).state_dict()
    back = from_transformers([to_transformers(state, run) for run in range(3)])
    assert back.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor), name


def test_exported_tensors_share_no_memory_with_the_stack() -> None:
    state = stack_of(peers(1)).state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    for tensor in to_transformers(state, 0).values():
        tensor.zero_()
    for name, tensor in state.items():
        assert torch.equal(before[name], tensor), name


def test_unused_positions_are_dropped_on_request() -> None:
    states = [peer.state_dict() for peer in peers(1)]
    assert from_transformers(states)["position_embedding"].shape == (1, 1, POSITIONS + 2, 16)
    kept = from_transformers(states, num_positions=3)["position_embedding"]
    assert torch.equal(kept[0, 0], states[0]["bert.embeddings.position_embeddings.weight"][:3])
