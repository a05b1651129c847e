"""Cross-entropy of a tied decoder, a few rows at a time, with the logits overwritten by their own gradient.

With a large vocabulary a training step spends most of its time on arrays of the logits' size. PyTorch's own
cross-entropy makes four of them and reads them from memory again and again. This one makes a single array of a few
rows' logits, turns it into their gradient and uses that up while it is still in a cache.

Shape letters: R run, N row, D width, V token.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LOGITS_AT_ONCE = 1 << 19
"""Logits of a run that are computed together on a CPU, unless those of one row are more; 2 MB, as large as a cache."""
TIMES_IN_LOW_PRECISION = 16
"""How many times more they are if the products have a lower precision; each piece has the whole decoder rearranged."""


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


class _StackedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features_rnd: Tensor, weight_rvd: Tensor, bias_r1v: Tensor, targets_rn: Tensor) -> Tensor:
        num_runs, num_tokens, _ = weight_rvd.shape
        num_rows = targets_rn.shape[1]
        precision = _precision(weight_rvd)
        features, weight = features_rnd.to(precision), weight_rvd.to(precision)
        scaled = (features_rnd * (1 / num_rows)).to(precision)
        for_features = weight_rvd.new_empty(features.shape)
        for_weight, for_bias = torch.empty_like(weight_rvd), torch.empty_like(bias_r1v)
        pieces = _pieces(num_rows, weight_rvd, precision)
        buffer = weight_rvd.new_empty(num_runs, pieces[0].stop, num_tokens)
        losses = []
        for rows in pieces:
            ids_rn1 = targets_rn[:, rows, None]
            logits_rnv = buffer[:, : ids_rn1.shape[1]]
            _multiply(features[:, rows], weight.transpose(1, 2), out=logits_rnv).add_(bias_r1v)
            right, largest = logits_rnv.gather(2, ids_rn1), logits_rnv.amax(2, keepdim=True)
            probabilities = torch.softmax(logits_rnv, 2, out=logits_rnv)
            # log-sum-exp by way of the most probable token, whose probability cannot underflow
            losses.append(largest - probabilities.amax(2, keepdim=True).log() - right)
            error_rnv = probabilities.scatter_add_(2, ids_rn1, largest.new_full((1, 1, 1), -1.0).expand(ids_rn1.shape))
            error = error_rnv.to(precision)
            _multiply(error, weight, out=for_features[:, rows])
            _multiply(error.transpose(1, 2), scaled[:, rows], out=for_weight, add=rows.start > 0)
            _add_up(error_rnv, out=for_bias, add=rows.start > 0)
        ctx.save_for_backward(for_features, for_weight, for_bias)
        ctx.scale, ctx.dtype = 1 / num_rows, features_rnd.dtype
        return torch.cat(losses, 1).mean((1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_r: Tensor) -> tuple[Tensor | None, ...]:
        for_features, for_weight, for_bias = ctx.saved_tensors
        gradient = gradient_r[:, None, None]
        scale = gradient * ctx.scale
        return (for_features * scale).to(ctx.dtype), for_weight * gradient, for_bias * scale, None


def _precision(weight: Tensor) -> torch.dtype:
    """Precision of the products."""
    device = weight.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


def _pieces(num_rows: int, weight_rvd: Tensor, precision: torch.dtype) -> list[slice]:
    """Rows that are worked on together: all of them on a GPU, where many small pieces would leave it idle."""
    on_cpu = weight_rvd.device.type == "cpu"
    at_once = LOGITS_AT_ONCE * (1 if precision == weight_rvd.dtype else TIMES_IN_LOW_PRECISION)
    size = min(num_rows, max(1, at_once // weight_rvd.shape[1])) if on_cpu else num_rows
    return [slice(start, min(start + size, num_rows)) for start in range(0, num_rows, size)]


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
