"""Training batches by step: batch i of a run is rows i x B to (i + 1) x B of its data set, whatever happened before."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from dual_process.store import open_store
from dual_process.tasks.registry import TASKS

Batch = tuple[Tensor, Tensor]


class StepIndexedBatches(IterableDataset[Batch]):
    """All batches from one step on.

    Parameters
    ----------
    compact
        Compact training sequences of each run; runs that share a data set share the arrays.
    attrs
        Attributes of the training group; ``task`` names the task that expands them.
    batch_size
        Sequences B per run and step.
    first_step, steps
        Completed steps to begin after, and the total.
    """

    def __init__(
        self,
        compact: Sequence[Mapping[str, np.ndarray]],
        attrs: Mapping[str, Any],
        *,
        batch_size: int,
        first_step: int,
        steps: int,
    ) -> None:
        self.compact, self.attrs, self.batch_size = compact, attrs, batch_size
        self.first_step, self.steps = first_step, steps

    def __iter__(self) -> Iterator[Batch]:
        """Yield inputs (R, B, S) and targets (R, B, T), step after step."""
        for step in range(self.first_step, self.steps):
            yield self.batch(step)

    def batch(self, step: int) -> Batch:
        """Batch of the step after `step` completed ones."""
        rows = slice(step * self.batch_size, (step + 1) * self.batch_size)
        stacked = {name: np.stack([run[name][rows] for run in self.compact]) for name in self.compact[0]}
        inputs, targets = TASKS[self.attrs["task"]].expand(stacked, self.attrs)
        return torch.from_numpy(inputs), torch.from_numpy(targets)


class CohortData(lightning.LightningDataModule):
    """Data of a cohort, read from its dataset stores.

    Parameters
    ----------
    stores
        Dataset store of each run, in cohort order.
    batch_size, first_step, steps
        As for :class:`StepIndexedBatches`.
    """

    def __init__(self, stores: Sequence[str | Path], *, batch_size: int, first_step: int, steps: int) -> None:
        super().__init__()
        self.stores, self.batch_size, self.first_step, self.steps = stores, batch_size, first_step, steps

    def train_dataloader(self) -> DataLoader[Batch]:
        """Endless-style loader of ready-made batches; no workers, since drawing one costs microseconds."""
        groups = {path: open_store(path, "training") for path in dict.fromkeys(self.stores)}
        arrays = {path: {str(name): v.values for name, v in group.items()} for path, group in groups.items()}
        batches = StepIndexedBatches(
            [arrays[path] for path in self.stores],
            groups[self.stores[0]].attrs,
            batch_size=self.batch_size,
            first_step=self.first_step,
            steps=self.steps,
        )
        return DataLoader(batches, batch_size=None)
