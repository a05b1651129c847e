"""AdamW for stacked runs, in which the moments and the step count of chosen runs can be started afresh.

The arithmetic is PyTorch's own fused AdamW. What is added: a step count per parameter and run instead of per
parameter, so that a reset of one run does not touch the bias correction of another.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

VECTOR = 16
"""Floats in a cache line. The fused CPU kernel rounds what is left over after whole lines differently."""


class _Trained(NamedTuple):
    """Parameters of a group that are trained, and the places of their state; all `steps` are views of `counts`."""

    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    steps: list[Tensor]
    counts: Tensor


class StackedAdamW(torch.optim.Optimizer):
    """Decoupled-weight-decay Adam over parameters with a leading run axis.

    Each run follows the course it would take alone under :class:`torch.optim.AdamW`, bit for bit given the same
    gradients. The state of a parameter is `exp_avg` and `exp_avg_sq`, shaped as the parameter, and `step` (R,).

    Parameters
    ----------
    params
        Parameters of shape (R, ...), or groups of them.
    lr
        Learning rate.
    betas
        Decay rates of the two moments.
    eps
        Added to the root of the second moment after bias correction.
    weight_decay
        Decoupled weight decay.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        # "fused" makes the base class load `step` as float32 onto the device of the parameter, as the kernel wants it
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "fused": True}
        super().__init__(params, defaults | {"in_step": True})
        self._kept: dict[int, _Trained] = {}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure
            Evaluates the loss and its gradients first, as Lightning wants it.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            self._update(index, group)
        return loss

    def clear(self, runs: Tensor | Sequence[int], groups: Sequence[int] | None = None) -> None:
        """Forget the moments and the step count of some runs.

        Parameters
        ----------
        runs
            Indices into the run axis.
        groups
            Indices of parameter groups; all of them by default.
        """
        index = torch.as_tensor(runs, dtype=torch.long)
        for group in self.param_groups if groups is None else [self.param_groups[i] for i in groups]:
            for parameter in group["params"]:
                for tensor in self.state[parameter].values():
                    tensor[index.to(tensor.device)] = 0
        self._compare_steps()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state made by :meth:`state_dict`."""
        super().load_state_dict(state_dict)
        self._compare_steps()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what a copy or a state dict holds."""
        super().__setstate__(state)
        self._kept = {}

    def _update(self, index: int, group: dict[str, Any]) -> None:
        """Update the parameters of a group in as few calls as keep the bits, or on a GPU as few as can be."""
        trained = self._trained(index, [parameter for parameter in group["params"] if parameter.grad is not None])
        if trained is None:
            return
        trained.counts.add_(1)
        if trained.counts.is_cuda and not group["in_step"]:
            self._update_at_once(group, trained)
        else:
            self._update_with_kernel(group, trained)

    def _trained(self, index: int, parameters: list[Tensor]) -> _Trained | None:
        """State of some parameters of a group, kept from step to step; None if there are none."""
        kept = self._kept.get(index)
        if kept is not None and list(map(id, kept.parameters)) == list(map(id, parameters)):
            return kept
        if not parameters:
            return None
        states = [self._state_of(parameter) for parameter in parameters]
        counts = torch.stack([state["step"] for state in states])
        for state, step in zip(states, counts, strict=True):
            state["step"] = step  # one addition counts all
        first, second, steps = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
        self._kept[index] = _Trained(parameters, first, second, steps, counts)
        return self._kept[index]

    def _update_at_once(self, group: dict[str, Any], trained: _Trained) -> None:
        """Update whole stacks, each run with a bias correction of its own.

        The kernel knows one step count per tensor, and a call for each of 72 runs and 106 parameters would take longer
        than the rest of the step. Results differ from the kernel's by rounding.
        """
        beta1, beta2 = group["betas"]
        parameters, first, second, steps, _ = trained
        gradients = _gradients(parameters)
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        roots = torch._foreach_sqrt(second)
        step_r = steps[0]  # the parameters of a group are cleared together
        correction_r = (1 - beta2**step_r).sqrt()
        rate_r = -group["lr"] * correction_r / (1 - beta1**step_r)
        for parameter, mean, root in zip(parameters, first, roots, strict=True):
            shape = (-1, *[1] * (parameter.dim() - 1))
            parameter.addcdiv_(mean * rate_r.view(shape), root.add_((group["eps"] * correction_r).view(shape)))

    def _update_with_kernel(self, group: dict[str, Any], trained: _Trained) -> None:
        """Hand the stack to the fused kernel: whole parameters where all runs are in step, else run by run."""
        parameters, first, second, steps, counts = trained
        columns = [parameters, _gradients(parameters), first, second, steps]
        if counts.shape[1] > 1:
            rows: list[tuple[Tensor, ...]] = []
            for row in zip(*columns, strict=True):
                if group["in_step"] and row[0][0].numel() % VECTOR == 0:
                    rows.append((*row[:-1], row[-1][0]))
                else:
                    rows.extend(zip(*(tensor.unbind() for tensor in row), strict=True))
            columns = [list(column) for column in zip(*rows, strict=True)]
        parameters, gradients, first, second, steps = columns
        beta1, beta2 = group["betas"]
        # what torch.optim.adamw calls, but for the counting
        torch._fused_adamw_(
            parameters, gradients, first, second, [], steps, lr=group["lr"], beta1=beta1, beta2=beta2,
            weight_decay=group["weight_decay"], eps=group["eps"], amsgrad=False, maximize=False,
        )  # fmt: skip

    def _state_of(self, parameter: Tensor) -> dict[str, Tensor]:
        state = self.state[parameter]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
            state["step"] = torch.zeros(len(parameter), device=parameter.device)
        return state

    def _compare_steps(self) -> None:
        """Note for each group whether all runs have taken the same number of steps."""
        for group in self.param_groups:
            steps = [self.state[p]["step"] for p in group["params"] if self.state[p]]
            group["in_step"] = all(bool((step == step[0]).all()) for step in steps)


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]
