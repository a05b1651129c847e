"""The architectures by kind, and the one interface by which training and probing know a model.

A new architecture is a module of its own, a block in ``blocks/models.py`` and an entry here. A stack of models has a
tied ``word_embedding`` of weight (R, V, D) and a ``decoder_bias`` (R, 1, V), a parameter or, where the architecture
has none, a buffer of zeros; its layers' streams, features, logits and losses are those of
:class:`dual_process.models.interface.StackedModel`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from dual_process.blocks import Model, Protocol
from dual_process.models.bert import INITIAL_SCALE, BertConfig, StackedBert
from dual_process.models.gpt2 import Gpt2Config, StackedGpt2
from dual_process.models.interface import StackedModel
from dual_process.streams import integer_seed


def _bert(sizes: dict[str, Any], padding: int | None) -> StackedModel:
    return StackedBert(BertConfig(padding=padding, **sizes))


def _gpt2(sizes: dict[str, Any], padding: int | None) -> StackedModel:
    # Whatever the protocol says of padding: id 0 is that of the published vocabulary, which no sequence holds.
    return StackedGpt2(Gpt2Config(**sizes))


BUILDERS: dict[str, Callable[[dict[str, Any], int | None], StackedModel]] = {"bert": _bert, "gpt2": _gpt2}


def build_model(
    block: Model, *, num_tokens: int, num_positions: int, num_runs: int, padding: int | None = None
) -> StackedModel:
    """Build a stack with weights yet to be filled.

    Parameters
    ----------
    block
        Architecture and sizes.
    num_tokens, num_positions, num_runs
        Ids in the vocabulary, length of a sequence, members of the stack.
    padding
        Id whose input embedding starts at zero and is never trained, if the architecture knows such a thing.
    """
    sizes = block.model_dump(exclude={"kind"})
    sizes |= {"num_tokens": num_tokens, "num_positions": num_positions, "num_runs": num_runs}
    return BUILDERS[block.kind](sizes, padding)


def initial_model(
    block: Model, protocol: Protocol, *, num_tokens: int, num_positions: int, seeds: Sequence[int]
) -> StackedModel:
    """Build the stack that training starts from; each run's weights depend on its own seed alone.

    Parameters
    ----------
    block
        Architecture and sizes.
    protocol
        Says whether the first noun is padding, and the scale of the word embedding.
    num_tokens, num_positions
        As for `build_model`.
    seeds
        Seed of each run.
    """
    padding = 0 if protocol.padding_is_first_noun else None
    sizes = {"num_tokens": num_tokens, "num_positions": num_positions, "num_runs": len(seeds)}
    model = build_model(block, padding=padding, **sizes)
    model.initialise([torch.Generator().manual_seed(integer_seed(seed, "initial weights")) for seed in seeds])
    with torch.no_grad():
        model.word_embedding.weight.mul_(protocol.initial_embedding_scale / INITIAL_SCALE)
    return model
