"""Stacked attention: patterns against transformers and PyTorch, and silenced heads."""

import pytest
import torch
from torch.nn import functional

from dual_process.models.attention import StackedAttention
from tests.peers import POSITIONS, TARGETS, batches, peers, stack_of

CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def attention(*, causal: bool = False) -> StackedAttention:
    layer = StackedAttention(2, 8, 2, causal=causal)
    torch.manual_seed(0)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


@pytest.mark.parametrize("heads", [1, 2])
def test_patterns_are_those_of_transformers(heads: int) -> None:
    models = peers(2, heads=heads, layers=3)
    ids_rbs, _ = batches(2)
    found = stack_of(models).attention_patterns(ids_rbs, TARGETS)
    assert len(found) == 3
    for run, peer in enumerate(models):
        expected = peer(input_ids=ids_rbs[run], output_attentions=True).attentions
        for pattern, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(pattern[run], theirs[:, :, list(TARGETS)], **CLOSE)


@pytest.mark.parametrize("positions", [None, (3,), (0, 2, 4)])
def test_causal_attention_is_that_of_pytorch(positions: tuple[int, ...] | None) -> None:
    layer = attention(causal=True).double()
    x = torch.randn(2, 3, 5, 8, dtype=torch.double)
    rows = range(5) if positions is None else positions
    found = layer.attend(x, x[:, :, list(rows)], positions).view(2, 3, len(rows), 8)
    pattern = layer.pattern(x, positions)
    for run in range(2):

        def split(linear: torch.nn.Module, run: int = run) -> torch.Tensor:
            return (x[run] @ linear.weight[run] + linear.bias[run]).view(3, 5, 2, 4).transpose(1, 2)

        query, key, value = split(layer.query), split(layer.key), split(layer.value)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        output = layer.attention_output
        wanted = mixed.transpose(1, 2).flatten(2) @ output.weight[run] + output.bias[run]
        torch.testing.assert_close(found[run], wanted[:, list(rows)], **CLOSE)
        torch.testing.assert_close(pattern[run] @ value, mixed[:, :, list(rows)], **CLOSE)
    for index, row in enumerate(rows):
        assert not pattern[..., index, row + 1 :].any()
    torch.testing.assert_close(pattern.sum(-1), torch.ones(2, 3, 2, len(rows)).double())


def test_a_silenced_head_is_one_whose_output_weights_are_zero() -> None:
    models = peers(2, heads=2, layers=2)
    ids_rbs, _ = batches(2)
    stack = stack_of(models)
    whole = stack(ids_rbs, TARGETS)
    for layer in range(2):
        stack.attention_layers()[layer].kept_heads = torch.tensor([1.0, 0.0])
        logits = stack.logits(stack(ids_rbs, TARGETS).flatten(1, 2))
        for run, peer in enumerate(models):
            weight = peer.bert.encoder.layer[layer].attention.output.dense.weight
            kept = weight.detach().clone()
            weight.data[:, 8:] = 0
            expected = peer(input_ids=ids_rbs[run]).logits[:, list(TARGETS)].flatten(0, 1)
            weight.data.copy_(kept)
            torch.testing.assert_close(logits[run], expected, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(stack(ids_rbs, TARGETS), whole)
        stack.attention_layers()[layer].kept_heads = None
    assert torch.equal(stack(ids_rbs, TARGETS), whole)


def test_keeping_all_heads_is_doing_nothing_and_heads_add_up() -> None:
    layer, x = attention(), torch.randn(2, 3, 5, 8)
    whole = layer.attend(x, x)
    parts = []
    for kept in (torch.ones(2), torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.zeros(2)):
        layer.kept_heads = kept
        parts.append(layer.attend(x, x))
    assert torch.equal(parts[0], whole)
    torch.testing.assert_close(parts[1] + parts[2] - parts[3], whole, **CLOSE)
    torch.testing.assert_close(parts[3], layer.attention_output.bias.expand_as(whole))


def test_silencing_is_no_part_of_the_state() -> None:
    stack = stack_of(peers(1))
    names = set(stack.state_dict())
    stack.attention_layers()[0].kept_heads = torch.zeros(1)
    assert set(stack.state_dict()) == names
    assert "layers.0.query.weight" in names
    assert stack.attention_patterns(batches(1)[0], range(POSITIONS))[0].shape == (1, 5, 1, POSITIONS, POSITIONS)
