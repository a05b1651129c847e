"""Forgetting: of whole embeddings between steps, for stacked runs, and of single rows during a step, for any model.

Probabilistic temporary forgetting (`ProbabilisticForgetting`) works on any model of transformers, in a loop of one's
own, with the Trainer of transformers (`TransformersForgetting`) or with Lightning (`LightningForgetting`);
:mod:`dual_process.training.forgetting.callbacks` has an example of each.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dual_process.training.forgetting.callbacks import LightningForgetting, TransformersForgetting
    from dual_process.training.forgetting.cohort import Forgetting, draw_rows
    from dual_process.training.forgetting.probabilistic import ProbabilisticForgetting

__all__ = ["Forgetting", "LightningForgetting", "ProbabilisticForgetting", "TransformersForgetting", "draw_rows"]

_MODULES = {
    "Forgetting": "cohort",
    "draw_rows": "cohort",
    "LightningForgetting": "callbacks",
    "TransformersForgetting": "callbacks",
    "ProbabilisticForgetting": "probabilistic",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: users of one part need not have installed what the others need."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
