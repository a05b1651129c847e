"""The Lightning trainer of all training here: stacked runs, pretraining and finetuning of language models."""

import logging
import warnings

import pytorch_lightning as lightning
from pytorch_lightning.plugins.environments import LightningEnvironment


def make_trainer(callbacks: list[lightning.Callback], steps: int) -> lightning.Trainer:
    """Build a trainer with everything off that the pipeline does itself."""
    for talk in (
        "does not have many workers",
        "`IterableDataset` has `__len__`",
        "litlogger",
        "LeafSpec",
        "`srun` command",
    ):
        warnings.filterwarnings("ignore", message=f".*{talk}.*")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=steps,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        plugins=[LightningEnvironment()],  # one process; Lightning's handling of SLURM would interfere with ours
    )
