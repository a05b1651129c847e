"""Probe stores of grids, with planted ends, for tests of the figures and claims of the appendix."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from tests.builders import METRICS, probe_dataset, run

STEPS = tuple(range(0, 1001, 50))
STANDARD = ("val", "switch", "tail", "tail_switch", "unseen")

Row = dict[str, Any]


def grid(**names: Sequence[Any]) -> list[Row]:
    """Cross lists of `run`'s arguments; a task and a model are named by what tells them from others."""
    rows = []
    for values in product(*names.values()):
        arguments = dict(zip(names, values, strict=True))
        parts = [
            f"{short}{arguments[key]}" for key, short in {"vocabulary": "v", "ambiguity": "e"}.items() if key in names
        ]
        arguments.setdefault("task", "-".join(parts) or "pos")
        arguments.setdefault("model", f"bert-{arguments['layers']}" if "layers" in names else "bert")
        rows.append(run(**arguments))
    return rows


def planted(
    rows: Sequence[Row],
    score: Callable[[Row, np.ndarray, str, str], Any],
    *,
    evaluations: Sequence[str] = STANDARD,
    steps: Sequence[int] = STEPS,
) -> xr.Dataset:
    """Probe store of these runs whose scores are a function of (run, steps, evaluation, metric)."""
    x = np.asarray(steps)
    values = np.full((len(rows), len(x), len(evaluations), len(METRICS)), np.nan, np.float32)
    for (i, row), (j, evaluation), (k, metric) in product(*map(enumerate, (rows, evaluations, METRICS))):
        if not (row["law"] == "uniform" and evaluation.startswith("tail")):
            values[i, :, j, k] = score(row, x, evaluation, metric)
    dataset = probe_dataset(rows, steps=steps).drop_dims(["evaluation", "metric"])
    coords = {
        name: np.array(names, dtype=object) for name, names in {"evaluation": evaluations, "metric": METRICS}.items()
    }
    return dataset.assign_coords(coords).assign(score=(("run", "step", "evaluation", "metric"), values))


def with_tokens(
    dataset: xr.Dataset, queries: Callable[[Row], np.ndarray], accuracy: Callable[[Row, np.ndarray, str], np.ndarray]
) -> xr.Dataset:
    """Add counts by token as a function of the run, and accuracies as one of (run, counts, metric)."""
    metrics = np.array(["two_way", "exact_match"], dtype=object)
    rows = [
        {name: dataset[name].values[i] for name in dataset.coords if dataset[name].dims == ("run",)}
        for i in range(dataset.sizes["run"])
    ]
    counts = np.array([queries(row) for row in rows], float)
    values = np.array(
        [[accuracy(row, count, metric) for metric in metrics] for row, count in zip(rows, counts, strict=True)]
    )
    return dataset.assign_coords(metric_by_token=metrics).assign(
        training_queries=(("run", "token"), counts),
        token_accuracy=(("run", "token", "metric_by_token"), np.moveaxis(values, 1, 2).astype(np.float32)),
    )
