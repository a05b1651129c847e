"""The stacked optimizer against torch.optim.AdamW, and its restart of chosen runs."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from dual_process.models.convert import to_transformers
from dual_process.training.optimizer import StackedAdamW
from tests.peers import POSITIONS, batches, peer_loss, peers, stack_of, stacked_losses

SETTINGS = {"lr": 3e-4, "weight_decay": 0.01}
SHAPES = ((5, 16), (1, 19), (3,))  # per run; a whole number of cache lines, and two that are not


def parameters(num_runs: int) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(num_runs, *shape).requires_grad_() for shape in SHAPES]


def set_gradients(stack: Sequence[Tensor], step: int, runs: Sequence[int]) -> None:
    """Give each run the gradient of its own number, whatever the stack."""
    for index, parameter in enumerate(stack):
        generators = [torch.Generator().manual_seed(1000 * run + 10 * step + index) for run in runs]
        parameter.grad = torch.stack([torch.randn(parameter.shape[1:], generator=g) for g in generators])


def in_groups(stack: Sequence[Tensor]) -> list[dict[str, list[Tensor]]]:
    return [{"params": [stack[0]]}, {"params": list(stack[1:])}]


@pytest.mark.parametrize("fused", [True, False])
def test_course_is_that_of_torch(fused: bool) -> None:
    settings = {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}
    stack = parameters(3)
    alone = [[parameter[run].detach().clone() for parameter in stack] for run in range(3)]
    ours = StackedAdamW(in_groups(stack), **settings)
    theirs = [torch.optim.AdamW(single, fused=fused, **settings) for single in alone]
    for step in range(10):
        set_gradients(stack, step, range(3))
        for run, single in enumerate(alone):
            for parameter, whole in zip(single, stack, strict=True):
                parameter.grad = whole.grad[run].clone()
            theirs[run].step()
        ours.step()
    for run, single in enumerate(alone):
        for parameter, whole in zip(single, stack, strict=True):
            torch.testing.assert_close(whole[run], parameter, rtol=0, atol=0 if fused else 1e-6)


def test_training_agrees_with_transformers_under_torch() -> None:
    models = peers(2, heads=2)
    ours = stack_of(models)
    optimizer = StackedAdamW(ours.parameters(), **SETTINGS)
    theirs = [torch.optim.AdamW(model.parameters(), **SETTINGS) for model in models]
    start = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    for step in range(20):
        ids_rbs, targets_rbt = batches(2, seed=step)
        optimizer.zero_grad()
        stacked_losses(ours, ids_rbs, targets_rbt).sum().backward()
        optimizer.step()
        for run, model in enumerate(models):
            theirs[run].zero_grad()
            peer_loss(model, ids_rbs[run], targets_rbt[run]).backward()
            theirs[run].step()
    assert max(float((tensor - start[name]).abs().max()) for name, tensor in ours.state_dict().items()) > 1e-3
    for run, model in enumerate(models):
        converted = to_transformers(ours.state_dict(), run)
        for name, parameter in model.named_parameters():
            wanted = parameter[:POSITIONS] if "position" in name else parameter
            if "token_type" in name:  # their second token type only decays
                wanted, converted[name] = wanted[:1], converted[name][:1]
            if name.endswith("key.bias"):  # its true gradient is zero: Adam amplifies each side's rounding
                continue
            torch.testing.assert_close(converted[name], wanted.detach(), rtol=0, atol=1e-5)


def clear_on_the_way(stack: list[Tensor], runs: Sequence[int], cleared: dict[int, list[tuple[int, int]]]) -> None:
    """Train for 8 steps; after step s forget what `cleared[s]` lists as pairs (run, group)."""
    optimizer = StackedAdamW(in_groups(stack), lr=0.01)
    for step in range(8):
        set_gradients(stack, step, runs)
        optimizer.step()
        for run, group in cleared.get(step, []):
            if run in runs:
                optimizer.clear([runs.index(run)], [group])


def test_members_take_the_same_course_bit_for_bit_as_alone() -> None:
    cleared = {2: [(1, 0)], 4: [(0, 1), (1, 1), (2, 1)], 5: [(2, 0)]}
    stack = parameters(3)
    alone = [[parameter[run : run + 1].detach().clone() for parameter in stack] for run in range(3)]
    clear_on_the_way(stack, range(3), cleared)
    for run, single in enumerate(alone):
        clear_on_the_way(single, [run], cleared)
        for parameter, whole in zip(single, stack, strict=True):
            assert torch.equal(parameter[0], whole[run])


def test_whole_stacks_at_once_take_the_same_course(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, where runs are out of step."""
    cleared = {2: [(1, 0)], 4: [(0, 1), (1, 1), (2, 1)], 5: [(2, 0)]}
    kernel, at_once = parameters(3), parameters(3)
    clear_on_the_way(kernel, range(3), cleared)

    monkeypatch.setattr(StackedAdamW, "_update_with_kernel", StackedAdamW._update_at_once)
    clear_on_the_way(at_once, range(3), cleared)
    for one, other, start in zip(at_once, kernel, parameters(3), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
        assert (one - start).abs().max() > 1e-3


@pytest.mark.parametrize("runs", [[1], torch.tensor([1])])
def test_clear_restarts_the_chosen_run_and_group_alone(runs: Sequence[int] | Tensor) -> None:
    stack = parameters(3)
    optimizer = StackedAdamW(in_groups(stack), lr=0.01)
    for step in range(4):
        set_gradients(stack, step, range(3))
        optimizer.step()
    before = [{key: value.clone() for key, value in optimizer.state[p].items()} for p in stack]
    optimizer.clear(runs, [0])
    for index, (parameter, old) in enumerate(zip(stack, before, strict=True)):
        for key, value in optimizer.state[parameter].items():
            assert torch.equal(value[[0, 2]], old[key][[0, 2]])
            assert bool(value[1].any()) == (index > 0)
            assert old[key].any()
    fresh = [stack[0][1].detach().clone(), *(p[1].detach().clone() for p in stack[1:])]
    restarted = torch.optim.AdamW(fresh[:1], lr=0.01, fused=True)
    set_gradients(stack, 4, range(3))
    fresh[0].grad = stack[0].grad[1].clone()
    restarted.step()
    optimizer.step()
    assert torch.equal(stack[0][1], fresh[0])
    assert [optimizer.state[p]["step"].tolist() for p in stack] == [[5, 1, 5], [5, 5, 5], [5, 5, 5]]


def test_clear_reaches_all_groups_by_default_and_may_come_before_the_first_step() -> None:
    stack = parameters(2)
    optimizer = StackedAdamW(in_groups(stack), lr=0.01)
    optimizer.clear([0])
    set_gradients(stack, 0, range(2))
    optimizer.step()
    optimizer.clear([0])
    assert [optimizer.state[p]["step"].tolist() for p in stack] == [[0, 1]] * 3


def test_state_survives_safetensors() -> None:
    stack = parameters(2)
    optimizer = StackedAdamW(in_groups(stack), lr=0.01)
    for step in range(3):
        set_gradients(stack, step, range(2))
        optimizer.step()
        if step == 1:
            optimizer.clear([1], [0])
    flat = {f"{i}.{key}": value for i, entry in optimizer.state_dict()["state"].items() for key, value in entry.items()}
    stored = load(save(flat | {f"stack.{i}": p.detach() for i, p in enumerate(stack)}))
    copies = [stored[f"stack.{i}"].clone().requires_grad_() for i in range(len(stack))]
    resumed = StackedAdamW(in_groups(copies), lr=0.01)
    state = {i: {key: stored[f"{i}.{key}"] for key in ("exp_avg", "exp_avg_sq", "step")} for i in range(len(stack))}
    resumed.load_state_dict({"state": state, "param_groups": resumed.state_dict()["param_groups"]})
    for step in range(3, 6):
        for tensors, either in ((stack, optimizer), (copies, resumed)):
            set_gradients(tensors, step, range(2))
            either.step()
    for parameter, copy in zip(stack, copies, strict=True):
        assert torch.equal(parameter, copy)
        for key, value in optimizer.state[parameter].items():
            assert torch.equal(value, resumed.state[copy][key])


def test_a_long_life_is_that_of_one_optimizer_a_step() -> None:
    """Copies, moved weights, missing gradients and cleared runs leave nothing behind but the state."""
    kept, fresh = parameters(3), parameters(3)
    optimizer = StackedAdamW(in_groups(kept), lr=0.01)
    state: dict[str, Any] = optimizer.state_dict()
    for step in range(6):
        anew = StackedAdamW(in_groups(fresh), lr=0.01)
        anew.load_state_dict(state)
        for stack, either in ((kept, optimizer), (fresh, anew)):
            set_gradients(stack, step, range(3))
            if step == 2:
                stack[1].grad = None
            if step == 3:
                stack[0].data = stack[0].data.clone()
            either.step()
            if step == 4:
                either.clear([1], [0])
        state = deepcopy(anew.state_dict())
        if step == 1:
            optimizer = deepcopy(optimizer)
            kept = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for one, other in zip(kept, fresh, strict=True):
        assert torch.equal(one, other)


def test_parameters_without_gradient_stay() -> None:
    stack = parameters(2)
    optimizer = StackedAdamW(in_groups(stack), lr=0.01)
    set_gradients(stack, 0, range(2))
    stack[1].grad = None
    before = stack[1].detach().clone()
    optimizer.step()
    assert torch.equal(stack[1], before)


def test_closure_is_evaluated_with_gradients() -> None:
    parameter = torch.ones(2, 4).requires_grad_()
    optimizer = StackedAdamW([parameter], lr=0.01)

    def closure() -> Tensor:
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 8
    assert (parameter < 1).all()
