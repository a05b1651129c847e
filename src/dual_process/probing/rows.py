"""Rows for tokens that training never saw, as each protocol and each evaluation set wants them.

Under the reference protocol unseen rows are part of the trained model (as softmax negatives) and are used as they
are. Otherwise the model has no such rows: they are drawn when it is measured, from the law of the last draw of the
whole embedding, initial or reset. All rows are drawn on the CPU, so that they are the same on every device.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dual_process.blocks import Protocol
from dual_process.devices import send
from dual_process.models.interface import StackedModel
from dual_process.streams import integer_seed, stream


def with_unseen_rows(
    state: Mapping[str, Tensor],
    *,
    num_tokens: int,
    protocol: Protocol,
    was_reset: Sequence[bool],
    seeds: Sequence[int],
    step: int,
) -> dict[str, Tensor]:
    """Extend a stacked state dict to `num_tokens` ids, where it has fewer.

    Parameters
    ----------
    state
        Stacked state dict of a :class:`~dual_process.models.interface.StackedModel`, on the CPU.
    num_tokens
        Ids wanted.
    protocol
        Whose scales the drawn rows have.
    was_reset
        For each run, whether a reset came before this step.
    seeds, step
        Key of each run's "evaluation" stream.
    """
    weight, bias = state["word_embedding.weight"], state["decoder_bias"]
    missing = num_tokens - weight.shape[1]
    if not missing:
        return dict(state)
    rows = []
    for run, seed in enumerate(seeds):
        scale = protocol.reset_scale if was_reset[run] else protocol.initial_embedding_scale
        sd = float(weight[run].std()) if scale == "empirical" else scale
        generator = torch.Generator().manual_seed(integer_seed(seed, "evaluation", step))
        rows.append(torch.empty(missing, weight.shape[2]).normal_(0, sd, generator=generator))
    return {
        **state,
        "word_embedding.weight": torch.cat([weight, torch.stack(rows)], dim=1),
        "decoder_bias": torch.nn.functional.pad(bias, (0, missing)),
    }


@torch.no_grad()
def redraw_rows(
    model: StackedModel, ids_rn: Tensor, embedding: str, *, trained: int, seeds: Sequence[int], step: int
) -> None:
    """Overwrite the rows of an evaluation set's tokens by the law that the set asks for.

    Parameters
    ----------
    model
        Stack to change in place.
    ids_rn
        Ids of each run whose rows are redrawn, shape (R, N).
    embedding
        "uniform" for U(0, 1), "normal" for N(5, 5), "mean-of-ten" for the mean of ten random trained rows.
    trained
        Ids below this one are trained.
    seeds, step
        Key of each run's "evaluation" stream.
    """
    weight = model.word_embedding.weight
    for run, seed in enumerate(seeds):
        ids = ids_rn[run].unique()  # on a GPU, too, in increasing order
        rng = stream(seed, "evaluation rows", step)
        size = (len(ids), weight.shape[2])
        if embedding == "uniform":
            rows = rng.random(size)
        elif embedding == "normal":
            rows = rng.normal(5, 5, size)
        else:
            picked = rng.integers(0, trained, (len(ids), 10))
            rows = weight[run].cpu().numpy()[picked].mean(1)
        weight[run, ids] = send(torch.from_numpy(rows.astype(np.float32)), weight.device)
