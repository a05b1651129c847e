"""The evaluation sets of a cohort, stacked over runs, and everything that is measured on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.models.bert import StackedBert
from dual_process.probing.linear import cross_validated_accuracy
from dual_process.probing.rows import redraw_rows
from dual_process.probing.scores import METRICS, query_states, score
from dual_process.runs import ProbePlan
from dual_process.store import list_groups, open_store
from dual_process.tasks.registry import layout

PROBED = ("val", "tail", "unseen")
"""Evaluation sets on whose query states linear probes are trained and tested."""


class Evaluations:
    """Evaluation sets by name, each of shape (R, sequence, ...).

    Parameters
    ----------
    plan
        What to measure.
    stores
        Dataset store of each run.
    """

    def __init__(self, plan: ProbePlan, stores: Sequence[str | Path]) -> None:
        self.probing, self.seeds = plan.probing, [run.seed for run in plan.cohort.runs]
        self.targets = layout(plan.cohort.runs[0].task).targets
        self.num_trained = int(open_store(stores[0], "vocabulary").attrs["num_trained"])
        present = [list_groups(path, "evaluation") for path in stores]
        wanted = plan.probing.evaluations
        shared = [name for name in present[0] if all(name in names for names in present)]
        self.names = tuple(name for name in shared if wanted is None or name in wanted)
        self.sets: dict[str, list[xr.Dataset]] = {}
        for name in self.names:
            opened = {path: open_store(path, f"evaluation/{name}") for path in dict.fromkeys(stores)}  # many are shared
            self.sets[name] = [opened[path] for path in stores]

    def measure(self, model: StackedBert, step: int) -> dict[str, tuple[Any, ...]]:
        """Score all sets and probe the listed ones, at one checkpoint."""
        scores = [self._score(model, name, step) for name in self.names]
        probes = torch.full((len(PROBED), len(self.seeds), model.config.layers + 1), float("nan"))
        for index, name in enumerate(PROBED):
            if name in self.sets:
                probes[index] = self._probe(model, name)
        return {
            "score": (("evaluation", "run", "metric"), torch.stack(scores).numpy()),
            "probe_accuracy": (("probed", "run", "layer"), probes.numpy()),
        }

    def _tensor(self, name: str, variable: str) -> Tensor:
        return torch.from_numpy(np.stack([group[variable].values.astype(np.int64) for group in self.sets[name]]))

    def _score(self, model: StackedBert, name: str, step: int) -> Tensor:
        inputs, choice = self._tensor(name, "input"), self._tensor(name, "choice")
        embedding = self.sets[name][0].attrs["embedding"]
        kept = model.word_embedding.weight.detach().clone() if embedding != "kept" else None
        if kept is not None:
            redraw_rows(model, choice.flatten(1), embedding, trained=self.num_trained, seeds=self.seeds, step=step)
        result = score(
            model,
            inputs,
            self._tensor(name, "label"),
            choice,
            targets=self.targets,
            num_trained=self.num_trained,
            batch_size=self.probing.batch_size,
        )
        if kept is not None:
            model.word_embedding.weight.data.copy_(kept)
        assert result.shape[-1] == len(METRICS)
        return result

    def _probe(self, model: StackedBert, name: str) -> Tensor:
        """Cross-validated accuracy of a linear probe for the query's role, shape (R, layer)."""
        rows = slice(self.probing.probe_sequences)
        position = int(self.sets[name][0].attrs["query_position"])
        inputs = self._tensor(name, "input")[:, rows]
        states = query_states(model, inputs, position=position, batch_size=self.probing.batch_size)
        roles = self._tensor(name, "query_role")[:, None, rows].bool().expand(states.shape[:-1])
        return cross_validated_accuracy(
            states, roles, folds=self.probing.probe_folds, penalty=self.probing.probe_penalty
        )
