"""Stacked cross-entropy against PyTorch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dual_process.models import losses, products
from dual_process.models.losses import stacked_cross_entropy


def arguments(num_runs: int, scale: float = 1.0) -> tuple[list[Tensor], Tensor]:
    torch.manual_seed(0)
    shapes = ((num_runs, 12, 8), (num_runs, 31, 8), (num_runs, 1, 31))
    return [(torch.randn(shape) * scale).requires_grad_() for shape in shapes], torch.randint(31, (num_runs, 12))


def rows_at_once(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "rows_at_once", lambda num_rows, num_tokens, precision: number)


def five_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows_at_once(5, monkeypatch)


def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "_on_a_cpu", losses._by_softmax)


@pytest.fixture(params=["at once", "in pieces", "at once by oneDNN", "in pieces by oneDNN", "as on a GPU"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute all rows together, or five at a time, with either library; or by softmax, as other devices do."""
    monkeypatch.setattr(products, "ONEDNN", request.param.endswith("oneDNN"))
    if request.param.startswith("in pieces"):
        five_rows_at_once(monkeypatch)
    if request.param == "as on a GPU":
        as_on_a_gpu(monkeypatch)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("num_runs", [1, 3])
def test_loss_and_gradients(num_runs: int) -> None:
    (features, weight, bias), targets = arguments(num_runs)
    share = torch.arange(1.0, num_runs + 1)  # a different upstream gradient for each run
    ours = stacked_cross_entropy(features, weight, bias, targets)
    gradients = torch.autograd.grad((share * ours).sum(), (features, weight, bias))
    logits = features @ weight.transpose(1, 2) + bias
    theirs = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(1)
    expected = torch.autograd.grad((share * theirs).sum(), (features, weight, bias))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("pieces")
def test_loss_stays_finite_where_the_probability_of_the_target_underflows() -> None:
    (features, weight, bias), targets = arguments(1, scale=15.0)
    logits = features @ weight.transpose(1, 2) + bias
    theirs = functional.cross_entropy(logits[0], targets[0])
    assert (logits.softmax(-1).gather(2, targets[..., None]) == 0).any()
    torch.testing.assert_close(stacked_cross_entropy(features, weight, bias, targets)[0], theirs)


def test_a_second_backward_pass_says_that_the_gradients_are_gone() -> None:
    inputs, targets = arguments(2)
    loss = stacked_cross_entropy(*inputs, targets).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="can be had once: call it again"):
        loss.backward()


@pytest.mark.usefixtures("pieces")
def test_gradients_are_added_to_those_that_are_there() -> None:
    inputs, targets = arguments(2)
    once = torch.autograd.grad(stacked_cross_entropy(*inputs, targets).sum(), inputs)
    for _ in range(2):
        stacked_cross_entropy(*inputs, targets).sum().backward()
    for tensor, gradient in zip(inputs, once, strict=True):
        assert torch.equal(tensor.grad, 2 * gradient)


@pytest.mark.usefixtures("pieces")
def test_nothing_is_written_to_the_arguments() -> None:
    inputs, targets = arguments(2)
    before = [tensor.detach().clone() for tensor in inputs]
    stacked_cross_entropy(*inputs, targets).sum().backward()
    for tensor, original in zip(inputs, before, strict=True):
        assert torch.equal(tensor, original)


def test_a_few_rows_at_a_time_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = arguments(2)
    found = []
    for at_once in (1, 5, 12):  # the second makes pieces of 5, 5 and 2
        rows_at_once(at_once, monkeypatch)
        loss = stacked_cross_entropy(*inputs, targets)
        found.append([loss.detach(), *torch.autograd.grad(loss.sum(), inputs)])
    for pieces in found[:2]:
        for one, two in zip(pieces, found[2], strict=True):
            torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shift", [-200.0, 200.0])
def test_logits_whose_exponentials_all_vanish_or_overflow(shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = arguments(2)
    wanted = stacked_cross_entropy(*inputs, targets)
    gradients = torch.autograd.grad(wanted.sum(), inputs)
    five_rows_at_once(monkeypatch)
    features, weight, bias = inputs
    moved = [features, weight, (bias + shift).detach().requires_grad_()]  # the same loss and the same gradients
    found = stacked_cross_entropy(*moved, targets)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    for gradient, expected in zip(torch.autograd.grad(found.sum(), moved), gradients, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("num_rows", "num_tokens", "threads", "onednn", "expected"),
    [
        (384, 2_202, 1, False, 192),  # of 238 that have room
        (384, 11_002, 1, False, 64),
        (384, 11_002, 2, False, 128),
        (384, 11_002, 1, True, 192),
        (384, 11_002, 2, True, 384),
        (9, 11_002, 2, False, 9),
    ],
)
def test_rows_at_once(
    num_rows: int, num_tokens: int, threads: int, onednn: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(products, "ONEDNN", onednn)
    assert losses.rows_at_once(num_rows, num_tokens, torch.float32) == expected


@pytest.mark.usefixtures("pieces")
def test_autocast_leaves_the_type_of_the_gradients() -> None:
    inputs, targets = arguments(2)
    with torch.autocast("cpu", torch.bfloat16):
        lowered = stacked_cross_entropy(*inputs, targets)
    full = stacked_cross_entropy(*inputs, targets)
    torch.testing.assert_close(lowered, full, rtol=0.01, atol=0)
    pairs = [torch.autograd.grad(loss.sum(), inputs) for loss in (lowered, full)]
    for gradient, wanted in zip(*pairs, strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, wanted, rtol=0, atol=0.02 * float(wanted.abs().max()))
        assert not torch.equal(gradient, wanted)
