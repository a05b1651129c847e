"""Stores of measurements on language models with planted values, for tests of figures and claims."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tests import builders

Curve = Callable[..., Any]

STEPS = (0, *(round(1000 * 10 ** (power / 4)) for power in range(-8, 1)), 900)
"""0, then 10 to 1,000 evenly on a logarithmic axis, and 900."""
EVALUATIONS = ("val", "head", "tail", "switch", "tail_switch", "unseen")
LABELS = ("cpos", "fpos", "dep")
MAJORITY = {"cpos": 0.21, "fpos": 0.14, "dep": 0.11, "ner": 0.83, "phrase_start": 0.6, "phrase_end": 0.6}
MEASURES = ("unlabelled_attachment", "distance_spearman", "root_accuracy", "depth_spearman")
PATTERNS = ("previous", "duplicate", "induction")
TYPES = {"noun": (900, 300, 150, 70, 30, 9, 2), "adjective": (400, 160, 60, 25, 8, 3, 0)}


def runs(*, layers: int = 4, **names: Sequence[Any]) -> list[dict[str, Any]]:
    """Coordinates of runs of language models, from plural lists of `builders.run`'s arguments."""
    defaults = {"task": ["natural-language"], "distribution": ["ewt"], "model": ["bert-small"]}
    rows = builders.grid(**(defaults | {"seed": [0, 1]} | names | {"layers": [layers]}))
    return [{name: value for name, value in row.items() if "mass" not in name} | {"law": "corpus"} for row in rows]


def part_of_speech(plant: Curve, *, steps: Sequence[int] = STEPS, **names: Any) -> xr.Dataset:
    """Build a store of part-of-speech probes from a planted accuracy of (run, steps, evaluation, layer)."""
    rows = runs(**names)
    axes = {"evaluation": EVALUATIONS, "layer": range(rows[0]["layers"] + 1)}
    values = _variable(rows, steps, plant, axes)
    store = _frame(rows, steps).assign(part_of_speech=values, two_way=values)
    types = np.array([[TYPES[role] for role in TYPES]] * len(rows))
    store = store.assign(types_by_count=(("run", "role", "count"), types))
    edges = {"role": _column(list(TYPES)), "count": 2 ** np.arange(types.shape[-1])}
    return store.assign_coords(_labels(axes) | edges | {"num_words": ("evaluation", [500] * len(EVALUATIONS))})


def push_down(
    plant: Curve,
    *,
    structure: Curve | None = None,
    heads: Curve | None = None,
    labels: Sequence[str] = LABELS,
    steps: Sequence[int] = STEPS,
    num_heads: int = 2,
    **names: Any,
) -> xr.Dataset:
    """Build a store of push-down probes.

    Parameters
    ----------
    plant, structure, heads
        Planted values of (run, steps, label, layer), (run, steps, measure, layer) and (run, steps, label, block, head);
        structure is planted as the labels if it is not given, and every head is .5 if they are not.
    labels, steps, num_heads, names
        Labels, steps, heads in each block, and arguments of `runs`.
    """
    rows = runs(**names)
    layers = rows[0]["layers"]
    by_label = {"label": labels, "layer": range(layers + 1)}
    by_measure = {"measure": MEASURES, "layer": range(layers + 1)}
    by_head = {"label": labels, "block": range(1, layers + 1), "head": range(num_heads)}
    store = _frame(rows, steps).assign(
        push_down=_variable(rows, steps, plant, by_label),
        structure=_variable(rows, steps, structure or plant, by_measure),
        head_push_down=_variable(rows, steps, heads or (lambda *_: 0.5), by_head),
    )
    store["majority"] = (("run", "label"), np.array([[MAJORITY[label] for label in labels]] * len(rows)))
    return store.assign_coords(_labels(by_label | by_measure | by_head))


def attention_heads(plant: Curve, *, num_heads: int = 2, steps: Sequence[int] = STEPS, **names: Any) -> xr.Dataset:
    """Build a store of head scores from a planted score of (run, steps, pattern, block, head)."""
    rows = runs(**names)
    axes = {"pattern": PATTERNS, "block": range(1, rows[0]["layers"] + 1), "head": range(num_heads)}
    store = _frame(rows, steps).assign(head_score=_variable(rows, steps, plant, axes))
    return store.assign_coords(_labels(axes))


def syllogisms(plant: Curve, *, trials: int = 2, steps: Sequence[int] = STEPS, **names: Any) -> xr.Dataset:
    """Build a store of the syllogism task from planted values of (run, steps, evaluation, metric, trial)."""
    rows = runs(**({"model": ["gpt2-small"]} | names))
    axes = {
        "evaluation": ("baseline", "unseen"),
        "metric": ("answer_preferred", "answer_probability", "middle_probability"),
        "trial": range(trials),
    }
    store = _frame(rows, steps).assign(syllogism=_variable(rows, steps, plant, axes))
    return store.assign_coords(_labels(axes))


def _frame(rows: Sequence[dict[str, Any]], steps: Sequence[int]) -> xr.Dataset:
    x = np.array(sorted(steps))
    since = np.array([np.where(x > row["period"], (x - 1) % row["period"] + 1, np.nan) for row in rows], np.float32)
    coords = {name: ("run", _column([row[name] for row in rows])) for name in rows[0]}
    return xr.Dataset({"steps_since_reset": (("run", "step"), since)}, coords | {"step": x})


def _variable(rows: Sequence[Any], steps: Sequence[int], plant: Curve, axes: dict[str, Sequence[Any]]) -> Any:
    x = np.array(sorted(steps))
    values = np.empty((len(rows), len(x), *map(len, axes.values())), np.float32)
    for index in np.ndindex(len(rows), *map(len, axes.values())):
        cell = [axis[place] for axis, place in zip(axes.values(), index[1:], strict=True)]
        values[(index[0], slice(None), *index[1:])] = plant(rows[index[0]], x, *cell)
    return (("run", "step", *axes), values)


def _labels(axes: dict[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: _column(list(values)) for name, values in axes.items()}


def _column(values: Sequence[Any]) -> np.ndarray:
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def as_in_the_paper(row: dict[str, Any], x: np.ndarray, evaluation: str, layer: int) -> np.ndarray:
    """Accuracies of which every claim on figures 2 and A13 holds; the seeds differ a little."""
    depth, forgets = layer / row["layers"], row["kind"] != "vanilla"
    step = x / x[-1]
    shift = 0.01 * row["seed"]
    if evaluation == "unseen":
        if depth == 0:
            return 0.5 + shift * np.ones(len(x))
        height = 0.35 if 0.5 <= depth <= 0.75 else 0.1
        bump = np.interp(step, [0, 0.03, 0.1, 0.9, 1], [0, height, height, 0, 0])
        return 0.5 + shift + (np.maximum(bump, np.interp(step, [0, 0.03, 1], [0, height, height])) if forgets else bump)
    if evaluation in ("head", "tail", "val"):
        gain = {"head": 0.2, "tail": 0.3, "val": 0.2}[evaluation]
        fade = np.interp(step, [0, 0.01, 0.02, 0.5, 1], [0, 0, 1, 0, 0])
        return 0.7 + shift + (fade * gain if depth > 0 else 0)
    start = {"switch": 0.26, "tail_switch": 0.45}[evaluation]
    return start - shift - np.interp(step, [0, 0.01, 1], [0, 0, 0.1])


def pushed_down(row: dict[str, Any], x: np.ndarray, name: str, layer: int, *rest: Any) -> np.ndarray:
    """Accuracies that arrive in the last layer first and in layer 0 last, which falls a little in the end."""
    depth, step = layer / row["layers"], np.log10(np.maximum(x, 1)) / np.log10(x[-1])
    arrival = 0.3 + 0.5 * (1 - depth)
    rise = 0.3 / (1 + np.exp(-(step - arrival) * 15))
    deep = 0.2 * depth if name in MEASURES else 0.0
    return 0.5 + rise + deep * step - 0.05 * depth * (step > 0.95) * (name not in MEASURES) + 0.01 * row["seed"]
