"""Training batches by step: batch i of a run is rows i x B to (i + 1) x B of its data set, whatever happened before."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
import xarray as xr
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from dual_process.devices import prepare_device
from dual_process.store import open_store
from dual_process.tasks.registry import TASKS
from dual_process.tasks.shared import only_one, open_vocabularies, shared_vocabulary

Batch = tuple[Tensor, Tensor]

TOGETHER = 16
"""Batches that are expanded together; the calls for each alone take 0.2 ms between two large steps."""


class StepIndexedBatches(IterableDataset[Batch]):
    """All batches from one step on.

    Parameters
    ----------
    compact
        Compact training sequences of each run; those of runs that share a data set are one mapping.
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
        distinct = {id(each): each for each in compact}
        self.compact, self.attrs, self.batch_size = list(distinct.values()), attrs, batch_size
        self.data_set = np.array([list(distinct).index(id(each)) for each in compact])
        self.first_step, self.steps = first_step, steps

    def __iter__(self) -> Iterator[Batch]:
        """Yield inputs (R, B, S) and targets (R, B, T), step after step."""
        for step in range(self.first_step, self.steps, TOGETHER):
            inputs, targets = self._batches(step, min(step + TOGETHER, self.steps))
            for batch in zip(inputs.split(self.batch_size, 1), targets.split(self.batch_size, 1), strict=True):
                yield batch[0].contiguous(), batch[1].contiguous()  # else the copy to a GPU is a waiting one

    def batch(self, step: int) -> Batch:
        """Batch of the step after `step` completed ones."""
        return self._batches(step, step + 1)

    def _batches(self, first: int, last: int) -> Batch:
        """Batches after `first` and up to `last` completed steps, one after the other along the axis of sequences."""
        rows = slice(first * self.batch_size, last * self.batch_size)
        stacked = {name: np.stack([run[name][rows] for run in self.compact]) for name in self.compact[0]}
        inputs, targets = TASKS[self.attrs["task"]].expand(stacked, self.attrs)  # once for all runs of a data set
        if len(self.compact) < len(self.data_set):
            inputs, targets = inputs[self.data_set], targets[self.data_set]
        return torch.from_numpy(inputs), torch.from_numpy(targets)


def make_loader(batches: StepIndexedBatches) -> DataLoader[Batch]:
    """Make a loader of ready-made batches; no workers, since to hand one over would take longer than to make it.

    Where there is a GPU, batches are in pinned memory, from which Lightning copies them without waiting.
    """
    return DataLoader(batches, batch_size=None, pin_memory=prepare_device().type == "cuda")


class CohortData(lightning.LightningDataModule):
    """Data of a cohort, read from its dataset stores.

    Parameters
    ----------
    stores
        Dataset store of each run, in cohort order.
    batch_size, first_step, steps
        As for :class:`StepIndexedBatches`.

    Attributes
    ----------
    inputs
        Inputs (R, B, S) of the step at hand, on the CPU, for what is decided there.
    """

    inputs: Tensor

    def __init__(self, stores: Sequence[str | Path], *, batch_size: int, first_step: int, steps: int) -> None:
        super().__init__()
        self.stores, self.batch_size, self.first_step, self.steps = stores, batch_size, first_step, steps

    def train_dataloader(self) -> DataLoader[Batch]:
        """Loader of all batches from the first step on.

        Raises
        ------
        ValueError
            If the runs cannot train together, since their sequences differ in form or in what an id means.
        """
        shared_vocabulary(open_vocabularies(self.stores))
        groups = {path: open_store(path, "training") for path in dict.fromkeys(self.stores)}
        attrs = only_one("training sequences", [group.attrs for group in groups.values()])
        only_one("training sequences", [_form(group) for group in groups.values()])
        arrays = {path: {str(name): v.values for name, v in group.items()} for path, group in groups.items()}
        batches = StepIndexedBatches(
            [arrays[path] for path in self.stores],
            attrs,
            batch_size=self.batch_size,
            first_step=self.first_step,
            steps=self.steps,
        )
        return make_loader(batches)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Keep the inputs before they go to the device."""
        self.inputs = batch[0]
        return batch


def inputs_on_cpu(trainer: Any, batch: Batch) -> Tensor:
    """Inputs (R, B, S) of the step at hand, without waiting for the device where the data are those of a cohort."""
    data = getattr(trainer, "datamodule", None)
    return data.inputs if isinstance(data, CohortData) else batch[0].cpu()


def _form(group: xr.Dataset) -> dict[str, tuple[Any, ...]]:
    """Type and shape of everything that is told of a training sequence."""
    return {str(name): (values.dtype, values.shape) for name, values in group.items()}
