"""Other people's implementation of the toy model, for comparison with ours."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import BertConfig as PeerConfig
from transformers import BertForMaskedLM

from dual_process.models.bert import BertConfig, StackedBert
from dual_process.models.convert import from_transformers

TOKENS, POSITIONS, TARGETS = 53, 7, (4, 5, 6)


def peers(num_runs: int, *, heads: int = 1, layers: int = 2, padding: int | None = None) -> list[BertForMaskedLM]:
    """Make `num_runs` models without dropout, biases and gains drawn at random so that none is inert."""
    config = PeerConfig(
        vocab_size=TOKENS,
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=24,
        max_position_embeddings=POSITIONS + 2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=padding,
        attn_implementation="eager",
    )
    models = []
    for run in range(num_runs):
        torch.manual_seed(run)
        model = BertForMaskedLM(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        models.append(model)
    return models


def stack_of(models: Sequence[BertForMaskedLM]) -> StackedBert:
    """Build our stack with the weights of these models."""
    theirs = models[0].config
    config = BertConfig(
        num_tokens=TOKENS,
        num_positions=POSITIONS,
        layers=theirs.num_hidden_layers,
        width=theirs.hidden_size,
        heads=theirs.num_attention_heads,
        feed_forward=theirs.intermediate_size,
        dropout=0.0,
        padding=theirs.pad_token_id,
        num_runs=len(models),
    )
    model = StackedBert(config)
    model.load_state_dict(from_transformers([peer.state_dict() for peer in models], num_positions=POSITIONS))
    return model


def batches(num_runs: int, batch: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw random ids (R, B, S), zero among them, and targets (R, B, T)."""
    generator = torch.Generator().manual_seed(seed)
    ids_rbs = torch.randint(TOKENS, (num_runs, batch, POSITIONS), generator=generator)
    ids_rbs[:, 0, 1] = 0
    return ids_rbs, torch.randint(TOKENS, (num_runs, batch, len(TARGETS)), generator=generator)


def peer_loss(model: BertForMaskedLM, ids_bs: Tensor, targets_bt: Tensor) -> Tensor:
    """Loss of the other implementation, through its own `labels` interface."""
    labels = torch.full_like(ids_bs, -100)
    labels[:, list(TARGETS)] = targets_bt
    loss: Tensor = model(input_ids=ids_bs, labels=labels).loss
    return loss


def stacked_losses(model: StackedBert, ids_rbs: Tensor, targets_rbt: Tensor) -> Tensor:
    """Losses (R,) of our stack."""
    return model.losses(model(ids_rbs, TARGETS).flatten(1, 2), targets_rbt.flatten(1))
