"""The Lightning trainer of all training here: stacked runs, pretraining and finetuning of language models."""

import logging
import warnings
from typing import Literal

import pytorch_lightning as lightning
from pytorch_lightning.plugins.environments import LightningEnvironment

from dual_process.devices import prepare_device

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"float32": "32-true", "bfloat16": "bf16-mixed"}
"""Lightning's names for what the configuration calls `precision`."""


def make_trainer(callbacks: list[lightning.Callback], steps: int, precision: str = "float32") -> lightning.Trainer:
    """Build a trainer with everything off that the pipeline does itself.

    Parameters
    ----------
    callbacks
        In the order of events at a step.
    steps
        Optimizer steps to take.
    precision
        Of matrix products: float32 or bfloat16, as in the configuration.
    """
    for talk in (
        "does not have many workers",
        "`IterableDataset` has `__len__`",
        "litlogger",
        "LeafSpec",
        "`srun` command",
        "GPU available but not used",  # one of Apple's, see dual_process.devices
    ):
        warnings.filterwarnings("ignore", message=f".*{talk}.*")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return lightning.Trainer(
        accelerator=prepare_device().type,
        devices=1,
        max_steps=steps,
        precision=PRECISIONS[precision],
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        plugins=[LightningEnvironment()],  # one process; Lightning's handling of SLURM would interfere with ours
    )
