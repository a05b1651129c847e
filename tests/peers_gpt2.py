"""Other people's implementation of the toy GPT-2, for comparison with ours."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import GPT2Config as PeerConfig
from transformers import GPT2LMHeadModel

from dual_process.models.convert_gpt2 import from_transformers
from dual_process.models.gpt2 import Gpt2Config, StackedGpt2

TOKENS, POSITIONS, TARGETS = 53, 9, (8,)
SMALL = Gpt2Config(num_tokens=TOKENS, num_positions=POSITIONS, layers=2, width=16, heads=2, feed_forward=24, num_runs=2)


def peers(num_runs: int, *, heads: int = 2, layers: int = 2) -> list[GPT2LMHeadModel]:
    """Make models without dropout, biases and gains drawn at random so that none is inert."""
    config = PeerConfig(
        vocab_size=TOKENS,
        n_positions=POSITIONS,
        n_embd=16,
        n_layer=layers,
        n_head=heads,
        n_inner=24,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="eager",
    )
    models = []
    for run in range(num_runs):
        torch.manual_seed(run)
        model = GPT2LMHeadModel(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        models.append(model)
    return models


def stack_of(models: Sequence[GPT2LMHeadModel]) -> StackedGpt2:
    """Build our stack with the weights of these models."""
    theirs = models[0].config
    model = StackedGpt2(replace(SMALL, num_runs=len(models), heads=theirs.n_head, layers=theirs.n_layer, dropout=0.0))
    model.load_state_dict(from_transformers([peer.state_dict() for peer in models], num_positions=POSITIONS))
    return model


def batches(num_runs: int, batch: int = 5) -> tuple[Tensor, Tensor]:
    """Draw random ids (R, B, S) and targets (R, B, T)."""
    generator = torch.Generator().manual_seed(0)
    ids_rbs = torch.randint(TOKENS, (num_runs, batch, POSITIONS), generator=generator)
    return ids_rbs, torch.randint(TOKENS, (num_runs, batch, len(TARGETS)), generator=generator)
