"""What the decision reads: attention of the first target position to the parts of the sequence.

The parts are named by the task, such as the token after the copula. Shape letters: R run, B batch, H head, T target
position, S position, L layer with attention, E evaluation set, P part.
"""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.models.interface import StackedModel
from dual_process.probing.scores import slices
from dual_process.probing.subject import Subject

ATTRS = {"attention_reading": {"units": "1", "long_name": "attention of the first target position to a part, mean"}}


def measure_attention(subject: Subject) -> xr.Dataset:
    """Attention of every head to every part, on each set whose sequences have named parts."""
    evaluations, probing = subject.evaluations, subject.plan.probing
    names = subject.probe_sets("part")
    if not names:
        return xr.Dataset()
    parts = evaluations.sets[names[0]][0].attrs["parts"]
    limit, first = probing.probe_sequences, evaluations.targets[0]
    readings = []
    for name in names:
        inputs, part = (evaluations.tensor(name, variable, limit) for variable in ("input", "part"))
        reading_rlhp = read_parts(
            subject.model, inputs, part, target=first, num_parts=len(parts), batch_size=probing.batch_size
        )
        readings.append(evaluations.known(name, reading_rlhp))
    reading_rlhep = torch.stack(readings, dim=3).cpu().numpy()
    return xr.Dataset(
        {"attention_reading": (("run", "layer_index", "head", "probe_set", "part"), reading_rlhep)},
        coords={
            "layer_index": np.arange(reading_rlhep.shape[1]),
            "head": np.arange(reading_rlhep.shape[2]),
            "probe_set": np.array(names, dtype=object),
            "part": np.array(parts, dtype=object),
        },
    )


@torch.inference_mode()
def read_parts(
    model: StackedModel, inputs_rbs: Tensor, part_rbs: Tensor, *, target: int, num_parts: int, batch_size: int
) -> Tensor:
    """Mean over sequences of the attention that one position pays to each part.

    Parameters
    ----------
    model
        Stack in evaluation mode.
    inputs_rbs
        Ids.
    part_rbs
        Part that each position belongs to, 0 to `num_parts` - 1. Weights of positions of one part are added up.
    target
        Position that reads.
    num_parts
        Number of parts.
    batch_size
        Sequences per forward pass.

    Returns
    -------
    Tensor
        Shape (R, L, H, P); a head's weights add up to 1.
    """
    total: Tensor | float = 0.0
    for rows in slices(inputs_rbs.shape[1], batch_size):
        member_rbsp = torch.nn.functional.one_hot(part_rbs[:, rows], num_parts).double()
        patterns = model.attention_patterns(inputs_rbs[:, rows], (target,))
        sums = [torch.einsum("rbhs,rbsp->rhp", pattern[:, :, :, 0].double(), member_rbsp) for pattern in patterns]
        total = total + torch.stack(sums, dim=1)
    assert isinstance(total, Tensor)
    return total / inputs_rbs.shape[1]
