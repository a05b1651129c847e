"""Noun or adjective: what a linear probe reads off each layer, in known and in exchanged contexts (paper, Figure 2).

A probe is trained on nouns and adjectives of the corpus, and asked about words in the slots of "The {noun} is
{adjective} ." A word right for its slot shows what the layer takes from the context where words are unseen, or stand in
the slot of the other class; one minus the accuracy there is the preference for what the weights know of a word.

``corrected``: features are standardised on the training words, both classes count the same, in the fit and in the
accuracy, there is an intercept, and the threshold is 0; so a probe that knows nothing is at 0.5 on every set.
Words that no model has seen lie apart from all others, so a probe may call all of them nouns whatever their slot. So it
is also asked which of the two words of a sentence is the adjective: where the threshold lies does not matter to that.
``reference``: no standardisation, balance or intercept, and adjectives begin at a logit of 0.5, as published.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.arrays import open_arrays
from dual_process.language.features import SETS, TEXTS
from dual_process.language.labels import run_frame
from dual_process.language.logistic import Logistic, accuracy, fit_logistic
from dual_process.language_runs import UnitPlan
from dual_process.store import open_store

EVALUATIONS = ("val", *SETS)
ROLES = ("noun", "adjective")
PUBLISHED_THRESHOLD = 0.5


def measure(plan: UnitPlan, *, features: Path, sentences: Path, threads: int) -> xr.Dataset:
    """Accuracy of part-of-speech probes at every checkpoint and layer of a unit.

    Parameters
    ----------
    plan
        Of the unit.
    features
        What :func:`dual_process.language.features.extract_features` wrote.
    sentences
        Store of the sentences.
    threads
        Processor threads.

    Returns
    -------
    xarray.Dataset
        ``part_of_speech`` (run, step, evaluation, layer), share of words on the right side of the probe; right is the
        tag of a word of the corpus (``val``), the slot in template sentences. ``num_words`` (evaluation), words asked.
        ``two_way`` (run, step, evaluation, layer), share of template sentences in which the adjective slot has the
        higher logit of both slots, chance 0.5, NaN for ``val``.
        ``types_by_count`` (run, role, count), noun and adjective types by how often the training file uses them so:
        more than half of ``count`` and up to it.
    """
    torch.set_num_threads(threads)
    words = {}
    for name in TEXTS:
        tags = open_store(sentences, name, variables=["upos"])["upos"].values
        kept = np.flatnonzero(np.isin(tags, ["NOUN", "ADJ"]))
        words[name] = (kept, torch.from_numpy(tags[kept] == "ADJ"))
    groups = {name: open_arrays(features, name)["states"] for name in (*TEXTS, *SETS)}
    steps = [
        _measure_step(plan, {name: states[step] for name, states in groups.items()}, words)
        for step in range(len(plan.steps))
    ]
    shares, pairs = (np.array(each, np.float32)[None] for each in zip(*steps, strict=True))
    num_words = [len(words["dev"][0]), *(groups[name].sizes["sequence"] * len(ROLES) for name in SETS)]
    root = open_arrays(features).attrs
    frame = run_frame(plan.labels, steps=plan.steps, layers=root["layers"], vocabulary=root["vocabulary"])
    types, dims = open_store(sentences, "types"), ("run", "step", "evaluation", "layer")
    return frame.assign(
        part_of_speech=(dims, shares),
        two_way=(dims, pairs),
        types_by_count=types_by_count(types).expand_dims(run=frame["run"].values),
    ).assign_coords(
        evaluation=np.array(EVALUATIONS, object),
        layer=groups["train"]["layer"].values,
        num_words=("evaluation", num_words),
    )


def _measure_step(
    plan: UnitPlan, states: Mapping[str, xr.DataArray], words: Mapping[str, tuple[np.ndarray, Tensor]]
) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies and shares of sentences in order at one checkpoint, both (evaluation, layer)."""
    train, dev = (_layers(states[name], words[name][0]) for name in TEXTS)
    probe = _fit(plan, train, words["train"][1])
    shares = [_accuracy(plan, probe.scores(dev), words["dev"][1])]
    pairs = [np.full_like(shares[0], np.nan)]
    for name in SETS:
        scores = probe.scores(_layers(states[name]))
        adjective = torch.arange(scores.shape[1]) % len(ROLES) == 1  # the words of a sentence follow each other
        shares.append(_accuracy(plan, scores, adjective))
        pairs.append(two_way(scores[:, ~adjective], scores[:, adjective]))
    return np.array(shares), np.array(pairs)


def _layers(states: xr.DataArray, rows: np.ndarray | None = None) -> Tensor:
    """Some words at all layers, shape (layer, word, component); the words of both slots, one sentence after another."""
    values = states.values if rows is None else np.stack([layer.values[rows] for layer in states])
    return torch.from_numpy(values.reshape(values.shape[0], -1, values.shape[-1])).float()


def _fit(plan: UnitPlan, features: Tensor, labels: Tensor) -> Logistic:
    corrected = plan.probing.protocol == "corrected"
    return fit_logistic(
        features,
        labels,
        penalty=plan.probing.penalty,
        balanced=corrected,
        intercept=corrected,
        standardise=corrected,
    )


def _accuracy(plan: UnitPlan, scores: Tensor, labels: Tensor) -> np.ndarray:
    corrected = plan.probing.protocol == "corrected"
    threshold = 0.0 if corrected else PUBLISHED_THRESHOLD
    shares: np.ndarray = accuracy(scores, labels, threshold=threshold, balanced=corrected).numpy()
    return shares


def two_way(noun: Tensor, adjective: Tensor) -> np.ndarray:
    """Share of sentences whose adjective slot has the higher logit, shape (layer,); equal ones count half."""
    pairs: np.ndarray = (0.5 * (adjective > noun).double() + 0.5 * (adjective >= noun).double()).mean(1).numpy()
    return pairs


def types_by_count(types: xr.Dataset) -> xr.DataArray:
    """Count types by role and by the power of two up to which the training file uses them in that role.

    Parameters
    ----------
    types
        Group ``types`` of the sentences.

    Returns
    -------
    xarray.DataArray
        Dimensions ``role`` and ``count``; ``count`` is the upper edge, included, the lower one is half of it.
    """
    counts = {role: types[f"{role}_count"].values[types["role"].values == role] for role in ROLES}
    largest = max((int(each.max()) for each in counts.values() if each.size), default=1)
    edges = 2 ** np.arange(int(np.ceil(np.log2(max(1, largest)))) + 1)
    found = [np.bincount(np.searchsorted(edges, each), minlength=len(edges)) for each in counts.values()]
    return xr.DataArray(
        np.array(found, np.int64), dims=("role", "count"), coords={"role": np.array(ROLES, object), "count": edges}
    )
