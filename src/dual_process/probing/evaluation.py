"""The evaluation sets of a cohort, stacked over runs, and what is measured on them at every checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.devices import CPU, spare_bytes
from dual_process.models.interface import StackedModel
from dual_process.probing.compiled_features import CompiledFeatures
from dual_process.probing.linear import cross_validated_accuracy
from dual_process.probing.rows import redraw_rows
from dual_process.probing.scores import METRICS, OF_THE_DECISION, Sequences, distinct, query_states, score
from dual_process.runs import ProbePlan
from dual_process.store import list_groups, open_store
from dual_process.tasks.shared import only_one, open_vocabularies, shared_layout, shared_vocabulary

PROBED = ("val", "tail", "unseen")
"""Evaluation sets on whose query states linear probes are trained and tested, where they tell the query's role."""


class Evaluations:
    """Evaluation sets by name, each of shape (R, sequence, ...).

    A set that some run has is measured on all runs: those that lack it, such as the tail where all types are equally
    frequent, borrow the sequences of another, and what was measured on them is told as NaN.

    Parameters
    ----------
    plan
        What to measure.
    stores
        Dataset store of each run.
    device
        Where the model is. Sets that are measured at every checkpoint are kept there, as far as there is room.

    Attributes
    ----------
    names
        Sets to score at every checkpoint.
    sets
        Dataset of each run for every set that some run has, those included that are measured at the end alone.
    targets
        Target positions.
    num_trained
        Ids below this one are trained.
    """

    def __init__(self, plan: ProbePlan, stores: Sequence[str | Path], device: torch.device = CPU) -> None:
        self.probing, self.seeds = plan.probing, [run.seed for run in plan.cohort.runs]
        self.targets = shared_layout(run.task for run in plan.cohort.runs).targets
        self.num_trained = int(shared_vocabulary(open_vocabularies(stores)).attrs["num_trained"])
        self.device, self._room = device, spare_bytes(device)
        compiles = plan.probing.compile and device == CPU
        self._features = CompiledFeatures(self.targets, plan.probing.batch_size) if compiles else None
        self._kept: dict[tuple[str, str], Tensor] = {}
        self._kinds: dict[str, tuple[Tensor, Tensor]] = {}
        present = {path: list_groups(path, "evaluation") for path in dict.fromkeys(stores)}  # runs may share a store
        wanted = plan.probing.evaluations
        self.sets: dict[str, list[xr.Dataset]] = {}
        self._lacking: dict[str, list[int]] = {}
        for name in sorted({name for names in present.values() for name in names}):
            opened = {path: open_store(path, f"evaluation/{name}") for path, names in present.items() if name in names}
            only_one(f"evaluation sets {name!r}", [_form(each) for each in opened.values()])
            borrowed = next(iter(opened.values()))
            self.sets[name] = [opened.get(path, borrowed) for path in stores]
            self._lacking[name] = [run for run, path in enumerate(stores) if path not in opened]
        self.names = tuple(
            name
            for name, (first, *_) in self.sets.items()
            if first.attrs.get("every_checkpoint", True) and (wanted is None or name in wanted)
        )

    def has(self, name: str, variable: str) -> bool:
        """Whether a set is scored at every checkpoint and its sequences have some variable."""
        return name in self.names and variable in self.sets[name][0]

    def tensor(self, name: str, variable: str, limit: int | None = None) -> Tensor:
        """Integers of one variable of a set, shape (R, sequence, ...); of its first `limit` sequences."""
        key, arrays = (name, variable), [group[variable].values for group in self.sets[name]]
        size = sum(array.size for array in arrays) * np.dtype(np.int64).itemsize
        if key not in self._kept and name in self.names and size <= self._room:
            self._kept[key] = _stack(arrays).to(self.device)
            self._room -= size
        if key in self._kept:
            return self._kept[key][:, :limit]
        return _stack([array[:limit] for array in arrays]).to(self.device)

    def sequences(self, name: str) -> Sequences:
        """All that is scored of a set; where no candidates are told, the first target stands for both."""
        inputs, labels = self.tensor(name, "input"), self.tensor(name, "label")
        decided = "choice" in self.sets[name][0]
        choice = self.tensor(name, "choice") if decided else labels[..., :1].expand(-1, -1, 2)
        if name not in self._kinds:  # they are looked for once, which takes longer than all the rest of this
            self._kinds[name] = distinct(inputs, labels, choice)
        return Sequences.of(inputs, labels, choice, kinds=self._kinds[name])

    def known(self, name: str, values: Tensor) -> Tensor:
        """Take what was measured on a set, shape (R, ...), and make it NaN for runs that have only borrowed it."""
        lacking = torch.tensor(self._lacking[name], dtype=torch.long, device=values.device)
        return values.index_fill(0, lacking, torch.nan)

    def measure(self, model: StackedModel, step: int) -> xr.Dataset:
        """Score all sets and probe the listed ones, at one checkpoint."""
        scores = [self._score(model, name, step) for name in self.names]
        probes = torch.full((len(PROBED), len(self.seeds), len(model.layers) + 1), torch.nan, device=self.device)
        for index, name in enumerate(PROBED):
            if self.has(name, "query_role"):
                probes[index] = self._probe(model, name)
        return xr.Dataset(
            {
                "score": (("evaluation", "run", "metric"), torch.stack(scores).cpu().numpy()),
                "probe_accuracy": (("probed", "run", "layer"), probes.cpu().numpy()),
            },
            coords={
                "evaluation": np.array(self.names, dtype=object),
                "num_sequences": ("evaluation", [self.sets[name][0].sizes["sequence"] for name in self.names]),
                "metric": np.array(METRICS, dtype=object),
                "probed": np.array(PROBED, dtype=object),
                "layer": np.arange(probes.shape[-1]),
            },
        )

    def _score(self, model: StackedModel, name: str, step: int) -> Tensor:
        sequences = self.sequences(name)
        embedding = self.sets[name][0].attrs["embedding"]
        kept = model.word_embedding.weight.detach().clone() if embedding != "kept" else None
        if kept is not None:
            ids_rn = sequences.choice_ru2.flatten(1)
            redraw_rows(model, ids_rn, embedding, trained=self.num_trained, seeds=self.seeds, step=step)
        result = score(
            model,
            sequences,
            targets=self.targets,
            num_trained=self.num_trained,
            batch_size=self.probing.batch_size,
            features=self._features,
        )
        if kept is not None:
            model.word_embedding.weight.data.copy_(kept)
        if not self.has(name, "choice"):
            result[:, [METRICS.index(metric) for metric in OF_THE_DECISION]] = torch.nan
        return self.known(name, result)

    def _probe(self, model: StackedModel, name: str) -> Tensor:
        """Cross-validated accuracy of a linear probe for the query's role, shape (R, layer)."""
        limit, position = self.probing.probe_sequences, int(self.sets[name][0].attrs["query_position"])
        inputs, roles = (self.tensor(name, variable, limit) for variable in ("input", "query_role"))
        states = query_states(model, inputs, position=position, batch_size=self.probing.batch_size)
        accuracy = cross_validated_accuracy(
            states,
            roles[:, None].bool().expand(states.shape[:-1]),
            folds=self.probing.probe_folds,
            penalty=self.probing.probe_penalty,
        )
        return self.known(name, accuracy)


def _stack(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack([array.astype(np.int64) for array in arrays]))


def _form(group: xr.Dataset) -> tuple[Any, ...]:
    """What is told of a set as a whole, and the type and shape of all that is told of its sequences."""
    return group.attrs, {str(name): (values.dtype, values.shape) for name, values in group.items()}
