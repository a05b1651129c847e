"""The evaluation sets of a cohort, stacked over runs, and what is measured on them at every checkpoint."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.models.interface import StackedModel
from dual_process.probing.linear import cross_validated_accuracy
from dual_process.probing.rows import redraw_rows
from dual_process.probing.scores import METRICS, OF_THE_DECISION, query_states, score
from dual_process.runs import ProbePlan
from dual_process.store import list_groups, open_store
from dual_process.tasks.registry import layout

PROBED = ("val", "tail", "unseen")
"""Evaluation sets on whose query states linear probes are trained and tested, where they tell the query's role."""


class Evaluations:
    """Evaluation sets by name, each of shape (R, sequence, ...).

    Parameters
    ----------
    plan
        What to measure.
    stores
        Dataset store of each run.

    Attributes
    ----------
    names
        Sets to score at every checkpoint.
    sets
        Dataset of each run for every set that all runs have, those included that are measured at the end alone.
    targets
        Target positions.
    num_trained
        Ids below this one are trained.
    """

    def __init__(self, plan: ProbePlan, stores: Sequence[str | Path]) -> None:
        self.probing, self.seeds = plan.probing, [run.seed for run in plan.cohort.runs]
        self.targets = layout(plan.cohort.runs[0].task).targets
        self.num_trained = int(open_store(stores[0], "vocabulary").attrs["num_trained"])
        present = [list_groups(path, "evaluation") for path in stores]
        wanted = plan.probing.evaluations
        self.sets: dict[str, list[xr.Dataset]] = {}
        for name in present[0]:
            if all(name in names for names in present):
                opened = {path: open_store(path, f"evaluation/{name}") for path in dict.fromkeys(stores)}  # some shared
                self.sets[name] = [opened[path] for path in stores]
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
        arrays = [group[variable].values[:limit].astype(np.int64) for group in self.sets[name]]
        return torch.from_numpy(np.stack(arrays))

    def measure(self, model: StackedModel, step: int) -> xr.Dataset:
        """Score all sets and probe the listed ones, at one checkpoint."""
        scores = [self._score(model, name, step) for name in self.names]
        probes = torch.full((len(PROBED), len(self.seeds), len(model.layers) + 1), float("nan"))
        for index, name in enumerate(PROBED):
            if self.has(name, "query_role"):
                probes[index] = self._probe(model, name)
        return xr.Dataset(
            {
                "score": (("evaluation", "run", "metric"), torch.stack(scores).numpy()),
                "probe_accuracy": (("probed", "run", "layer"), probes.numpy()),
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
        inputs, labels = self.tensor(name, "input"), self.tensor(name, "label")
        decided = self.has(name, "choice")
        choice = self.tensor(name, "choice") if decided else labels[..., :1].expand(-1, -1, 2)
        embedding = self.sets[name][0].attrs["embedding"]
        kept = model.word_embedding.weight.detach().clone() if embedding != "kept" else None
        if kept is not None:
            redraw_rows(model, choice.flatten(1), embedding, trained=self.num_trained, seeds=self.seeds, step=step)
        result = score(
            model,
            inputs,
            labels,
            choice,
            targets=self.targets,
            num_trained=self.num_trained,
            batch_size=self.probing.batch_size,
        )
        if kept is not None:
            model.word_embedding.weight.data.copy_(kept)
        if not decided:
            result[:, [METRICS.index(metric) for metric in OF_THE_DECISION]] = torch.nan
        return result

    def _probe(self, model: StackedModel, name: str) -> Tensor:
        """Cross-validated accuracy of a linear probe for the query's role, shape (R, layer)."""
        limit, position = self.probing.probe_sequences, int(self.sets[name][0].attrs["query_position"])
        inputs, roles = (self.tensor(name, variable, limit) for variable in ("input", "query_role"))
        states = query_states(model, inputs, position=position, batch_size=self.probing.batch_size)
        return cross_validated_accuracy(
            states,
            roles[:, None].bool().expand(states.shape[:-1]),
            folds=self.probing.probe_folds,
            penalty=self.probing.probe_penalty,
        )
