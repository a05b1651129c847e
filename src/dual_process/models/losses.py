"""Cross-entropy of a tied decoder, a few rows at a time, with the logits overwritten by what their gradient is made of.

With a large vocabulary a training step spends most of its time on arrays of the logits' size. PyTorch's own
cross-entropy makes four of them and reads them from memory again and again. This one makes a single array of a few
rows' logits, turns it into their gradient and uses that up while it is still in a cache.

On a CPU even the division of the exponentials by their sum is left out where the rows take several pieces: the
products with the exponentials are divided instead, which are much smaller, and the targets' share is taken from them.

Shape letters: R run, N row, D width, V token.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LOGITS_AT_ONCE = 1 << 19
"""Logits of a run that are computed together by each thread of a CPU; 2 MB, as large as a core's cache."""
ROWS_AT_LEAST = 64
"""Rows for each thread that are worth a product with the decoder, however many logits they have."""
TIMES_IN_LOW_PRECISION = 16
"""How many times more they are if the products have a lower precision; each piece has the whole decoder rearranged."""
SAFE = 1e30
"""Sums of exponentials that are neither above this nor below its reciprocal have lost nothing."""


def stacked_cross_entropy(features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> Tensor:
    """Mean cross-entropy of each run for logits ``features @ weight.T + bias``.

    Under autocast the products are taken in its precision, and everything else in that of the weights.

    Parameters
    ----------
    features_rnd
        Features of the rows to predict.
    weight_rvd, bias_r1v
        Decoder of each run.
    targets_rn
        Integer ids of the right tokens.

    Returns
    -------
    Tensor
        Losses of shape (R,). Sum them to train the runs independently.
    """
    loss: Tensor = _StackedCrossEntropy.apply(features_rnd, weight_rvd, bias_r1v, targets_rn)
    return loss


def rows_at_once(num_rows: int, num_tokens: int, *, lowered: bool) -> int:
    """Rows of a run that are worked on together by a CPU's threads; on a GPU all are: small pieces would leave it idle.

    Parameters
    ----------
    num_rows, num_tokens
        Sizes N and V.
    lowered
        Whether the products have a lower precision than the weights.
    """
    threads = torch.get_num_threads()
    logits = threads * LOGITS_AT_ONCE * (TIMES_IN_LOW_PRECISION if lowered else 1)
    return min(num_rows, max(threads * ROWS_AT_LEAST, logits // num_tokens))


class _Work(NamedTuple):
    """What the loss is computed from: rows, decoder and targets, the pieces, and room for the logits of one."""

    features_rnd: Tensor
    weight_rvd: Tensor
    bias_r1v: Tensor
    targets_rn: Tensor
    pieces: Sequence[slice]
    buffer: Tensor


class _StackedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> Tensor:
        (num_runs, num_rows), num_tokens = targets_rn.shape, weight_rvd.shape[1]
        on_cpu, lowered = weight_rvd.device.type == "cpu", _precision(weight_rvd) != weight_rvd.dtype
        at_once = rows_at_once(num_rows, num_tokens, lowered=lowered) if on_cpu else num_rows
        pieces = [slice(start, min(start + at_once, num_rows)) for start in range(0, num_rows, at_once)]
        buffer = weight_rvd.new_empty(num_runs, at_once, num_tokens)
        work = _Work(features_rnd, weight_rvd, bias_r1v, targets_rn, pieces, buffer)
        found = _by_exponentials(work) if on_cpu and not lowered and len(pieces) > 1 else None
        losses_rn1, ctx.gradients = found or _by_softmax(work)
        ctx.dtype = features_rnd.dtype
        return losses_rn1.mean((1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_r: Tensor) -> tuple[Tensor | None, ...]:
        if not ctx.gradients:
            raise RuntimeError("the gradients of stacked_cross_entropy can be had once: call it again")
        # Nothing else refers to them now, so that the engine adds to them, and the optimizer takes them, as they are.
        for_bias, for_weight, for_features = (ctx.gradients.pop() for _ in range(3))
        gradient = gradient_r[:, None, None]
        return for_features.mul_(gradient).to(ctx.dtype), for_weight.mul_(gradient), for_bias.mul_(gradient), None


def _by_exponentials(work: _Work) -> tuple[Tensor, list[Tensor]] | None:
    """Losses (R, N, 1) and the gradients of their means; None where an exponential could overflow or all vanish."""
    features_rnd, weight_rvd, bias_r1v, targets_rn, pieces, buffer = work
    (num_runs, num_rows), (_, num_tokens, width) = targets_rn.shape, weight_rvd.shape
    for_features, for_weight, for_bias = (
        weight_rvd.new_empty(each.shape) for each in (features_rnd, weight_rvd, bias_r1v)
    )
    right, sums = [], []
    for rows in pieces:
        some_rnd, ids_rn1 = features_rnd[:, rows], targets_rn[:, rows, None]
        logits_rnv = buffer[:, : ids_rn1.shape[1]]
        _multiply(some_rnd, weight_rvd.transpose(1, 2), out=logits_rnv).add_(bias_r1v)
        right.append(logits_rnv.gather(2, ids_rn1))
        exponentials = logits_rnv.exp_()
        sums.append(exponentials.sum(2, keepdim=True))
        share_rn1, first = (sums[-1] * num_rows).reciprocal(), rows.start == 0
        _multiply(exponentials, weight_rvd, out=for_features[:, rows]).mul_(share_rn1)
        _multiply(exponentials.transpose(1, 2), some_rnd * share_rn1, out=for_weight, add=not first)
        _multiply(share_rn1.transpose(1, 2), exponentials, out=for_bias, add=not first)
    sums_rn1 = torch.cat(sums, 1)
    if not bool(((sums_rn1 > 1 / SAFE) & (sums_rn1 < SAFE)).all()):
        return None
    # What remains is the share of the targets: one row of the features, the weight and the bias each.
    token_of_row, of_a_row = (targets_rn + torch.arange(num_runs)[:, None] * num_tokens).flatten(), 1 / num_rows
    for_features.view(-1, width).sub_(weight_rvd.view(-1, width)[token_of_row], alpha=of_a_row)
    for_weight.view(-1, width).index_add_(0, token_of_row, features_rnd.reshape(-1, width), alpha=-of_a_row)
    for_bias.view(-1).index_add_(0, token_of_row, bias_r1v.new_full(token_of_row.shape, -of_a_row))
    return sums_rn1.log() - torch.cat(right, 1), [for_features, for_weight, for_bias]


def _by_softmax(work: _Work) -> tuple[Tensor, list[Tensor]]:
    """Losses (R, N, 1) and the gradients of their means."""
    features_rnd, weight_rvd, bias_r1v, targets_rn, pieces, buffer = work
    num_rows, precision, on_cpu = targets_rn.shape[1], _precision(weight_rvd), weight_rvd.device.type == "cpu"
    features, weight = features_rnd.to(precision), weight_rvd.to(precision)
    scaled = (features_rnd * (1 / num_rows)).to(precision)
    for_features = weight_rvd.new_empty(features.shape)
    for_weight, for_bias = torch.empty_like(weight_rvd), torch.empty_like(bias_r1v)

    def subtract_targets(rows: slice, *, exactly: bool) -> tuple[Tensor, Tensor]:
        ids_rn1 = targets_rn[:, rows, None]
        logits_rnv = buffer[:, : ids_rn1.shape[1]]
        _multiply(features[:, rows], weight.transpose(1, 2), out=logits_rnv).add_(bias_r1v)
        return logits_rnv, _turn_into_error(logits_rnv, ids_rn1, exactly=exactly)

    losses = []
    for rows in pieces:
        error_rnv, loss_rn1 = subtract_targets(rows, exactly=not on_cpu)
        losses.append(loss_rn1)
        error = error_rnv.to(precision)
        _multiply(error, weight, out=for_features[:, rows])
        _multiply(error.transpose(1, 2), scaled[:, rows], out=for_weight, add=rows.start > 0)
        _add_up(error_rnv, out=for_bias, add=rows.start > 0)
    losses_rn1 = torch.cat(losses, 1)
    if on_cpu and bool(losses_rn1.isinf().any()):
        losses_rn1 = torch.cat([subtract_targets(rows, exactly=True)[1] for rows in pieces], 1)
    return losses_rn1, [for_features.mul_(1 / num_rows), for_weight, for_bias.mul_(1 / num_rows)]


def _turn_into_error(logits_rnv: Tensor, ids_rn1: Tensor, *, exactly: bool) -> Tensor:
    """Overwrite logits with the gradient of their losses' sum, and return the losses (R, N, 1).

    Unless they are wanted exactly, a loss is infinite where the probability of its target underflows.
    """
    if exactly:
        right_rn1, largest_rn1 = logits_rnv.gather(2, ids_rn1), logits_rnv.amax(2, keepdim=True)
        torch.softmax(logits_rnv, 2, out=logits_rnv)
        # log-sum-exp by way of the most probable token, whose probability cannot underflow
        losses_rn1 = largest_rn1 - logits_rnv.amax(2, keepdim=True).log() - right_rn1
    else:
        torch.softmax(logits_rnv, 2, out=logits_rnv)
        losses_rn1 = logits_rnv.gather(2, ids_rn1).log().neg()
    logits_rnv.scatter_add_(2, ids_rn1, logits_rnv.new_full((1, 1, 1), -1.0).expand(ids_rn1.shape))
    return losses_rn1


def _precision(weight: Tensor) -> torch.dtype:
    """Precision of the products."""
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


def _multiply(left: Tensor, right: Tensor, *, out: Tensor, add: bool = False) -> Tensor:
    """Write the products of the runs to `out`, or add them there; with factors of a lower precision, round them."""
    if left.dtype == out.dtype:
        return out.baddbmm_(left, right) if add else torch.bmm(left, right, out=out)
    # On a CPU the batched product would first copy a transposed factor.
    runs = zip(left, right, out, strict=True) if left.device.type == "cpu" else [(left, right, out)]
    for one_left, one_right, one_out in runs:
        product = one_left @ one_right
        _ = one_out.add_(product) if add else one_out.copy_(product)
    return out


def _add_up(error_rnv: Tensor, *, out: Tensor, add: bool) -> Tensor:
    """Write the sum over rows to `out`, or add it there."""
    return out.add_(error_rnv.sum(1, keepdim=True)) if add else torch.sum(error_rnv, 1, keepdim=True, out=out)
