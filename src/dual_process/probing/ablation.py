"""What a head is good for: accuracy of the decision with that head silenced, less the accuracy of the whole model.

Shape letters: R run, B batch, H head, L layer with attention, E evaluation set.
"""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.models.interface import StackedModel
from dual_process.probing.scores import slices
from dual_process.probing.subject import Subject

ATTRS = {
    "ablation_effect": {"units": "1", "long_name": "two-way accuracy without a head minus that with all heads"},
}


def measure_ablation(subject: Subject) -> xr.Dataset:
    """Effect of every head, on each set whose sequences have two candidates."""
    evaluations, probing = subject.evaluations, subject.plan.probing
    names = subject.probe_sets("choice")
    if not names:
        return xr.Dataset()
    effects = []
    for name in names:
        inputs, choice = (evaluations.tensor(name, v, probing.probe_sequences) for v in ("input", "choice"))
        effect_rlh = ablate_heads(
            subject.model, inputs, choice, target=evaluations.targets[0], batch_size=probing.batch_size
        )
        effects.append(evaluations.known(name, effect_rlh))
    effect_rlhe = torch.stack(effects, dim=3).cpu().numpy()
    return xr.Dataset(
        {"ablation_effect": (("run", "layer_index", "head", "probe_set"), effect_rlhe)},
        coords={
            "layer_index": np.arange(effect_rlhe.shape[1]),
            "head": np.arange(effect_rlhe.shape[2]),
            "probe_set": np.array(names, dtype=object),
        },
    )


def ablate_heads(
    model: StackedModel, inputs_rbs: Tensor, choice_rb2: Tensor, *, target: int, batch_size: int
) -> Tensor:
    """Change of two-way accuracy when a head's output is zeroed, one head at a time.

    Parameters
    ----------
    model
        Stack in evaluation mode; left as it was.
    inputs_rbs
        Ids.
    choice_rb2
        Right and wrong candidate.
    target
        Position at which they are compared.
    batch_size
        Sequences per forward pass.

    Returns
    -------
    Tensor
        Shape (R, L, H).
    """
    arguments = {"target": target, "batch_size": batch_size}
    whole = two_way_accuracy(model, inputs_rbs, choice_rb2, **arguments)
    layers = []
    for layer in model.attention_layers():
        heads = []
        for kept in 1 - torch.eye(layer.heads, device=inputs_rbs.device):
            layer.kept_heads = kept
            heads.append(two_way_accuracy(model, inputs_rbs, choice_rb2, **arguments) - whole)
        layer.kept_heads = None
        layers.append(torch.stack(heads, dim=1))
    return torch.stack(layers, dim=1)


@torch.inference_mode()
def two_way_accuracy(
    model: StackedModel, inputs_rbs: Tensor, choice_rb2: Tensor, *, target: int, batch_size: int
) -> Tensor:
    """Share (R,) of sequences whose right candidate scores at least as high as the wrong one at a position."""
    parts = []
    for rows in slices(inputs_rbs.shape[1], batch_size):
        logits_rbv = model.logits(model(inputs_rbs[:, rows], (target,)).flatten(1, 2))
        right, wrong = logits_rbv.gather(2, choice_rb2[:, rows]).unbind(2)
        parts.append(right >= wrong)
    return torch.cat(parts, dim=1).double().mean(1)
