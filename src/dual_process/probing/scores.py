"""Accuracy and loss of a stack of models on fixed evaluation sets.

Shape letters: R run, B batch, S position, T target position, V token, C context position, M metric.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from dual_process.models.interface import StackedModel
from dual_process.models.losses import LOG2_E

METRICS = (
    *("exact_match", "exact_match_same_group", "two_way", "context_top_one", "loss"),
    *("copied", "loss_copying", "loss_decision"),
)
"""What is measured, in the order of the `metric` dimension.

exact_match
    All targets right, the best of the whole vocabulary: the paper's metric.
exact_match_same_group
    The same, but each target is compared with the tokens that share its training status (trained or unseen).
    Unseen tokens are pushed down as softmax negatives in training; this leaves that penalty out.
two_way
    At the first target position the right candidate scores at least as high as the wrong one (equal only if they are
    the same token). Chance is 0.5 on tokens whose class is unknown.
context_top_one
    All targets right, argmax among the tokens of the context.
loss
    Mean cross-entropy over the targets, softmax over the whole vocabulary, in nats.
copied
    All targets after the first, which copy the query, are right, and the first is answered by one of the two
    candidates, the best of the whole vocabulary: the output works, whatever the decision.
loss_copying, loss_decision
    The two parts of `loss`: what is paid at the first target for choosing between the two candidates, given that it is
    one of them, and all the rest. Each is divided by the number of targets, so that they add up to `loss`. The choice
    between a token and itself is free.
"""

OF_THE_DECISION = ("two_way", "copied", "loss_copying", "loss_decision")
"""Metrics that are not known (NaN) where the sequences of a set have no two candidates."""

SAFE = 100.0
"""Powers of two with exponents up to this one, above zero or below, can be summed without losing anything."""
LOGITS_AT_ONCE = {"cpu": 1 << 21, "cuda": 1 << 28}
"""Logits computed together, unless those of one sequence are more: on a CPU, larger arrays fall out of the caches; on a
GPU, smaller ones leave it idle."""


@dataclass(frozen=True)
class Sequences:
    """Sequences of an evaluation set, each kind of equal ones once.

    Parameters
    ----------
    inputs_rus, labels_rut
        Ids of inputs and targets of U kinds of sequences.
    choice_ru2
        Right and wrong candidate at the first target position.
    kind_rb
        Kind of each sequence of the set.
    """

    inputs_rus: Tensor
    labels_rut: Tensor
    choice_ru2: Tensor
    kind_rb: Tensor

    @classmethod
    def of(cls, *columns_rb: Tensor, kinds: tuple[Tensor, Tensor] | None = None) -> Self:
        """Take one of each kind.

        Parameters
        ----------
        columns_rb
            Inputs, labels and choices of all sequences, each of shape (R, B, ...).
        kinds
            What :func:`distinct` has found in them, if it was asked before.
        """
        chosen_ru, kind_rb = distinct(*columns_rb) if kinds is None else kinds
        inputs_rus, labels_rut, choice_ru2 = (_take(column, chosen_ru) for column in columns_rb)
        return cls(inputs_rus, labels_rut, choice_ru2, kind_rb)


def score(model: StackedModel, sequences: Sequences, **options: Any) -> Tensor:
    """Means over the sequences of one evaluation set, shape (R, M); arguments as for :func:`score_sequences`."""
    return score_sequences(model, sequences, **options).double().mean(1)


@torch.inference_mode()
def score_sequences(
    model: StackedModel,
    sequences: Sequences,
    *,
    targets: tuple[int, ...],
    num_trained: int,
    batch_size: int,
    features: Callable[[StackedModel, Tensor], Tensor] | None = None,
) -> Tensor:
    """Measure every sequence of one evaluation set; sequences that are equal are computed once.

    Parameters
    ----------
    model
        Stack in evaluation mode, with rows for unseen tokens.
    sequences
        What to measure.
    targets
        Target positions; the context is all that comes before the first.
    num_trained
        Ids below this one are trained.
    batch_size
        Sequences per forward pass.
    features
        What a model gives for inputs (R, B, S), if it is not to be asked itself.

    Returns
    -------
    Tensor
        Shape (R, B, M).
    """
    features = features or (lambda model, inputs_rbs: model(inputs_rbs, targets))
    (runs, num_kinds, num_targets), num_tokens = sequences.labels_rut.shape, model.word_embedding.weight.shape[1]
    at_once = sequences_at_once(runs, num_targets, num_tokens, sequences.labels_rut.device)
    asked_rutn, decode = _asked_for(sequences, targets[0]), model.decoder(LOG2_E)
    parts = []
    for rows in slices(num_kinds, batch_size):
        features_rbtd, asked_rbtn = features(model, sequences.inputs_rus[:, rows]), asked_rutn[:, rows]
        for some in slices(features_rbtd.shape[1], at_once):
            read_rbtd = features_rbtd[:, some]
            scores = decode(read_rbtd.flatten(1, 2)).unflatten(1, read_rbtd.shape[1:3])
            parts.append(_read(scores, asked_rbtn[:, some], num_trained))
    scores, trained, unseen, losses = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
    return _take(_measure(scores, trained, unseen, losses, sequences, num_trained), sequences.kind_rb)


def sequences_at_once(runs: int, num_targets: int, num_tokens: int, device: torch.device) -> int:
    """Sequences of each run whose logits are computed together."""
    return max(1, LOGITS_AT_ONCE[device.type] // (runs * num_targets * num_tokens))


def distinct(*columns: Tensor) -> tuple[Tensor, Tensor]:
    """Choose one of each kind of equal sequences.

    Parameters
    ----------
    columns
        What tells sequences apart, integers of shape (R, B, ...).

    Returns
    -------
    tuple of Tensor
        Indices (R, U) of the chosen sequences, where U is the most that a run has of them and others repeat their
        first; and for each sequence (R, B) the place of its equal among them.
    """
    rows_rbn = torch.cat([column.flatten(2) for column in columns], dim=2)
    equal_rb = torch.stack([torch.unique(rows, dim=0, return_inverse=True)[1] for rows in rows_rbn])
    index_rb = torch.arange(equal_rb.shape[1], device=equal_rb.device).expand(equal_rb.shape)
    first_ru = torch.zeros_like(equal_rb[:, : int(equal_rb.max()) + 1])
    return first_ru.scatter_reduce(1, equal_rb, index_rb, "amin", include_self=False), equal_rb


def _take(values_rb: Tensor, index_ru: Tensor) -> Tensor:
    """Entries of each run's own choice of sequences, shape (R, U, ...)."""
    return values_rb.gather(1, index_ru[..., None].expand(-1, -1, values_rb.shape[2]))


def _asked_for(sequences: Sequences, context: int) -> Tensor:
    """Tokens whose logits are read at each target: the right one, both candidates, and the `context` first inputs."""
    labels_rut = sequences.labels_rut
    others = torch.cat([sequences.choice_ru2, sequences.inputs_rus[..., :context]], dim=-1)
    return torch.cat([labels_rut[..., None], others[:, :, None].expand(-1, -1, labels_rut.shape[-1], -1)], dim=-1)


def _read(scores_rbtv: Tensor, asked_rbtn: Tensor, num_trained: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Take what the metrics need from scores in base two, which are the logits over the logarithm of two.

    They are overwritten. PyTorch's kernel for powers of two is several times as fast as that of the softmax.

    Returns
    -------
    tuple of Tensor
        Scores of the tokens asked for (R, B, T, N), the largest of a trained and of an unseen token (R, B, T), and the
        loss (R, B, T) of the first token asked for, in nats.
    """
    asked = scores_rbtv.gather(-1, asked_rbtn)
    trained, unseen = scores_rbtv[..., :num_trained].amax(-1), scores_rbtv[..., num_trained:].amax(-1)
    largest, right = torch.maximum(trained, unseen), asked[..., 0]
    if scores_rbtv.is_cuda or bool(largest.abs().amax() > SAFE):  # to ask a GPU is to wait for it
        scores_rbtv.sub_(largest[..., None])
        right = right - largest
    # in place: a new array of the logits' size costs as much as all the arithmetic
    return asked, trained, unseen, (scores_rbtv.exp2_().sum(-1).log2() - right) / LOG2_E


def _measure(
    scores_rbtn: Tensor, trained: Tensor, unseen: Tensor, losses: Tensor, sequences: Sequences, num_trained: int
) -> Tensor:
    """All metrics of every sequence, shape (R, B, M), from what was read of its scores in base two."""
    labels, choice = sequences.labels_rut, sequences.choice_ru2
    right, decision, in_context = scores_rbtn[..., 0], scores_rbtn[:, :, 0, 1:3], scores_rbtn[..., 3:]
    top_of_context = sequences.inputs_rus.gather(-1, in_context.argmax(-1))
    best = torch.maximum(trained, unseen)
    loss = losses.mean(-1)
    wrong_by = (decision[..., 1] - decision[..., 0]).where(choice[..., 0] != choice[..., 1], -torch.inf)
    loss_decision = torch.nn.functional.softplus(wrong_by / LOG2_E) / labels.shape[-1]
    columns = [
        (right >= best).all(-1),
        (right >= trained.where(labels < num_trained, unseen)).all(-1),
        decision[..., 0] >= decision[..., 1],
        (top_of_context == labels).all(-1),
        loss,
        (right >= best)[..., 1:].all(-1) & (decision.amax(-1) >= best[..., 0]),
        loss - loss_decision,
        loss_decision,
    ]
    return torch.stack([column.float() for column in columns], dim=-1)


@torch.inference_mode()
def query_states(model: StackedModel, inputs_rbs: Tensor, *, position: int, batch_size: int) -> Tensor:
    """Residual stream at one position, of shape (R, layer, B, D), embedding output first."""
    parts = []
    for rows in slices(inputs_rbs.shape[1], batch_size):
        states = model.hidden_states(inputs_rbs[:, rows])
        parts.append(torch.stack([state[:, :, position] for state in states], dim=1))
    return torch.cat(parts, dim=2)


def slices(length: int, size: int) -> Iterator[slice]:
    """Cut a range into pieces of `size`, the last one perhaps smaller."""
    for start in range(0, length, size):
        yield slice(start, start + size)
