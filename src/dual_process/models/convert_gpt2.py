"""Conversion between a stacked toy GPT-2 and ``transformers.GPT2LMHeadModel``, by state dicts.

The other side keeps query, key and value in one matrix, laid out (inputs, outputs) as ours are. Positions beyond the
longest sequence are dropped on the way in.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

BODY = "transformer."
WORDS = BODY + "wte.weight"
POSITIONS = BODY + "wpe.weight"
DECODER = "lm_head.weight"
"""Second name under which the other side lists the word embedding."""

FUSED = ("query", "key", "value")
"""Our modules that make up their ``attn.c_attn``, in order."""
INNER = {
    "attention_norm": "ln_1",
    "attention_output": "attn.c_proj",
    "feed_forward_norm": "ln_2",
    "intermediate": "mlp.c_fc",
    "output": "mlp.c_proj",
}
"""Our modules and theirs, inside a layer."""


def to_transformers(state: Mapping[str, Tensor], run: int) -> dict[str, Tensor]:
    """Take one run out of a stack.

    Parameters
    ----------
    state
        State dict of a :class:`dual_process.models.gpt2.StackedGpt2`.
    run
        Index of the run.

    Returns
    -------
    dict
        State dict of a ``GPT2LMHeadModel``.
    """
    theirs = {WORDS: state["word_embedding.weight"][run], POSITIONS: state["position_embedding"][run, 0]}
    theirs[DECODER] = theirs[WORDS]
    num_layers = sum(name.endswith("attention_norm.bias") for name in state)
    for ours, name in _modules(num_layers).items():
        weight = state[f"{ours}.weight"][run]
        theirs[f"{name}.weight"] = weight[0] if "ln_" in name else weight
        theirs[f"{name}.bias"] = state[f"{ours}.bias"][run, 0]
    for layer in range(num_layers):
        for kind in ("weight", "bias"):
            parts = [state[f"layers.{layer}.{name}.{kind}"][run] for name in FUSED]
            fused = torch.cat(parts, dim=-1)
            theirs[f"{BODY}h.{layer}.attn.c_attn.{kind}"] = fused if kind == "weight" else fused[0]
    return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in theirs.items()}


def from_transformers(states: Sequence[Mapping[str, Tensor]], *, num_positions: int | None = None) -> dict[str, Tensor]:
    """Stack models, one run each.

    Parameters
    ----------
    states
        State dicts of ``GPT2LMHeadModel`` models of one size.
    num_positions
        Position embeddings to keep; all by default.

    Returns
    -------
    dict
        State dict of a :class:`dual_process.models.gpt2.StackedGpt2`, its decoder bias of zeros included.
    """

    def stack(name: str) -> Tensor:
        return torch.stack([state[name] for state in states])

    words = stack(WORDS)
    ours = {
        "word_embedding.weight": words,
        "position_embedding": stack(POSITIONS)[:, None, :num_positions].clone(),
        "decoder_bias": words.new_zeros(len(words), 1, words.shape[1]),
    }
    num_layers = sum(name.endswith("ln_1.bias") for name in states[0])
    for name, theirs in _modules(num_layers).items():
        weight = stack(f"{theirs}.weight")
        ours[f"{name}.weight"] = weight[:, None] if "ln_" in theirs else weight
        ours[f"{name}.bias"] = stack(f"{theirs}.bias")[:, None]
    for layer in range(num_layers):
        fused = {kind: stack(f"{BODY}h.{layer}.attn.c_attn.{kind}") for kind in ("weight", "bias")}
        for index, weight in enumerate(fused["weight"].chunk(3, dim=-1)):
            ours[f"layers.{layer}.{FUSED[index]}.weight"] = weight.contiguous()
        for index, bias in enumerate(fused["bias"].chunk(3, dim=-1)):
            ours[f"layers.{layer}.{FUSED[index]}.bias"] = bias[:, None].contiguous()
    return ours


def _modules(num_layers: int) -> dict[str, str]:
    """Pair our names of modules with theirs, the fused one left out."""
    inner = {
        f"layers.{layer}.{ours}": f"{BODY}h.{layer}.{theirs}"
        for layer in range(num_layers)
        for ours, theirs in INNER.items()
    }
    return {"final_norm": f"{BODY}ln_f"} | inner
