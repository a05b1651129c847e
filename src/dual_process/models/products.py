"""Products of matrices on a CPU, by the library that is the faster one on its processor.

PyTorch hands float32 products to MKL, which leaves AVX-512 alone on processors that are not Intel's. oneDNN, which
PyTorch carries too but asks in low precision only, does not, and is more than twice as fast there.

Shape letters: R run, N row, I, O input and output features.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dual_process.compiling import tracing

SMALL = 2**14
"""Multiplications of a product that a compiled graph writes out."""
WIDE = 2**13
"""Elements of a layer's weight from which oneDNN makes its gradient, too, where it makes float32 products."""
CPUINFO = Path("/proc/cpuinfo")


def onednn_is_faster() -> bool:
    """Whether this processor knows AVX-512 and MKL would not use it in float32."""
    libraries = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    if not libraries or torch.backends.cpu.get_cpu_capability() != "AVX512" or not CPUINFO.exists():
        return False
    makers = [line for line in CPUINFO.read_text().splitlines() if line.startswith("vendor_id")]
    return bool(makers) and not makers[0].endswith("GenuineIntel")


ONEDNN: bool = onednn_is_faster()
"""Whether float32 products are made by oneDNN; the same at every start, so that the bits are too."""


def product(left_ni: Tensor, right_io: Tensor, bias_o: Tensor | None = None) -> Tensor:
    """Multiply two matrices on the CPU and add a bias, all of one precision; without gradients.

    Where oneDNN does it, a transposed `left_ni` is copied first, a transposed `right_io` is not.
    """
    if tracing():  # else inductor would see the operator of PyTorch within, for which it has plans of its own
        y_no: Tensor = torch.ops.dual_process.product(left_ni, right_io, bias_o)
        return y_no
    return matrix_product(left_ni, right_io, bias_o)


def matrix_product(left_ni: Tensor, right_io: Tensor, bias_o: Tensor | None = None) -> Tensor:
    """What :func:`product` comes to when it is run; for operators that a compiled function does not look into."""
    if made_by_onednn(left_ni.dtype):
        return _linear(left_ni, right_io.t(), bias_o)
    # The sum of both in one call first copies the bias to all rows, which takes longer than this addition.
    y_no = torch.mm(left_ni, right_io)
    return y_no if bias_o is None else y_no.add_(bias_o)


def add_product(left_ni: Tensor, right_io: Tensor, *, to: Tensor) -> None:
    """Add the product of two matrices to one that is there, which may have a higher precision."""
    if made_by_onednn(left_ni.dtype) or left_ni.dtype != to.dtype:
        to.add_(product(left_ni, right_io))
    else:
        to.addmm_(left_ni, right_io)


def made_by_onednn(dtype: torch.dtype) -> bool:
    """Whether products of this precision are made by oneDNN on this machine."""
    if dtype == torch.bfloat16:
        return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return ONEDNN and dtype == torch.float32


def affine(x_rni: Tensor, weight_rio: Tensor, bias_r1o: Tensor) -> Tensor:
    """Map rows (R, N, I) to (R, N, O) by a weight and a bias (R, 1, O) of each run, on any device.

    Under autocast the product and its result have the lower precision.
    """
    lowered = torch.is_autocast_enabled(x_rni.device.type)
    if ONEDNN and not lowered and x_rni.device.type == "cpu" and x_rni.dtype == torch.float32:
        y_rno: Tensor = _Affine.apply(x_rni, weight_rio, bias_r1o)
        return y_rno
    y_rno = torch.bmm(x_rni, weight_rio)
    return y_rno.add_(bias_r1o.to(y_rno.dtype))


def prepared_affine(weight_rio: Tensor, bias_r1o: Tensor, scale: float = 1.0) -> Callable[[Tensor], Tensor]:
    """Make :func:`affine` a function of rows alone, for many calls without gradients.

    Parameters
    ----------
    weight_rio, bias_r1o
        As for :func:`affine`; later changes of them do not reach the function.
    scale
        What the results are multiplied by.
    """
    weight_rio, bias_r1o = weight_rio * scale, bias_r1o * scale
    if not (ONEDNN and weight_rio.device.type == "cpu" and weight_rio.dtype == torch.float32):
        return lambda x_rni: affine(x_rni, weight_rio, bias_r1o)
    # Otherwise every call would rearrange it, which makes one of 200 rows half as long again.
    packed = [torch.ops.mkldnn._reorder_linear_weight(weight_io.t()) for weight_io in weight_rio]
    biases = bias_r1o[:, 0].unbind()
    return lambda x_rni: each_run(_linear, x_rni, packed, biases)


def small_products(left: Tensor, right: Tensor) -> Tensor:
    """Multiply stacks of matrices (..., I, J) and (..., J, O), on any device.

    In a compiled graph on a CPU, products of few rows and columns are written out, so that they become one loop with
    what comes before and after: a call of a library would take longer than the work.
    """
    few = left.shape[-2] * right.shape[-1] * left.shape[-1] <= SMALL
    if few and tracing() and left.device.type == "cpu":
        return (left[..., None] * right[..., None, :, :]).sum(-2)
    return left @ right


def _linear(x_ni: Tensor, weight_oi: Tensor, bias_o: Tensor | None) -> Tensor:
    """Multiply by oneDNN."""
    y_no: Tensor = torch.ops.mkldnn._linear_pointwise(x_ni, weight_oi, bias_o, "none", [], "")
    return y_no


def each_run(function: Callable[..., Tensor], *stacks: Iterable[Tensor]) -> Tensor:
    """Stack what a function makes of the arguments of each run."""
    return stacked([function(*one) for one in zip(*stacks, strict=True)])


def stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Stack what belongs to the runs; a single one is not copied."""
    return tensors[0][None] if len(tensors) == 1 else torch.stack(tuple(tensors))


class _Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_rni: Tensor, weight_rio: Tensor, bias_r1o: Tensor) -> Tensor:
        ctx.save_for_backward(x_rni, weight_rio)
        return _run_by_run(x_rni, weight_rio, bias_r1o)

    @staticmethod
    def backward(ctx: Any, gradient_rno: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x_rni, weight_rio = ctx.saved_tensors
        for_x = _run_by_run(gradient_rno, weight_rio.mT)
        # Both factors have to be rearranged for oneDNN, which for small ones takes longer than MKL loses.
        wide = weight_rio[0].numel() >= WIDE
        for_weight = _run_by_run(x_rni.mT, gradient_rno) if wide else torch.bmm(x_rni.mT, gradient_rno)
        return for_x, for_weight, gradient_rno.sum(1, keepdim=True)


def _run_by_run(x_rni: Tensor, weight_rio: Tensor, bias_r1o: Tensor | None = None) -> Tensor:
    return each_run(product, x_rni, weight_rio, *([] if bias_r1o is None else [bias_r1o[:, 0]]))


def _shape_of_product(left_ni: Tensor, right_io: Tensor, bias_o: Tensor | None) -> Tensor:
    return left_ni.new_empty(left_ni.shape[0], right_io.shape[1])


LIBRARY = torch.library.Library("dual_process", "DEF")
LIBRARY.define("product(Tensor left, Tensor right, Tensor? bias) -> Tensor")
LIBRARY.impl("product", matrix_product, "CPU")
torch.library.register_fake("dual_process::product", _shape_of_product, lib=LIBRARY)
