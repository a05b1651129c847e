"""Probe stores of the associative-recall task with planted curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from tests.builders import METRICS, Curve, grid, probe_dataset

EVALUATIONS = ("context", "unseen", "val", "weights")
COUNTING = {"reference": 0.75}


def recall_dataset(
    score: Curve, *, steps: Sequence[int] = tuple(range(0, 1001, 50)), **names: Sequence[Any]
) -> xr.Dataset:
    """Build a store from a planted score of (run, steps, evaluation, metric) and plural lists of `builders.run`."""
    runs = grid(**({"task": ["recall"], "model": ["gpt2"], "ambiguity": [np.nan]} | names))
    store = probe_dataset(runs, steps=steps).drop_dims("evaluation")
    x = np.asarray(steps)
    values = np.empty((len(runs), len(x), len(EVALUATIONS), len(METRICS)), np.float32)
    for run, evaluation, metric in np.ndindex(len(runs), len(EVALUATIONS), len(METRICS)):
        values[run, :, evaluation, metric] = score(runs[run], x, EVALUATIONS[evaluation], METRICS[metric])
    store["score"] = (("run", "step", "evaluation", "metric"), values)
    counting = [COUNTING.get(run["protocol"], 0.5) for run in runs]
    coordinates = {"evaluation": np.array(EVALUATIONS, dtype=object), "counting_accuracy": ("run", counting)}
    return store.assign_coords(coordinates)
