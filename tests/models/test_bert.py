"""The stacked toy BERT against transformers' BertForMaskedLM, and its own promises."""

from dataclasses import replace

import pytest
import torch

from dual_process.models.bert import INITIAL_SCALE, BertConfig, StackedBert
from dual_process.models.convert import to_transformers
from tests.peers import POSITIONS, TARGETS, batches, peer_loss, peers, stack_of, stacked_losses

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
SMALL = BertConfig(num_tokens=53, num_positions=7, layers=2, width=16, heads=2, feed_forward=24, num_runs=2)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("num_runs", [1, 3])
def test_hidden_states_and_logits_are_those_of_transformers(num_runs: int, heads: int) -> None:
    models = peers(num_runs, heads=heads)
    ours = stack_of(models)
    ids_rbs, _ = batches(num_runs)
    states = ours.hidden_states(ids_rbs)
    logits = ours.logits(ours(ids_rbs, TARGETS).flatten(1, 2)).unflatten(1, (-1, len(TARGETS)))
    for run, peer in enumerate(models):
        expected = peer(input_ids=ids_rbs[run], output_hidden_states=True)
        assert len(states) == len(expected.hidden_states)
        for state, theirs in zip(states, expected.hidden_states, strict=True):
            torch.testing.assert_close(state[run], theirs, **CLOSE)
        torch.testing.assert_close(logits[run], expected.logits[:, list(TARGETS)], **CLOSE)


@pytest.mark.parametrize("padding", [None, 0])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("num_runs", [1, 3])
def test_loss_and_every_gradient_are_those_of_transformers(num_runs: int, heads: int, padding: int | None) -> None:
    models = peers(num_runs, heads=heads, padding=padding)
    ours = stack_of(models)
    ids_rbs, targets_rbt = batches(num_runs)
    losses = stacked_losses(ours, ids_rbs, targets_rbt)
    losses.sum().backward()
    gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    for run, peer in enumerate(models):
        expected = peer_loss(peer, ids_rbs[run], targets_rbt[run])
        expected.backward()
        torch.testing.assert_close(losses[run], expected, **CLOSE)
        converted = to_transformers(gradients, run)
        for name, parameter in peer.named_parameters():
            theirs = parameter.grad[:POSITIONS] if "position" in name else parameter.grad
            torch.testing.assert_close(converted[name], theirs, **CLOSE, msg=lambda text, name=name: f"{name}: {text}")


def test_positions_may_be_restricted() -> None:
    model = stack_of(peers(2, heads=2))
    ids_rbs, _ = batches(2)
    full = model.hidden_states(ids_rbs)[-1]
    last = model.layers[-1](model.hidden_states(ids_rbs)[-2], TARGETS)
    torch.testing.assert_close(last, full[:, :, list(TARGETS)], **CLOSE)
    everywhere = model(ids_rbs, range(POSITIONS))
    torch.testing.assert_close(model(ids_rbs, TARGETS), everywhere[:, :, list(TARGETS)], **CLOSE)


def test_runs_do_not_feel_each_other() -> None:
    model = stack_of(peers(3))
    ids_rbs, targets_rbt = batches(3)
    stacked_losses(model, ids_rbs, targets_rbt)[1].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad[1].any(), name
        assert not parameter.grad[[0, 2]].any(), name


def test_initial_weights_have_the_scale_of_bert() -> None:
    model = StackedBert(replace(SMALL, num_tokens=2000, width=64))
    model.initialise(generators(0, 1))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert float(parameter.detach().std()) == pytest.approx(INITIAL_SCALE, rel=0.15), name
            assert not torch.equal(parameter[0], parameter[1]), name
    assert float(model.word_embedding.weight.detach().std()) == pytest.approx(INITIAL_SCALE, rel=0.01)


def test_initial_weights_of_a_run_do_not_depend_on_the_stack() -> None:
    stack, alone = StackedBert(SMALL), StackedBert(replace(SMALL, num_runs=1))
    stack.initialise(generators(7, 8))
    alone.initialise(generators(8))
    for (name, parameter), single in zip(stack.named_parameters(), alone.parameters(), strict=True):
        assert torch.equal(parameter[1:], single), name


def test_padding_row_starts_at_zero() -> None:
    model = StackedBert(replace(SMALL, padding=3))
    model.initialise(generators(0, 1))
    zero = (model.word_embedding.weight == 0).all(-1)
    assert zero.nonzero().tolist() == [[0, 3], [1, 3]]


def test_dropout_acts_in_training_alone() -> None:
    model = StackedBert(replace(SMALL, dropout=0.5))
    model.initialise(generators(0, 1))
    ids_rbs, _ = batches(2)
    assert not torch.equal(model(ids_rbs, TARGETS), model(ids_rbs, TARGETS))
    model.eval()
    assert torch.equal(model(ids_rbs, TARGETS), model(ids_rbs, TARGETS))
