"""The compiled step against the step that PyTorch takes by itself."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dual_process.models import losses
from dual_process.models.interface import StackedModel
from dual_process.models.registry import BUILDERS
from dual_process.training import compiled_step
from dual_process.training.compiled_step import TIED, Body, CompiledStep
from dual_process.training.optimizer import VECTOR, StackedAdamW
from tests.compiles import compiles

TARGETS = (4, 5, 6)
SIZES = {"num_tokens": 30, "num_positions": 7, "layers": 2, "width": 16, "heads": 2, "feed_forward": 24, "dropout": 0.2}


def make_model(kind: str = "bert", num_runs: int = 2) -> StackedModel:
    model = BUILDERS[kind]({**SIZES, "num_runs": num_runs}, 0)
    model.initialise([torch.Generator().manual_seed(run) for run in range(num_runs)])
    with torch.no_grad():
        for parameter in model.parameters():  # biases, too, and no gradient that is next to nothing
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(7)) * 0.2)
    return model


def make_batch(num_runs: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(9)
    inputs = torch.randint(0, 9, (num_runs, 5, 7), generator=generator)  # many are padding, and many come again
    return inputs, torch.randint(0, 9, (num_runs, 5, 3), generator=generator)


def plain(model: StackedModel, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor | None]]:
    """Losses and gradients by autograd."""
    model.zero_grad()
    torch.manual_seed(3)
    losses_r = model.losses(model(batch[0], TARGETS).flatten(1, 2), batch[1].flatten(1))
    losses_r.sum().backward()
    return losses_r.detach(), {name: parameter.grad for name, parameter in model.named_parameters()}


def ours(step: CompiledStep, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor | None]]:
    """Losses and gradients of a compiled step."""
    leaves = [step.body.together, *(dict(step.model.named_parameters()).get(name) for name in TIED)]
    for leaf in leaves:
        if leaf is not None:
            leaf.grad = None
    torch.manual_seed(3)
    losses_r = step(*batch)
    losses_r.sum().backward()
    assert step.body.together.grad is not None
    found: dict[str, Tensor | None] = dict(step.body.parts(step.body.together.grad))
    return losses_r.detach(), found | {
        name: leaf.grad for name, leaf in zip(TIED, leaves[1:], strict=True) if leaf is not None
    }


def assert_close(
    found: tuple[Tensor, dict[str, Tensor | None]], wanted: tuple[Tensor, dict[str, Tensor | None]], share: float
) -> None:
    """Compare losses and gradients; the difference is measured against each parameter's largest gradient."""
    torch.testing.assert_close(found[0], wanted[0], rtol=share, atol=0)
    assert set(found[1]) == set(wanted[1])
    for name, gradient in wanted[1].items():
        mine = found[1][name]
        assert gradient is not None
        assert mine is not None
        if not name.endswith("key.bias"):  # whose gradient is rounding noise
            torch.testing.assert_close(mine, gradient, rtol=0, atol=share * float(gradient.abs().max()), msg=name)


@compiles
@pytest.mark.parametrize(("kind", "num_runs"), [("bert", 1), ("bert", 2), ("gpt2", 2)])
def test_losses_and_gradients_are_those_of_autograd(kind: str, num_runs: int) -> None:
    model, batch = make_model(kind, num_runs), make_batch(num_runs)
    wanted = plain(model, batch)
    assert_close(ours(CompiledStep(model, TARGETS), batch), wanted, 1e-5)


@compiles
def test_a_few_rows_at_a_time_without_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "rows_at_once", lambda num_rows, num_tokens, precision: 4)
    model, batch = make_model().eval(), make_batch()
    wanted = plain(model, batch)
    assert_close(ours(CompiledStep(model, TARGETS), batch), wanted, 1e-5)


@compiles
def test_autocast_lowers_the_precision_of_its_own_graph() -> None:
    model, batch = make_model(), make_batch()
    exact, step = plain(model, batch), CompiledStep(model, TARGETS)
    with torch.autocast("cpu", torch.bfloat16):
        wanted, found = plain(model, batch), ours(step, batch)
    assert_close(found, wanted, 0.05)  # each is up to 0.02 away from the exact ones
    assert_close(found, exact, 0.05)
    for name, gradient in found[1].items():
        assert gradient is not None
        assert gradient.dtype == torch.float32, name
    again = ours(step, batch)
    assert not torch.equal(again[0], found[0])
    assert_close(again, exact, 1e-5)


@compiles
def test_later_steps_see_other_weights_other_batches_and_other_masks() -> None:
    model, first = make_model(), make_batch()
    step, second = CompiledStep(model, TARGETS), tuple(tensor.flip(1, 2) for tensor in make_batch())
    ours(step, first)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # as a callback that forgets would write
    found = ours(step, second)
    assert_close(found, plain(model, second), 1e-5)
    torch.manual_seed(4)
    assert not torch.equal(step(*second), found[0])


@compiles
@pytest.mark.parametrize("kind", ["bert", "gpt2"])
@pytest.mark.parametrize("shift", [-200.0, 200.0])
def test_where_exponentials_are_not_safe_the_step_is_taken_plainly(kind: str, shift: float) -> None:
    model, batch = make_model(kind), make_batch()
    step, wanted = CompiledStep(model, TARGETS), plain(model, batch)
    with torch.no_grad():
        model.decoder_bias[1] += shift  # of one run: the same losses and the same gradients
    assert_close(ours(step, batch), wanted, 1e-4)


@compiles
def test_each_run_has_an_upstream_gradient_of_its_own_and_there_is_one_backward_pass() -> None:
    model, batch = make_model(), make_batch()
    step = CompiledStep(model, TARGETS)
    _, once = ours(step, batch)
    weight = model.word_embedding.weight
    weight.grad = None
    torch.manual_seed(3)
    loss = (step(*batch) * torch.tensor([1.0, 3.0])).sum()
    loss.backward(retain_graph=True)
    assert once["word_embedding.weight"] is not None
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, once["word_embedding.weight"] * torch.tensor([1.0, 3.0])[:, None, None])
    with pytest.raises(RuntimeError, match="can be had once: take the step again"):
        loss.backward()


@compiles
def test_a_graph_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Callable[..., object]] = []
    compiled = compiled_step.compiled
    monkeypatch.setattr(compiled_step, "compiled", lambda *a: made.append(compiled(*a)) or made[-1])
    step = CompiledStep(make_model(), TARGETS)
    for _ in range(3):
        ours(step, make_batch())
    assert len(made) == 1


def test_the_body_is_one_tensor_of_which_the_parameters_are_parts() -> None:
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    body = Body(model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    parts = body.parts(body.together.detach())
    assert set(parts) | set(TIED) == set(before)
    with torch.no_grad():
        body.together.zero_()
    for name, part in parts.items():
        parameter = model.get_parameter(name)
        assert parameter.shape == part.shape
        assert not parameter.any()
        assert part.storage_offset() % VECTOR == 0
    model.load_state_dict(before)
    for name, part in parts.items():
        assert torch.equal(part, before[name])


def test_a_body_is_trained_to_the_bits_of_its_parts() -> None:
    settings = {"lr": 0.01, "weight_decay": 0.1}
    alone, model = make_model(num_runs=1), make_model(num_runs=1)
    body = Body(model)
    optimizers = [StackedAdamW([body.together], **settings), StackedAdamW(alone.parameters(), **settings)]
    for seed in range(3):
        torch.manual_seed(seed)
        body.together.grad = torch.randn(body.together.shape)
        parts = body.parts(body.together.grad)
        for name, parameter in alone.named_parameters():
            parameter.grad = parts[name].clone() if name in parts else None
        for optimizer in optimizers:
            optimizer.step()
    for name, part in body.parts(body.together.detach()).items():
        assert torch.equal(part, alone.get_parameter(name)), name
