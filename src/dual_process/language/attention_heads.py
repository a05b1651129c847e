"""Attention heads that copy: what every head pays to the previous token, to duplicates, and to what followed them.

Random word pieces repeated as a whole have no meaning, so a head that scores here follows the pattern alone (paper,
heads over the steps of Pythia).
Shape letters: J block, H head, Q query position, K key position, S position, P pattern.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dual_process.language.labels import run_frame
from dual_process.language.loading import load_model, load_tokenizer, num_rows
from dual_process.language_runs import UnitPlan
from dual_process.streams import stream

PATTERNS = ("previous", "duplicate", "induction")
SEQUENCES = 50
"""Repeated sequences that every checkpoint reads (paper, appendix on attention heads)."""
LENGTHS = (5, 20)
"""Fewest and most word pieces that are repeated."""
REPEATS = (2, 5)
"""Fewest and most times that they stand in a sequence."""
UNUSED = re.compile(r"\[unused\d+\]")
"""Rows that BERT's vocabulary keeps free; no model has learnt anything about them."""

_log = logging.getLogger(__name__)


def measure(plan: UnitPlan, *, folders: Sequence[Path], threads: int) -> xr.Dataset:
    """Score every head of some checkpoints on repeated random sequences.

    Parameters
    ----------
    plan
        What is measured; the sequences depend on its seed and the vocabulary alone.
    folders
        Folder of each checkpoint, in the order of ``plan.steps``.
    threads
        Threads of PyTorch.

    Returns
    -------
    xarray.Dataset
        ``head_score`` (run, step, pattern, block, head), the mean over sequences of `pattern_scores`; blocks count
        from 1, heads from 0.
    """
    torch.set_num_threads(threads)
    scores, vocabulary = [], 0
    for number, folder in enumerate(folders, 1):
        model = load_model(folder, plan.objective, attentions=True)
        vocabulary = num_rows(model)
        causal = plan.objective == "causal"
        scores.append(score_model(model, load_tokenizer(folder), seed=plan.probing.seed, causal=causal))
        _log.info("attention heads: checkpoint %d of %d", number, len(folders))
    score_sphj = np.stack(scores)
    frame = run_frame(plan.labels, steps=plan.steps, layers=score_sphj.shape[2], vocabulary=vocabulary)
    attrs = {"units": "1", "long_name": "attention of a position to the positions of a pattern, mean"}
    return frame.assign(
        head_score=(("run", "step", "pattern", "block", "head"), score_sphj[None].astype(np.float32), attrs)
    ).assign_coords(
        pattern=np.array(PATTERNS, dtype=object),
        block=np.arange(1, score_sphj.shape[2] + 1),
        head=np.arange(score_sphj.shape[3]),
    )


@torch.inference_mode()
def score_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, seed: int, causal: bool) -> np.ndarray:
    """Mean scores (pattern, block, head) of one model over all sequences.

    Parameters
    ----------
    model
        Model with eager attention, in evaluation mode.
    tokenizer
        Its tokenizer.
    seed
        Seed of the sequences.
    causal
        Whether the model reads from left to right; if not, the sequence stands between the two special tokens that
        the tokenizer has for it, as all that such a model has read. They are no queries, but keys: what a head pays to
        them is lost to the pattern.
    """
    first, last = ([], []) if causal else ([tokenizer.cls_token_id], [tokenizer.sep_token_id])
    first, last = [each for each in first if each is not None], [each for each in last if each is not None]
    limit = model.config.max_position_embeddings - len(first) - len(last)
    scores = []
    for tokens in repeated_sequences(ordinary_pieces(tokenizer, num_rows(model)), limit=limit, seed=seed):
        ids = torch.tensor([[*first, *tokens.tolist(), *last]])
        attentions = model(input_ids=ids, output_attentions=True).attentions
        inner = slice(len(first), len(first) + len(tokens))
        scores.append(pattern_scores(torch.cat(attentions)[..., inner, inner], torch.from_numpy(tokens)))
    return torch.stack(scores).mean(0).numpy()


def ordinary_pieces(tokenizer: PreTrainedTokenizerBase, rows: int) -> np.ndarray:
    """Ids of the word pieces that are neither special nor free, increasing, up to the number of rows of the model."""
    special = set(tokenizer.all_special_ids)
    ids = {index for piece, index in tokenizer.get_vocab().items() if not UNUSED.fullmatch(piece)}
    return np.array(sorted(index for index in ids - special if index < rows))


def repeated_sequences(pieces: np.ndarray, *, limit: int, seed: int) -> list[np.ndarray]:
    """Random sequences, each some different word pieces again and again.

    Parameters
    ----------
    pieces
        Ids to draw from.
    limit
        Most ids that a sequence may have; long pieces are repeated less often, down to two times.
    seed
        Seed of the stream ``repeats``.

    Returns
    -------
    list of numpy.ndarray
        `SEQUENCES` of them.
    """
    generator = stream(seed, "repeats")
    longest = min(LENGTHS[1], limit // REPEATS[0], len(pieces))
    if longest < LENGTHS[0]:
        raise ValueError(
            f"a model of {limit} positions and {len(pieces)} word pieces is too small for the scores of attention "
            f"heads, which repeat {LENGTHS[0]} word pieces or more; leave head_curves out for it"
        )
    sequences = []
    for _ in range(SEQUENCES):
        length = int(generator.integers(LENGTHS[0], longest + 1))
        repeats = int(generator.integers(REPEATS[0], min(REPEATS[1], limit // length) + 1))
        sequences.append(np.tile(generator.choice(pieces, length, replace=False), repeats))
    return sequences


def pattern_scores(attention_qk: Tensor, tokens_s: Tensor) -> Tensor:
    """Mean attention that a position pays to the positions of each pattern.

    With tokens t and attention A(q, k), the keys that belong to a query q are, for

    - previous: k = q - 1;
    - duplicate: all k < q with t(k) = t(q), the earlier occurrences of the same token;
    - induction: all k < q with t(k - 1) = t(q), what followed the earlier occurrences.

    The score is the mean of sum_k A(q, k) over the queries that have such keys; 0 if none has. Keys after the query
    never count, so a head of a bidirectional model that looks at all copies of a token alike scores what it pays to
    the earlier ones.

    Parameters
    ----------
    attention_qk
        Attention, shape (..., Q, K), Q = K; rows add up to at most 1.
    tokens_s
        Ids, shape (S,), S = K.

    Returns
    -------
    Tensor
        Shape (pattern, ...), patterns as in `PATTERNS`.
    """
    place = torch.arange(len(tokens_s))
    earlier = place[None] < place[:, None]
    followed = torch.zeros_like(earlier)
    followed[:, 1:] = tokens_s[:, None] == tokens_s[None, :-1]
    members = (place[None] == place[:, None] - 1, earlier & (tokens_s[:, None] == tokens_s), earlier & followed)
    scores = []
    for member in members:
        paid = (attention_qk.double() * member).sum(-1)
        scores.append(paid.sum(-1) / max(int(member.any(-1).sum()), 1))
    return torch.stack(scores)
