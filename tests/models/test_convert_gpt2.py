"""Conversion of the toy GPT-2 to and from transformers' state dicts."""

import pytest
import torch
from transformers import GPT2LMHeadModel

from dual_process.models.convert_gpt2 import from_transformers, to_transformers
from tests.peers_gpt2 import POSITIONS, TARGETS, batches, peers, stack_of


@pytest.mark.parametrize("run", [0, 1])
def test_exported_run_is_loaded_strictly_and_computes_the_same(run: int) -> None:
    models = peers(2, layers=3)
    ours = stack_of(models)
    exported = GPT2LMHeadModel(models[0].config)
    exported.load_state_dict(to_transformers(ours.state_dict(), run), strict=True)
    ids_rbs, _ = batches(2)
    logits = ours.logits(ours(ids_rbs, TARGETS).flatten(1, 2))[run]
    theirs = exported(input_ids=ids_rbs[run]).logits[:, TARGETS[0]]
    torch.testing.assert_close(logits, theirs, rtol=1e-5, atol=1e-5)


def test_round_trip_keeps_every_number() -> None:
    state = stack_of(peers(3)).state_dict()
    back = from_transformers([to_transformers(state, run) for run in range(3)])
    assert back.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor), name


def test_unused_positions_are_dropped_on_request() -> None:
    states = [peer.state_dict() for peer in peers(1)]
    assert from_transformers(states)["position_embedding"].shape == (1, 1, POSITIONS, 16)
    kept = from_transformers(states, num_positions=3)["position_embedding"]
    assert torch.equal(kept[0, 0], states[0]["transformer.wpe.weight"][:3])
