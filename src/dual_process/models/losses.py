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
from torch.nn import functional

from dual_process.compiling import tracing
from dual_process.models.products import add_product, made_by_onednn, matrix_product, product, stacked
from dual_process.models.stacked import in_all_runs

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


class WithoutTargets(NamedTuple):
    """Losses of some runs and their gradients, but for the targets' share of two of these."""

    losses_r: Tensor
    for_features_rnd: Tensor
    for_weight_rvd: Tensor
    """Lacks the features of each row over N, taken from the vector of its target."""
    for_bias_r1v: Tensor
    """Lacks 1 / N for each row, taken from the element of its target."""
    safe_r: Tensor
    """False where an exponential could have overflowed, or all of a row vanished: everything else is void there."""


def by_exponentials(features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> WithoutTargets:
    """Take the loss and its gradients on a CPU in one go, without autograd.

    The targets' share of the decoder's gradients is left to the caller, who may have more to add to chosen rows, and
    may be a compiled function, which should not (:func:`dual_process.compiling.compiled`).

    Parameters
    ----------
    features_rnd, weight_rvd, bias_r1v, targets_rn
        As for :func:`stacked_cross_entropy`; the features have the precision of the weights.
    """
    decoder_rvd = weight_rvd.to(_precision(weight_rvd))
    parts = [_of_one_run(*run) for run in zip(features_rnd, decoder_rvd, bias_r1v, targets_rn, strict=True)]
    losses_r, for_features_rnd, for_both_rxv, safe_r = (stacked(part) for part in zip(*parts, strict=True))
    ids_rn, vectors_jd = in_all_runs(targets_rn, weight_rvd.shape[1]), weight_rvd.flatten(0, 1)
    right_rnd = functional.embedding(ids_rn, vectors_jd)
    for_features_rnd = torch.sub(for_features_rnd, right_rnd, alpha=1 / targets_rn.shape[1])
    for_weight_rvd = for_both_rxv[:, :-1].mT.to(weight_rvd.dtype).contiguous()
    for_bias_r1v = for_both_rxv[:, -1:].to(weight_rvd.dtype).contiguous()
    return WithoutTargets(losses_r, for_features_rnd, for_weight_rvd, for_bias_r1v, safe_r)


class _StackedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> Tensor:
        take = _on_a_cpu if weight_rvd.device.type == "cpu" else _by_softmax  # pieces would leave a GPU idle
        losses_r, *gradients = take(features_rnd.to(weight_rvd.dtype), weight_rvd, bias_r1v, targets_rn)
        ctx.gradients, ctx.dtype = gradients, features_rnd.dtype
        return losses_r

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_r: Tensor) -> tuple[Tensor | None, ...]:
        if not ctx.gradients:
            raise RuntimeError("the gradients of stacked_cross_entropy can be had once: call it again")
        # Nothing else refers to them now, so that the engine adds to them, and the optimizer takes them, as they are.
        for_bias, for_weight, for_features = (ctx.gradients.pop() for _ in range(3))
        gradient = gradient_r[:, None, None]
        return for_features.mul_(gradient).to(ctx.dtype), for_weight.mul_(gradient), for_bias.mul_(gradient), None


def _on_a_cpu(
    features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Losses (R,) and the gradients for features, weight and bias."""
    stacks = features_rnd, weight_rvd, bias_r1v, targets_rn
    *results, safe_r = by_exponentials(*stacks)
    _, _, for_weight_rvd, for_bias_r1v = results
    ids_j = in_all_runs(targets_rn, weight_rvd.shape[1]).flatten()
    share = -1 / targets_rn.shape[1]
    for_weight_rvd.flatten(0, 1).index_add_(0, ids_j, features_rnd.flatten(0, 1), alpha=share)
    for_bias_r1v.flatten().index_add_(0, ids_j, bias_r1v.new_full(ids_j.shape, share))
    for run in (~safe_r).nonzero():
        for there, result in zip(results, _by_softmax(*(each[run] for each in stacks)), strict=True):
            there[run] = result
    return results[0], results[1], results[2], results[3]


def _of_one_run(
    features_nd: Tensor, decoder_vd: Tensor, bias_1v: Tensor, targets_n: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Loss, gradient (N, D) for the features, gradients (D + 1, V) for both parts of the decoder, and safety."""
    num_rows, full, lower = len(targets_n), features_nd.dtype, decoder_vd.dtype
    at_once = rows_at_once(num_rows, len(decoder_vd), lower)
    decoder_dv, bias_v = decoder_vd.t(), (bias_1v[0] * LOG2_E).to(lower)
    exponentials = torch.ops.dual_process.exponentials if tracing() else _exponentials
    losses, sums, for_features, for_both_xv = [], [], [], None
    for some_nd, ids_n in zip(features_nd.split(at_once), targets_n.split(at_once), strict=True):
        exponentials_nv, right_n1 = exponentials((some_nd * LOG2_E).to(lower), decoder_dv, bias_v, ids_n)
        total_nd = product(exponentials_nv, decoder_vd)
        sums_n1 = _sum_rows(exponentials_nv, full)
        share_n1 = (sums_n1 * num_rows).reciprocal()
        for_features.append(total_nd * share_n1)
        # The smaller factor is on the left, where it is copied as it is transposed. Its last row is for the bias.
        scaled = torch.cat([some_nd * share_n1, share_n1], 1).to(lower)
        if for_both_xv is None:
            for_both_xv = product(scaled.t(), exponentials_nv)
        else:
            for_both_xv = for_both_xv.to(full)
            add_product(scaled.t(), exponentials_nv, to=for_both_xv)
        losses.append(sums_n1.log() - right_n1.to(full) / LOG2_E)
        sums.append(sums_n1)
    assert for_both_xv is not None, "there are rows"
    all_sums = torch.cat(sums)
    safe = ((all_sums > 1 / SAFE) & (all_sums < SAFE)).all()
    return torch.cat(losses).mean(), torch.cat(for_features), for_both_xv, safe


def _exponentials(features_nd: Tensor, decoder_dv: Tensor, bias_v: Tensor, ids_n: Tensor) -> tuple[Tensor, Tensor]:
    """Powers of two (N, V) of the scores, and those scores (N, 1) that the ids choose."""
    exponents_nv = matrix_product(features_nd, decoder_dv, bias_v)
    right_n1 = exponents_nv.gather(1, ids_n[:, None])
    return exponents_nv.exp2_(), right_n1


def _sum_rows(exponentials_nv: Tensor, precision: torch.dtype) -> Tensor:
    """Sums (N, 1) in a higher precision, in which PyTorch makes a copy first, and compiled functions do not."""
    whole = exponentials_nv.dtype == precision or tracing()
    some = [exponentials_nv] if whole else exponentials_nv.split(SUMMED_AT_ONCE)
    return torch.cat([rows.sum(1, keepdim=True, dtype=precision) for rows in some])


def _by_softmax(
    features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Losses (R,) of all runs together, and the gradients for features, weight and bias."""
    precision, share, ids_rn1 = _precision(weight_rvd), 1 / targets_rn.shape[1], targets_rn[..., None]
    weight = weight_rvd.to(precision)
    logits_rnv = torch.bmm(features_rnd.to(precision), weight.mT).to(weight_rvd.dtype).add_(bias_r1v)
    right_rn1, largest_rn1 = logits_rnv.gather(2, ids_rn1), logits_rnv.amax(2, keepdim=True)
    torch.softmax(logits_rnv, 2, out=logits_rnv)
    # log-sum-exp by way of the most probable token, whose probability cannot underflow
    losses_rn1 = largest_rn1 - logits_rnv.amax(2, keepdim=True).log() - right_rn1
    error_rnv = logits_rnv.scatter_add_(2, ids_rn1, logits_rnv.new_full((1, 1, 1), -1.0).expand(ids_rn1.shape))
    for_bias_r1v = error_rnv.sum(1, keepdim=True).mul_(share)
    error, scaled = error_rnv.to(precision), (features_rnd * share).to(precision)
    for_features_rnd = torch.bmm(error, weight).to(weight_rvd.dtype).mul_(share)
    for_weight_rvd = torch.bmm(error.mT, scaled).to(weight_rvd.dtype)
    return losses_rn1.mean((1, 2)), for_features_rnd, for_weight_rvd, for_bias_r1v


def _precision(weight: Tensor) -> torch.dtype:
    """Precision of the products."""
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


def _shapes_of_exponentials(
    features_nd: Tensor, decoder_dv: Tensor, bias_v: Tensor, ids_n: Tensor
) -> tuple[Tensor, Tensor]:
    num_rows, num_tokens = len(features_nd), decoder_dv.shape[1]
    return features_nd.new_empty(num_rows, num_tokens), features_nd.new_empty(num_rows, 1)


# One operator: inductor would write the powers to another array, and would compute them anew for everyone who reads
# them, not rounded to their precision.
LIBRARY = torch.library.Library("dual_process", "FRAGMENT")
LIBRARY.define("exponentials(Tensor features, Tensor decoder, Tensor bias, Tensor ids) -> (Tensor, Tensor)")
LIBRARY.impl("exponentials", _exponentials, "CPU")
torch.library.register_fake("dual_process::exponentials", _shapes_of_exponentials, lib=LIBRARY)
