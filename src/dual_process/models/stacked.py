"""Layers whose parameters carry a leading ``run`` axis: many small networks as one tensor program.

A stack of one run is an ordinary network. Shape letters, here and in the models built from these layers:

====== ==========================================
letter axis
====== ==========================================
R      run: member of the cohort
N      row: any flattened batch of vectors
I, O   input and output features
D      model width
====== ==========================================
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dual_process.models.products import affine, each_run


class StackedLinear(nn.Module):
    """One affine map per run, ``y[r] = x[r] @ weight[r] + bias[r]``.

    Parameters
    ----------
    num_runs, inputs, outputs
        Sizes R, I and O. The weight is stored as (R, I, O), the transpose of :class:`torch.nn.Linear`.
    """

    def __init__(self, num_runs: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_runs, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(num_runs, 1, outputs))

    def forward(self, x_rni: Tensor) -> Tensor:
        """Map rows of shape (R, N, I) to (R, N, O)."""
        return affine(x_rni, self.weight, self.bias)


def affine_together(x_rni: Tensor, *layers: StackedLinear) -> tuple[Tensor, ...]:
    """Map the same rows (R, N, I) by several layers, each to its (R, N, O), in one product of matrices."""
    weight_rio, bias_r1o = (torch.cat([getattr(each, name) for each in layers], 2) for name in ("weight", "bias"))
    return affine(x_rni, weight_rio, bias_r1o).split([each.weight.shape[2] for each in layers], 2)


class StackedLayerNorm(nn.Module):
    """Layer normalisation with a gain and a bias per run.

    Parameters
    ----------
    num_runs, width
        Sizes R and D.
    epsilon
        Added to the variance; 1e-12 in BERT.
    """

    def __init__(self, num_runs: int, width: int, epsilon: float = 1e-12) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_runs, 1, width))
        self.bias = nn.Parameter(torch.zeros(num_runs, 1, width))
        self.epsilon = epsilon

    def forward(self, x_rnd: Tensor) -> Tensor:
        """Normalise rows of shape (R, N, D) over their last axis."""
        # The native kernel knows one gain only. It is 2 to 3 times faster, and with it a member of a stack has the bits
        # that it would have alone.
        if x_rnd.device.type == "cpu" or x_rnd.shape[0] == 1:
            return each_run(self._alone, x_rnd, self.weight[:, 0], self.bias[:, 0])
        return self._together(x_rnd)

    def _alone(self, x_nd: Tensor, gain_d: Tensor, bias_d: Tensor) -> Tensor:
        return nn.functional.layer_norm(x_nd, gain_d.shape, gain_d, bias_d, self.epsilon)

    def _together(self, x_rnd: Tensor) -> Tensor:
        normal = nn.functional.layer_norm(x_rnd, x_rnd.shape[-1:], eps=self.epsilon)
        return torch.addcmul(self.bias, normal, self.weight)


class StackedEmbedding(nn.Module):
    """One table of vectors per run.

    Parameters
    ----------
    num_runs, rows, width
        Sizes R, number of ids, and D.
    padding
        Id whose vector a look-up never trains; none by default.
    """

    def __init__(self, num_runs: int, rows: int, width: int, padding: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_runs, rows, width))
        self.padding = padding

    def forward(self, ids_rn: Tensor) -> Tensor:
        """Look up integer ids of shape (R, N), giving (R, N, D)."""
        vectors_rnd = nn.functional.embedding(in_all_runs(ids_rn, self.weight.shape[1]), self.weight.flatten(0, 1))
        return self.without_padding(vectors_rnd, ids_rn)

    def without_padding(self, vectors_rnd: Tensor, ids_rn: Tensor) -> Tensor:
        """Give the vectors as they are, and no gradient to those of the padding id."""
        if self.padding is None:
            return vectors_rnd
        return torch.where((ids_rn == self.padding)[..., None], vectors_rnd.detach(), vectors_rnd)


def in_all_runs(ids_rn: Tensor, rows: int) -> Tensor:
    """Turn ids of each run's own table into those of the tables of all runs, one below the other."""
    num_runs = ids_rn.shape[0]
    return ids_rn if num_runs == 1 else ids_rn + torch.arange(num_runs, device=ids_rn.device)[:, None] * rows


def at_positions(x_rbsd: Tensor, positions: Sequence[int]) -> Tensor:
    """Vectors (R, B, T, D) at some positions; a view where they follow one another.

    An index of numbers is copied to a GPU at every call, and the copy waits for all work that is queued there.
    """
    first, last = positions[0], positions[-1]
    if list(positions) == list(range(first, last + 1)):
        return x_rbsd[:, :, first : last + 1]
    return x_rbsd[:, :, list(positions)]
