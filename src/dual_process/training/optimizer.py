"""AdamW for stacked runs, in which the moments and the step count of chosen runs can be started afresh.

The arithmetic is PyTorch's own fused AdamW. What is added: a step count per parameter and run instead of per
parameter, so that a reset of one run does not touch the bias correction of another.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

VECTOR = 16
"""Floats in a cache line. The fused CPU kernel rounds what is left over after whole lines differently."""


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
        for group in self.param_groups:
            self._update(group)
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

    def _update(self, group: dict[str, Any]) -> None:
        """Update the parameters of a group in as few calls as keep the bits, or on a GPU as few as can be."""
        trained = [parameter for parameter in group["params"] if parameter.grad is not None]
        if trained and trained[0].is_cuda and not group["in_step"]:
            self._update_at_once(group, trained)
        else:
            self._update_with_kernel(group, trained)

    def _update_at_once(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Update whole stacks, each run with a bias correction of its own.

        The kernel knows one step count per tensor, and a call for each of 72 runs and 106 parameters would take longer
        than the rest of the step. Results differ from the kernel's by rounding.
        """
        beta1, beta2 = group["betas"]
        states = [self._state_of(parameter) for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        first, second, steps = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
        torch._foreach_add_(steps, 1)
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

    def _update_with_kernel(self, group: dict[str, Any], trained: list[Tensor]) -> None:
        """Hand the stack to the fused kernel: whole parameters where all runs are in step, else run by run."""
        rows: list[tuple[Tensor, ...]] = []
        counted_once = []
        for parameter in trained:
            state = self._state_of(parameter)
            step, runs = state["step"], len(state["step"])
            assert parameter.grad is not None, "the caller has chosen those that have one"
            row = (parameter, parameter.grad, state["exp_avg"], state["exp_avg_sq"], step)
            if runs == 1:
                rows.append(row)
            elif group["in_step"] and parameter.numel() // runs % VECTOR == 0:
                rows.append((*row[:-1], step[0]))
                counted_once.append(step)  # the kernel counts for the first run only
            else:
                rows.extend(zip(*(tensor.unbind() for tensor in row), strict=True))
        if not rows:
            return
        parameters, gradients, first, second, steps = map(list, zip(*rows, strict=True))
        beta1, beta2 = group["betas"]
        adamw(
            parameters, gradients, first, second, [], steps, fused=True, amsgrad=False, maximize=False,
            beta1=beta1, beta2=beta2, lr=group["lr"], weight_decay=group["weight_decay"], eps=group["eps"],
        )  # fmt: skip
        for step in counted_once:
            step[1:] = step[0]

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
