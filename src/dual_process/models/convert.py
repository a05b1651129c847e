"""Conversion between a stacked toy BERT and ``transformers.BertForMaskedLM``, by state dicts.

The other side's linear weights are the transposes of ours. Its second token type, which single sentences never use,
becomes a row of zeros on the way out and is dropped on the way in; so are positions beyond the longest sequence. Its
pooler and next-sentence head are ignored: masked language modelling has neither.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

EMBEDDINGS = "bert.embeddings."
WORDS = EMBEDDINGS + "word_embeddings.weight"
POSITIONS = EMBEDDINGS + "position_embeddings.weight"
TYPES = EMBEDDINGS + "token_type_embeddings.weight"
DECODER_BIAS = "cls.predictions.bias"
TIED = {DECODER_BIAS: "cls.predictions.decoder.bias", WORDS: "cls.predictions.decoder.weight"}
"""Second names under which the other side lists the same tensors."""

OUTER = {
    "embedding_norm": EMBEDDINGS + "LayerNorm",
    "transform": "cls.predictions.transform.dense",
    "transform_norm": "cls.predictions.transform.LayerNorm",
}
INNER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
"""Our modules and theirs, outside and inside a layer."""


def to_transformers(state: Mapping[str, Tensor], run: int) -> dict[str, Tensor]:
    """Take one run out of a stack.

    Parameters
    ----------
    state
        State dict of a :class:`dual_process.models.bert.StackedBert`.
    run
        Index of the run.

    Returns
    -------
    dict
        State dict of a ``BertForMaskedLM`` with the usual two token types.
    """
    theirs = {
        WORDS: state["word_embedding.weight"][run],
        POSITIONS: state["position_embedding"][run, 0],
        TYPES: torch.nn.functional.pad(state["type_embedding"][run, 0], (0, 0, 0, 1)),
        DECODER_BIAS: state["decoder_bias"][run, 0],
    }
    theirs |= {second: theirs[first] for first, second in TIED.items()}
    for ours, name in _modules(_num_layers(state)).items():
        weight = state[f"{ours}.weight"][run]
        theirs[f"{name}.weight"] = weight[0] if name.endswith("LayerNorm") else weight.T
        theirs[f"{name}.bias"] = state[f"{ours}.bias"][run, 0]
    return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in theirs.items()}


def from_transformers(states: Sequence[Mapping[str, Tensor]], *, num_positions: int | None = None) -> dict[str, Tensor]:
    """Stack models, one run each.

    Parameters
    ----------
    states
        State dicts of ``BertForMaskedLM`` models of one size.
    num_positions
        Position embeddings to keep; all by default.

    Returns
    -------
    dict
        State dict of a :class:`dual_process.models.bert.StackedBert`.
    """

    def stack(name: str) -> Tensor:
        return torch.stack([state[name] for state in states])

    ours = {
        "word_embedding.weight": stack(WORDS),
        "position_embedding": stack(POSITIONS)[:, None, :num_positions].clone(),
        "type_embedding": stack(TYPES)[:, None, :1].clone(),
        "decoder_bias": stack(DECODER_BIAS)[:, None],
    }
    for name, theirs in _modules(_num_layers(states[0])).items():
        weight = stack(f"{theirs}.weight")
        is_norm = theirs.endswith("LayerNorm")
        ours[f"{name}.weight"] = weight[:, None] if is_norm else weight.transpose(1, 2).contiguous()
        ours[f"{name}.bias"] = stack(f"{theirs}.bias")[:, None]
    return ours


def _modules(num_layers: int) -> dict[str, str]:
    """Pair our names of modules with theirs."""
    inner = {
        f"layers.{layer}.{ours}": f"bert.encoder.layer.{layer}.{theirs}"
        for layer in range(num_layers)
        for ours, theirs in INNER.items()
    }
    return OUTER | inner


def _num_layers(state: Mapping[str, Tensor]) -> int:
    """Count layers in the state dict of either side."""
    return sum(name.endswith(("attention_norm.bias", "attention.output.LayerNorm.bias")) for name in state)
