"""Cross-entropy of a tied decoder, a few rows at a time, with the logits overwritten by what their gradient is made of.

With a large vocabulary a training step spends most of its time on arrays of the logits' size. PyTorch's own
cross-entropy makes four of them and reads them from memory again and again. This one makes a single array of a few
rows' logits, turns it into their gradient and uses that up while it is still in a cache.

On a CPU even the softmax is left out: the products with the exponentials are divided by the exponentials' sums, which
are much smaller, and the targets' share is taken from them. The exponentials are powers of two, of logits in that base,
for which PyTorch has a quick kernel on every processor.

Shape letters: R run, N row, D width, V token.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dual_process.models.products import add_product, made_by_onednn, product

LOGITS_AT_ONCE = 1 << 19
"""Logits of a run that are computed together by each thread of a CPU; 2 MB, as large as a core's cache."""
LOGITS_AT_ONCE_BY_ONEDNN = 1 << 22
"""The same if oneDNN makes the products, which rearranges the whole decoder for each piece."""
ROWS_AT_LEAST = 64
"""Rows for each thread that are worth a product with the decoder, however many logits they have."""
SUMMED_AT_ONCE = 48
"""Rows that are copied in a higher precision together to be summed; few enough to stay in a cache."""
LOG2_E = math.log2(math.e)
"""Turns a natural exponent into that of a power of two."""
SAFE = 1e30
"""Sums of exponentials that are neither above this nor below its reciprocal have lost nothing."""


def stacked_cross_entropy(features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> Tensor:
    """Mean cross-entropy of each run for logits ``features @ weight.T + bias``.

    Under autocast the products are taken in its precision, on CPUs the exponentials too, and everything else in that of
    the weights.

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


def rows_at_once(num_rows: int, num_tokens: int, precision: torch.dtype) -> int:
    """Rows of a run that are worked on together by a CPU's threads; all pieces are about equal.

    Parameters
    ----------
    num_rows, num_tokens
        Sizes N and V.
    precision
        Of the products.
    """
    threads = torch.get_num_threads()
    logits = threads * (LOGITS_AT_ONCE_BY_ONEDNN if made_by_onednn(precision) else LOGITS_AT_ONCE)
    at_most = max(threads * ROWS_AT_LEAST, logits // num_tokens)
    return math.ceil(num_rows / math.ceil(num_rows / at_most))


class _Stacks(NamedTuple):
    """Arguments of the loss of some runs."""

    features_rnd: Tensor
    weight_rvd: Tensor
    bias_r1v: Tensor
    targets_rn: Tensor


class _Gradients(NamedTuple):
    """Room for the gradients of the losses of some runs."""

    for_features: Tensor
    for_weight: Tensor
    for_bias: Tensor


class _StackedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> Tensor:
        stacks, precision = _Stacks(features_rnd, weight_rvd, bias_r1v, targets_rn), _precision(weight_rvd)
        gradients = _Gradients(*(weight_rvd.new_empty(each.shape) for each in stacks[:3]))
        ctx.gradients, ctx.dtype = list(gradients), features_rnd.dtype
        if weight_rvd.device.type != "cpu":  # pieces would leave it idle
            return _by_softmax(stacks, precision, out=gradients)
        losses = []
        for run in range(len(targets_rn)):
            one = _Stacks(*(each[run, None] for each in stacks))
            out = _Gradients(*(each[run, None] for each in gradients))
            loss = _by_exponentials(one, precision, out=out)
            losses.append(_by_softmax(one, precision, out=out) if loss is None else loss)
        return torch.cat(losses)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_r: Tensor) -> tuple[Tensor | None, ...]:
        if not ctx.gradients:
            raise RuntimeError("the gradients of stacked_cross_entropy can be had once: call it again")
        # Nothing else refers to them now, so that the engine adds to them, and the optimizer takes them, as they are.
        for_bias, for_weight, for_features = (ctx.gradients.pop() for _ in range(3))
        gradient = gradient_r[:, None, None]
        return for_features.mul_(gradient).to(ctx.dtype), for_weight.mul_(gradient), for_bias.mul_(gradient), None


def _by_exponentials(stacks: _Stacks, precision: torch.dtype, *, out: _Gradients) -> Tensor | None:
    """Loss (1,) of one run, its gradients written to `out`; None where an exponential could overflow or all vanish."""
    features_nd, weight_vd, bias_1v, targets_n = (each[0] for each in stacks)
    for_features, for_weight, for_bias = (each[0] for each in out)
    num_rows, at_once = len(targets_n), rows_at_once(len(targets_n), len(weight_vd), precision)
    decoder_dv, bias_v = weight_vd.to(precision).t(), (bias_1v[0] * LOG2_E).to(precision)
    losses, for_both_xv = [], None
    for start in range(0, num_rows, at_once):
        rows = slice(start, start + at_once)
        some_nd, ids_n1 = features_nd[rows].to(weight_vd.dtype), targets_n[rows, None]
        exponents_nv = product((some_nd * LOG2_E).to(precision), decoder_dv, bias_v)
        right_n1 = exponents_nv.gather(1, ids_n1).to(weight_vd.dtype)
        exponentials_nv = exponents_nv.exp2_()
        sums_n1 = _sum_rows(exponentials_nv, weight_vd.dtype)
        if not bool(((sums_n1 > 1 / SAFE) & (sums_n1 < SAFE)).all()):
            return None
        losses.append(sums_n1.log() - right_n1 / LOG2_E)
        share_n1 = (sums_n1 * num_rows).reciprocal()
        torch.mul(product(exponentials_nv, decoder_dv.t()), share_n1, out=for_features[rows])
        # The smaller factor is on the left, where it is copied as it is transposed. Its last row is for the bias.
        scaled = torch.cat([some_nd * share_n1, share_n1], 1).to(precision)
        if for_both_xv is None:
            for_both_xv = product(scaled.t(), exponentials_nv).to(weight_vd.dtype)
        else:
            add_product(scaled.t(), exponentials_nv, to=for_both_xv)
    assert for_both_xv is not None, "there are rows"
    for_weight.copy_(for_both_xv[:-1].t())
    for_bias.copy_(for_both_xv[-1:])
    # What remains is the share of the targets: one row of the features, the weight and the bias each.
    for_features.sub_(weight_vd[targets_n], alpha=1 / num_rows)
    for_weight.index_add_(0, targets_n, features_nd.to(weight_vd.dtype), alpha=-1 / num_rows)
    for_bias[0].index_add_(0, targets_n, bias_1v.new_full(targets_n.shape, -1 / num_rows))
    return torch.cat(losses).mean(0)


def _sum_rows(exponentials_nv: Tensor, precision: torch.dtype) -> Tensor:
    """Sums (N, 1) in a higher precision, in which PyTorch makes a copy first."""
    some = [exponentials_nv] if exponentials_nv.dtype == precision else exponentials_nv.split(SUMMED_AT_ONCE)
    return torch.cat([rows.sum(1, keepdim=True, dtype=precision) for rows in some])


def _by_softmax(stacks: _Stacks, precision: torch.dtype, *, out: _Gradients) -> Tensor:
    """Losses (R,) of all runs together, their gradients written to `out`."""
    features_rnd, weight_rvd, bias_r1v, targets_rn = stacks
    num_rows, weight, ids_rn1 = targets_rn.shape[1], weight_rvd.to(precision), targets_rn[..., None]
    logits_rnv = torch.bmm(features_rnd.to(precision), weight.mT).to(weight_rvd.dtype).add_(bias_r1v)
    right_rn1, largest_rn1 = logits_rnv.gather(2, ids_rn1), logits_rnv.amax(2, keepdim=True)
    torch.softmax(logits_rnv, 2, out=logits_rnv)
    # log-sum-exp by way of the most probable token, whose probability cannot underflow
    losses_rn1 = largest_rn1 - logits_rnv.amax(2, keepdim=True).log() - right_rn1
    error_rnv = logits_rnv.scatter_add_(2, ids_rn1, logits_rnv.new_full((1, 1, 1), -1.0).expand(ids_rn1.shape))
    torch.sum(error_rnv, 1, keepdim=True, out=out.for_bias).mul_(1 / num_rows)
    error, scaled = error_rnv.to(precision), (features_rnd.to(weight_rvd.dtype) * (1 / num_rows)).to(precision)
    out.for_features.copy_(torch.bmm(error, weight)).mul_(1 / num_rows)
    out.for_weight.copy_(torch.bmm(error.mT, scaled))
    return losses_rn1.mean((1, 2))


def _precision(weight: Tensor) -> torch.dtype:
    """Precision of the products."""
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
