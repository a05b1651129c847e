"""Products by oneDNN against PyTorch's own."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dual_process.compiling import compiled
from dual_process.models import products
from tests.compiles import compiles

by_either = pytest.mark.parametrize("onednn", [False, True])


def factors(num_runs: int) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = ((num_runs, 9, 16), (num_runs, 16, 24), (num_runs, 1, 24))
    return [torch.randn(shape).requires_grad_() for shape in shapes]


@by_either
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("num_runs", [1, 3])
def test_affine_maps_and_their_gradients(
    num_runs: int, wide: bool, onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "ONEDNN", onednn)
    monkeypatch.setattr(products, "WIDE", 1 if wide else 10**9)
    inputs = factors(num_runs)
    x, weight, bias = (tensor.double() for tensor in inputs)
    upstream = torch.randn(num_runs, 9, 24)
    ours, theirs = products.affine(*inputs), torch.einsum("rni,rio->rno", x, weight) + bias
    torch.testing.assert_close(ours, theirs.float())
    expected = torch.autograd.grad(theirs, inputs, upstream.double())
    for gradient, wanted in zip(torch.autograd.grad(ours, inputs, upstream), expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-5, atol=1e-5)


@by_either
def test_transposed_weights_without_gradients(onednn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", onednn)
    x, weight, bias = factors(2)
    with torch.inference_mode():
        found = products.affine(x, weight.mT.contiguous().mT, bias)
    torch.testing.assert_close(found, x @ weight + bias)


@by_either
def test_prepared_maps(onednn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", onednn)
    x, weight, bias = (tensor.detach() for tensor in factors(2))
    wanted = 3 * (x @ weight + bias)
    function = products.prepared_affine(weight.mT.contiguous().mT, bias, 3.0)
    weight.zero_()
    for rows in (9, 4):
        torch.testing.assert_close(function(x[:, :rows]), wanted[:, :rows])


@by_either
def test_autocast_lowers_the_precision(onednn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", onednn)
    with torch.autocast("cpu", torch.bfloat16):
        assert products.affine(*factors(1)).dtype == torch.bfloat16


@by_either
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_two_matrices(dtype: torch.dtype, onednn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", onednn)
    x, weight, bias = (tensor.detach()[0].to(dtype) for tensor in factors(1))
    there, tolerance = torch.ones(9, 24), {"rtol": 2e-2, "atol": 5e-2} if dtype == torch.bfloat16 else {}
    wanted = x.float() @ weight.float()
    for left, right in ((x, weight), (x.t().contiguous().t(), weight.t().contiguous().t())):
        found = products.product(left, right, bias[0])
        assert found.dtype == dtype
        torch.testing.assert_close(found.float(), wanted + bias.float(), **tolerance)
        total = there.clone()
        products.add_product(left, right, to=total)
        torch.testing.assert_close(total, wanted + 1, **tolerance)


def with_gradients(function: Callable[..., Tensor]) -> Callable[..., list[Tensor]]:
    """Make a function of arguments and an upstream gradient that gives the result and the gradients."""

    def both(*tensors: Tensor) -> list[Tensor]:
        *inputs, upstream = (tensor.detach().requires_grad_() for tensor in tensors)
        with torch.enable_grad():
            result = function(*inputs)
        return [result.detach(), *torch.autograd.grad(result, inputs, upstream)]

    return both


@compiles
@pytest.mark.parametrize("small", [True, False])
def test_many_small_products_and_their_gradients(small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SMALL", 3 * 5 * 4 if small else 3 * 5 * 4 - 1)
    torch.manual_seed(0)
    tensors = [torch.randn(2, 6, *shape) for shape in ((3, 5), (5, 4), (3, 4))]
    found = compiled(with_gradients(products.small_products), *tensors)(*tensors)
    wanted = with_gradients(torch.matmul)(*(tensor.double() for tensor in tensors))
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs.float())


@compiles
def test_a_compiled_map_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", True)
    tensors = [tensor.detach() for tensor in factors(2)] + [torch.randn(2, 9, 24)]
    function = with_gradients(products.affine)
    *eager, for_bias = function(*tensors)
    *ours, ours_for_bias = compiled(function, *tensors)(*tensors)
    for one, other in zip(eager, ours, strict=True):
        assert torch.equal(one, other)
    torch.testing.assert_close(ours_for_bias, for_bias, rtol=1e-6, atol=1e-6)  # this sum is inductor's


@pytest.mark.parametrize(
    ("capability", "lines", "expected"),
    [
        ("AVX512", "processor\t: 0\nvendor_id\t: AuthenticAMD\n", True),
        ("AVX512", "processor\t: 0\nvendor_id\t: GenuineIntel\n", False),
        ("AVX2", "processor\t: 0\nvendor_id\t: AuthenticAMD\n", False),
        ("AVX512", "processor\t: 0\n", False),
        ("AVX512", None, False),
    ],
)
def test_where_onednn_is_faster(
    capability: str, lines: str | None, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lines is not None:
        (tmp_path / "cpuinfo").write_text(lines)
    monkeypatch.setattr(products, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert products.onednn_is_faster() == expected
