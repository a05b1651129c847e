"""The stacked toy GPT-2 against transformers' GPT2LMHeadModel, and its own promises."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config as PeerConfig
from transformers import GPT2LMHeadModel

from dual_process.models.convert_gpt2 import to_transformers
from dual_process.models.gpt2 import INITIAL_SCALE, StackedGpt2
from tests.peers_gpt2 import POSITIONS, SMALL, TARGETS, TOKENS, batches, peers, stack_of

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def losses(model: StackedGpt2, ids_rbs: Tensor, targets_rbt: Tensor) -> Tensor:
    return model.losses(model(ids_rbs, TARGETS).flatten(1, 2), targets_rbt.flatten(1))


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("num_runs", [1, 3])
def test_streams_patterns_and_logits_are_those_of_transformers(num_runs: int, heads: int) -> None:
    models = peers(num_runs, heads=heads)
    ours = stack_of(models)
    ids_rbs, _ = batches(num_runs)
    states, everywhere = ours.hidden_states(ids_rbs), range(POSITIONS)
    patterns = ours.attention_patterns(ids_rbs, everywhere)
    logits = ours.logits(ours(ids_rbs, everywhere).flatten(1, 2)).unflatten(1, (-1, POSITIONS))
    for run, peer in enumerate(models):
        expected = peer(input_ids=ids_rbs[run], output_hidden_states=True, output_attentions=True)
        theirs = expected.hidden_states[:-1]  # their last one is normalised
        assert len(theirs) == len(states) - 1 == len(patterns) == len(expected.attentions)
        for state, their_state in zip(states, theirs, strict=False):
            torch.testing.assert_close(state[run], their_state, **CLOSE)
        for pattern, their_pattern in zip(patterns, expected.attentions, strict=True):
            torch.testing.assert_close(pattern[run], their_pattern, **CLOSE)
        torch.testing.assert_close(logits[run], expected.logits, **CLOSE)


@pytest.mark.parametrize("num_runs", [1, 3])
def test_loss_and_every_gradient_are_those_of_transformers(num_runs: int) -> None:
    models = peers(num_runs, layers=3)
    ours = stack_of(models)
    ids_rbs, targets_rbt = batches(num_runs)
    found = losses(ours, ids_rbs, targets_rbt)
    found.sum().backward()
    gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    for run, peer in enumerate(models):
        logits = peer(input_ids=ids_rbs[run]).logits[:, TARGETS[0]]
        expected = torch.nn.functional.cross_entropy(logits, targets_rbt[run, :, 0])
        expected.backward()
        torch.testing.assert_close(found[run], expected, **CLOSE)
        converted = to_transformers(gradients, run)
        for name, parameter in peer.named_parameters():
            torch.testing.assert_close(
                converted[name], parameter.grad, **CLOSE, msg=lambda text, name=name: f"{name}: {text}"
            )


def test_targets_alone_are_computed_as_among_all_positions() -> None:
    model = stack_of(peers(2))
    ids_rbs, _ = batches(2)
    everywhere = model(ids_rbs, range(POSITIONS))
    for targets in ((8,), (2, 5)):
        torch.testing.assert_close(model(ids_rbs, targets), everywhere[:, :, list(targets)], **CLOSE)


def test_later_tokens_change_nothing() -> None:
    model = stack_of(peers(1))
    ids_rbs, _ = batches(1)
    changed = ids_rbs.clone()
    changed[..., 5:] = (changed[..., 5:] + 1) % TOKENS
    before, after = model(ids_rbs, range(POSITIONS)), model(changed, range(POSITIONS))
    assert torch.equal(before[:, :, :5], after[:, :, :5])
    assert not torch.equal(before[:, :, 5:], after[:, :, 5:])


def test_runs_do_not_feel_each_other() -> None:
    model = stack_of(peers(3))
    losses(model, *batches(3))[1].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad[1].any(), name
        assert not parameter.grad[[0, 2]].any(), name


def test_there_is_no_decoder_bias_to_train() -> None:
    model = StackedGpt2(SMALL)
    assert "decoder_bias" not in dict(model.named_parameters())
    assert model.state_dict()["decoder_bias"].shape == (2, 1, TOKENS)
    assert not model.decoder_bias.any()


def test_initial_weights_have_the_scales_of_transformers() -> None:
    sizes = {"width": 64, "feed_forward": 128, "layers": 3}
    model = StackedGpt2(replace(SMALL, num_tokens=2000, num_positions=100, **sizes))
    model.initialise(generators(0, 1))
    torch.manual_seed(0)
    peer = GPT2LMHeadModel(PeerConfig(vocab_size=2000, n_positions=100, n_embd=64, n_layer=3, n_head=2, n_inner=128))
    expected = peer.state_dict()
    assert not torch.equal(model.word_embedding.weight[0], model.word_embedding.weight[1])
    for name, tensor in to_transformers(model.state_dict(), 0).items():
        if name.endswith("bias") or "ln_" in name:
            assert torch.equal(tensor, expected[name]), name
        else:
            assert float(tensor.std()) == pytest.approx(float(expected[name].std()), rel=0.05), name
    assert float(model.word_embedding.weight.detach().std()) == pytest.approx(INITIAL_SCALE, rel=0.01)


def test_a_larger_initial_scale_leaves_the_word_embedding_alone() -> None:
    found = []
    for config in (SMALL, replace(SMALL, initial_scale=0.1)):
        found.append(StackedGpt2(config))
        found[-1].initialise(generators(0, 1))
    small, large = (dict(model.named_parameters()) for model in found)
    assert torch.equal(small["word_embedding.weight"], large["word_embedding.weight"])
    for name in ("position_embedding", "layers.0.query.weight", "layers.1.output.weight"):
        torch.testing.assert_close(large[name], 5 * small[name])


def test_initial_weights_of_a_run_do_not_depend_on_the_stack() -> None:
    stack, alone = StackedGpt2(SMALL), StackedGpt2(replace(SMALL, num_runs=1))
    stack.initialise(generators(7, 8))
    alone.initialise(generators(8))
    for (name, parameter), single in zip(stack.named_parameters(), alone.parameters(), strict=True):
        assert torch.equal(parameter[1:], single), name


def test_dropout_acts_in_training_alone() -> None:
    model = StackedGpt2(replace(SMALL, dropout=0.5))
    model.initialise(generators(0, 1))
    ids_rbs, _ = batches(2)
    assert not torch.equal(model(ids_rbs, TARGETS), model(ids_rbs, TARGETS))
    model.eval()
    assert torch.equal(model(ids_rbs, TARGETS), model(ids_rbs, TARGETS))


def test_a_silenced_head_adds_nothing() -> None:
    model = stack_of(peers(2))
    ids_rbs, _ = batches(2)
    before = model(ids_rbs, TARGETS)
    layer = model.attention_layers()[0]
    layer.kept_heads = torch.tensor([0.0, 1.0])
    silenced = model(ids_rbs, TARGETS)
    layer.kept_heads = None
    with torch.no_grad():
        layer.attention_output.weight[:, :8] = 0  # the rows that read the first head's 8 features
    torch.testing.assert_close(silenced, model(ids_rbs, TARGETS), **CLOSE)
    assert not torch.allclose(silenced, before, atol=1e-3)
