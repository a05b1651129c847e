"""The forward pass of an evaluation on a CPU as a compiled graph, which is quicker by a third.

Shape letters: R run, B batch, S position, T target position, D width.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dual_process.compiling import compiled
from dual_process.models.interface import StackedModel

WORTH_FILLING = 0.5
"""Share of a batch from which the graph computes it, filled up; smaller ones are quicker without it."""


class CompiledFeatures:
    """Features of a stack at its targets, without gradients, of which graphs know batches of one size.

    Parameters
    ----------
    targets
        Target positions.
    batch_size
        Sequences per run of such a batch.
    """

    def __init__(self, targets: Sequence[int], batch_size: int) -> None:
        self.targets, self.batch_size = targets, batch_size
        self._graphs: dict[Any, Callable[..., Tensor]] = {}

    def __call__(self, model: StackedModel, ids_rbs: Tensor) -> Tensor:
        """Features (R, B, T, D) of a model in evaluation mode with all its heads."""
        size = ids_rbs.shape[1]
        if not WORTH_FILLING * self.batch_size <= size <= self.batch_size:
            features_rbtd: Tensor = model(ids_rbs, self.targets)
            return features_rbtd
        filled_rbs = torch.cat([ids_rbs, ids_rbs[:, :1].expand(-1, self.batch_size - size, -1)], 1)
        state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
        arguments = filled_rbs, *state.values()
        key = type(model), tuple(tensor.shape for tensor in arguments)
        if key not in self._graphs:
            self._graphs[key] = compiled(self._function(model, list(state)), *arguments)
        return self._graphs[key](*arguments)[:, :size]

    def _function(self, model: StackedModel, names: Sequence[str]) -> Callable[..., Tensor]:
        """Make a function of ids and of all parameters."""

        def features(ids_rbs: Tensor, *parameters: Tensor) -> Tensor:
            state = dict(zip(names, parameters, strict=True))
            result: Tensor = torch.func.functional_call(model, state, (ids_rbs, self.targets))
            return result

        return features
