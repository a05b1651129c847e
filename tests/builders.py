"""Probe stores with planted curves, for tests of figures and claims."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

EVALUATIONS = ("val", "switch", "tail", "tail_switch", "unseen")
METRICS = (
    *("exact_match", "exact_match_same_group", "two_way", "context_top_one", "loss"),
    *("copied", "loss_copying", "loss_decision"),
)
PROBED = ("val", "tail", "unseen")
CONTRASTS = ("seen_unseen", "noun_adjective")
ROLES = ("noun", "adjective", "copula", "mask", "unseen")

Curve = Callable[..., Any]


def run(
    distribution: str = "zipf-1.5",
    schedule: str = "vanilla",
    protocol: str = "corrected",
    seed: int = 0,
    task: str = "pos",
    model: str = "bert",
    *,
    layers: int = 2,
    training: str = "standard",
    vocabulary: int = 100,
    ambiguity: float = 0.1,
) -> dict[str, Any]:
    """Coordinates of one run, read off its names ("zipf-1.5", "active-200", "temporary-50-600")."""
    kind, *numbers = schedule.split("-")
    probability = float(numbers.pop()) if numbers and kind in ("probabilistic", "drift") else np.nan
    law = "zipf" if distribution.startswith("zipf") else distribution
    alpha = {"zipf": lambda: float(distribution.split("-")[1]), "uniform": lambda: 0.0}.get(law, lambda: np.nan)()
    parts = (task, vocabulary, ambiguity, distribution, model, layers, training, schedule, protocol, seed)
    return {
        "run": "-".join(map(str, parts)),
        "task": task,
        "distribution": distribution,
        "law": law,
        "alpha": alpha,
        "ambiguity": ambiguity,
        "vocabulary": vocabulary,
        "model": model,
        "layers": layers,
        "training": training,
        "schedule": schedule,
        "kind": kind,
        "period": float(numbers[0]) if numbers else np.nan,
        "forget_until": float(numbers[1]) if len(numbers) > 1 else np.nan,
        "probability": probability,
        "protocol": protocol,
        "seed": seed,
        "ambiguous_mass_noun": 0.1,
        "ambiguous_mass_adjective": 0.1,
    }


def grid(**names: Sequence[Any]) -> list[dict[str, Any]]:
    """Cross plural lists of `run`'s arguments: ``grid(schedule=["vanilla"], seed=[0, 1])``."""
    return [run(**dict(zip(names, values, strict=True))) for values in product(*names.values())]


def probe_dataset(
    runs: Sequence[dict[str, Any]],
    *,
    steps: Sequence[int] = tuple(range(0, 1001, 50)),
    score: Curve | None = None,
    probe: Curve | None = None,
    separability: Curve | None = None,
    embedding: Curve | None = None,
    num_layers: int = 2,
    num_tokens: int = 60,
) -> xr.Dataset:
    """Build a probe store.

    Parameters
    ----------
    runs
        Rows made by `run` or `grid`.
    score, probe, separability
        Planted values as functions of (run, steps, evaluation, metric), (run, steps, layer, probed) and
        (run, steps, contrast), returning a number or an array over steps; NaN throughout by default.
    embedding
        Planted coordinates as a function of (run, roles) of shape (token, 2).
    """
    x = np.asarray(steps)
    roles = np.array([*["noun"] * (num_tokens // 3), *["adjective"] * (num_tokens // 3), "copula", "mask"])
    roles = np.concatenate([roles, np.full(num_tokens - len(roles), "unseen")]).astype(object)

    def fill(plant: Curve | None, *axes: Sequence[Any]) -> np.ndarray:
        values = np.full((len(runs), len(x), *map(len, axes)), np.nan, np.float32)
        for index in np.ndindex(len(runs), *map(len, axes)) if plant else ():
            cell = [axis[i] for axis, i in zip(axes, index[1:], strict=True)]
            values[(index[0], slice(None), *index[1:])] = plant(runs[index[0]], x, *cell)
        return values

    def since_reset(row: dict[str, Any], x: np.ndarray) -> np.ndarray:
        return np.where(x > row["period"], (x - 1) % row["period"] + 1, np.nan)

    def no_tail(row: dict[str, Any], *rest: Any) -> Any:
        is_absent = row["law"] == "uniform" and rest[1].startswith("tail")
        return np.nan if is_absent else score(row, *rest)  # type: ignore[misc]

    analysis_step = [0, int(x[-1])]
    coordinates = np.full((len(runs), 2, num_tokens, 2), np.nan, np.float32)
    for i, row in enumerate(runs if embedding else ()):
        coordinates[i] = embedding(row, roles)  # type: ignore[misc]
    data = {
        "score": (("run", "step", "evaluation", "metric"), fill(score and no_tail, EVALUATIONS, METRICS)),
        "probe_accuracy": (("run", "step", "layer", "probed"), fill(probe, range(num_layers + 1), PROBED)),
        "separability": (("run", "step", "contrast"), fill(separability, CONTRASTS)),
        "steps_since_reset": (
            ("run", "step"),
            fill(since_reset),
        ),
        "embedding_coordinates": (("run", "analysis_step", "token", "component"), coordinates),
        "embedding_norm": (("run", "analysis_step", "token"), np.linalg.norm(coordinates, axis=-1)),
        "explained_variance": (
            ("run", "analysis_step", "component"),
            np.broadcast_to(np.float32([0.3, 0.1]), (len(runs), 2, 2)),
        ),
    }
    along_run = {key: ("run", _column([row[key] for row in runs])) for key in runs[0]}
    coords = {
        "step": x,
        "evaluation": _column(EVALUATIONS),
        "metric": _column(METRICS),
        "layer": np.arange(num_layers + 1),
        "probed": _column(PROBED),
        "contrast": _column(CONTRASTS),
        "analysis_step": analysis_step,
        "token": np.arange(num_tokens),
        "component": [1, 2],
        "role": ("token", roles),
    }
    return xr.Dataset(data, coords | along_run)


def _column(values: Sequence[Any]) -> np.ndarray:
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def fading(x: np.ndarray, *, peak: float, end: float) -> np.ndarray:
    """Rise from 0 to `peak` in the first fifth, then fall to `end`, where it stays for the last fifth."""
    last = x[-1]
    return np.interp(x, [0, 0.2 * last, 0.8 * last, last], [0, peak, end, end])


def rising(x: np.ndarray, *, end: float) -> np.ndarray:
    """Rise from 0 to `end` in the first fifth and stay there."""
    return np.interp(x, [0, 0.2 * x[-1], x[-1]], [0, end, end])
