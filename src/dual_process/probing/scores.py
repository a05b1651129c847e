"""Accuracy and loss of a stack of models on fixed evaluation sets.

Shape letters: R run, B sequence, S position, T target position, V token, C context position.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from dual_process.models.bert import StackedBert

METRICS = ("exact_match", "exact_match_same_group", "two_way", "context_top_one", "loss")
"""What is measured, in the order of the `metric` dimension.

exact_match
    All targets right, argmax over the whole vocabulary: the paper's metric.
exact_match_same_group
    The same, but each argmax is taken among the tokens that share the target's training status (trained or unseen).
    Unseen tokens are pushed down as softmax negatives in training; this leaves that penalty out.
two_way
    At the first target position the right candidate scores at least as high as the wrong one (equal only if they are
    the same token). Chance is 0.5 on tokens whose class is unknown.
context_top_one
    All targets right, argmax among the tokens of the context.
loss
    Mean cross-entropy over the targets, softmax over the whole vocabulary, in nats.
"""


@torch.inference_mode()
def score(
    model: StackedBert,
    inputs_rbs: Tensor,
    labels_rbt: Tensor,
    choice_rb2: Tensor,
    *,
    targets: tuple[int, ...],
    num_trained: int,
    batch_size: int,
) -> Tensor:
    """Measure one evaluation set.

    Parameters
    ----------
    model
        Stack in evaluation mode, with rows for unseen tokens.
    inputs_rbs, labels_rbt
        Ids of inputs and targets.
    choice_rb2
        Right and wrong candidate at the first target position.
    targets
        Target positions; the context is all that comes before the first.
    num_trained
        Ids below this one are trained.
    batch_size
        Sequences per forward pass.

    Returns
    -------
    Tensor
        Means over sequences, shape (R, len(METRICS)).
    """
    parts = []
    for rows in _slices(inputs_rbs.shape[1], batch_size):
        inputs, labels, choice = inputs_rbs[:, rows], labels_rbt[:, rows], choice_rb2[:, rows]
        features_rbtd = model(inputs, targets)
        logits = model.logits(features_rbtd.flatten(1, 2)).unflatten(1, labels.shape[1:])
        parts.append(_measure(logits, labels, choice, inputs[..., : targets[0]], num_trained))
    return torch.cat(parts, dim=1).double().mean(1)


def _measure(logits_rbtv: Tensor, labels: Tensor, choice: Tensor, context: Tensor, num_trained: int) -> Tensor:
    """All metrics of every sequence, shape (R, B, len(METRICS))."""
    best_trained, trained = logits_rbtv[..., :num_trained].max(-1)
    best_unseen, unseen = logits_rbtv[..., num_trained:].max(-1)
    unseen = unseen + num_trained
    overall = torch.where(best_trained >= best_unseen, trained, unseen)
    same_group = torch.where(labels < num_trained, trained, unseen)
    decision = logits_rbtv[:, :, 0].gather(-1, choice)
    context_rbtc = context[:, :, None, :].expand(*labels.shape, context.shape[-1])
    top = logits_rbtv.gather(-1, context_rbtc).argmax(-1, keepdim=True)
    in_context = context_rbtc.gather(-1, top)[..., 0]
    loss = logits_rbtv.logsumexp(-1) - logits_rbtv.gather(-1, labels[..., None])[..., 0]
    columns = [
        (overall == labels).all(-1),
        (same_group == labels).all(-1),
        decision[..., 0] >= decision[..., 1],
        (in_context == labels).all(-1),
        loss.mean(-1),
    ]
    return torch.stack([column.float() for column in columns], dim=-1)


@torch.inference_mode()
def query_states(model: StackedBert, inputs_rbs: Tensor, *, position: int, batch_size: int) -> Tensor:
    """Residual stream at one position, of shape (R, layer, B, D), embedding output first."""
    parts = []
    for rows in _slices(inputs_rbs.shape[1], batch_size):
        states = model.hidden_states(inputs_rbs[:, rows])
        parts.append(torch.stack([state[:, :, position] for state in states], dim=1))
    return torch.cat(parts, dim=2)


def _slices(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, start + size)
