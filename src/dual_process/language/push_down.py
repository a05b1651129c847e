"""Push-down: what can be read linearly off every layer of a language model as training goes on.

Probes of the parts of speech, dependency relations, named entities and phrase bounds of words, structural probes of
their trees, and probes of each attention head's own output.
Shape letters: L layer, H head, N word, W component.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.arrays import open_arrays
from dual_process.language.labels import run_frame
from dual_process.language.linear_labels import LabelCodes, encode_label, label_accuracies
from dual_process.language.structural import (
    MEASURES,
    TEST_SENTENCES,
    TRAIN_SENTENCES,
    draw_trees,
    measure_structure,
)
from dual_process.language_runs import UnitPlan
from dual_process.store import open_store

COLUMNS = {
    "cpos": "upos",
    "fpos": "xpos",
    "dep": "dep",
    "ner": "ner",
    "phrase_start": "phrase_start",
    "phrase_end": "phrase_end",
}
"""Variable of the sentences store behind each label; the last three only where the corpus has them."""
PARTS = ("train", "dev")

_log = logging.getLogger(__name__)


def measure(plan: UnitPlan, *, features: Path, sentences: Path, threads: int) -> xr.Dataset:
    """Measure push-down on some checkpoints.

    Parameters
    ----------
    plan
        What is measured; ``plan.probing`` holds the penalty of linear and the rank of structural probes.
    features
        Store of the states of the words at every checkpoint.
    sentences
        Store of the words.
    threads
        Threads of PyTorch.

    Returns
    -------
    xarray.Dataset
        Accuracies on the words of the test part, all between 0 and 1: ``push_down`` (run, step, label, layer);
        ``structure`` (run, step, measure, layer), see `dual_process.language.structural.measure_trees`;
        ``head_push_down`` (run, step, label, block, head) if the features have outputs of heads; ``majority`` (run,
        label), what a constant answer reaches.
    """
    torch.set_num_threads(threads)
    words = [open_store(sentences, part) for part in PARTS]
    states = [open_arrays(features, part) for part in PARTS]
    labels = encode_labels(*words)
    trees = [
        draw_trees(each, limit=limit, seed=plan.probing.seed, part=part)
        for each, limit, part in zip(words, (TRAIN_SENTENCES, TEST_SENTENCES), PARTS, strict=True)
    ]
    size = open_arrays(features).attrs
    linear, structure, by_head = [], [], []
    for step in range(len(plan.steps)):
        train_lnw, dev_lnw = (_tensor(part["states"], step) for part in states)
        linear.append(probe_layers(train_lnw, dev_lnw, labels, penalty=plan.probing.penalty))
        rank, seed = plan.probing.structural_rank, plan.probing.seed
        structure.append(measure_structure(train_lnw, trees[0], dev_lnw, trees[1], rank=rank, seed=seed))
        if all("head_outputs" in part for part in states):
            train_jnw, dev_jnw = (_tensor(part["head_outputs"], step) for part in states)
            heads, penalty = int(size["heads"]), plan.probing.penalty
            by_head.append(probe_heads(train_jnw, dev_jnw, labels, heads=heads, penalty=penalty))
        _log.info("push-down: checkpoint %d of %d", step + 1, len(plan.steps))
    frame = run_frame(plan.labels, steps=plan.steps, layers=int(size["layers"]), vocabulary=int(size["vocabulary"]))
    return _with_measurements(frame, labels, linear, structure, by_head)


def encode_labels(train: xr.Dataset, dev: xr.Dataset) -> list[LabelCodes]:
    """Number the classes of all labels that both parts of the sentences store have, in the order of `COLUMNS`."""
    return [
        encode_label(label, train[column].values, dev[column].values)
        for label, column in COLUMNS.items()
        if column in train and column in dev
    ]


def probe_layers(train_lnw: Tensor, dev_lnw: Tensor, labels: Sequence[LabelCodes], *, penalty: float) -> np.ndarray:
    """Accuracy of linear probes, shape (label, L).

    Parameters
    ----------
    train_lnw, dev_lnw
        States of the words of both parts, shape (L, N, W).
    labels
        What is read.
    penalty
        Ridge penalty.
    """
    layers = zip(train_lnw, dev_lnw, strict=True)  # one at a time: in double precision they would fill the memory
    accuracies = [label_accuracies(train_nw, dev_nw, labels, penalty=penalty) for train_nw, dev_nw in layers]
    return torch.stack(accuracies, dim=1).numpy()


def probe_heads(
    train_jnw: Tensor, dev_jnw: Tensor, labels: Sequence[LabelCodes], *, heads: int, penalty: float
) -> np.ndarray:
    """Accuracy of linear probes on each head's own output, shape (label, block, H).

    A head's output is its slice of what goes into the output projection. A linear probe sees the same in it as in what
    the head adds to the residual stream, the slice times its slice of the projection: that only maps it linearly, and
    one to one unless weights are degenerate. (The published curves of single heads all show the output of one MLP.)

    Parameters
    ----------
    train_jnw, dev_jnw
        Outputs of all heads side by side for the words of both parts, shape (block, N, W), W = H x head width.
    labels, penalty
        As in `probe_layers`.
    heads
        Number of heads, H.
    """
    train, dev = (each.unflatten(-1, (heads, -1)).movedim(-2, 1) for each in (train_jnw, dev_jnw))
    accuracies = [label_accuracies(*block, labels, penalty=penalty) for block in zip(train, dev, strict=True)]
    return torch.stack(accuracies, dim=1).numpy()


def _tensor(states: xr.DataArray, step: int) -> Tensor:
    """All layers of one checkpoint, in the half precision of the store."""
    return torch.from_numpy(states.isel(step=step).values)


def _with_measurements(
    frame: xr.Dataset,
    labels: Sequence[LabelCodes],
    linear: Sequence[np.ndarray],
    structure: Sequence[np.ndarray],
    by_head: Sequence[np.ndarray],
) -> xr.Dataset:
    """Add what was measured at every step, and what follows from its course, to the frame of a run."""
    accuracy = np.stack(linear)[None].astype(np.float32)
    coords = {
        "label": ("label", np.array([label.name for label in labels], dtype=object)),
        "measure": ("measure", np.array(MEASURES, dtype=object)),
        "layer": ("layer", np.arange(accuracy.shape[-1])),
    }
    majority = np.array([[label.majority for label in labels]], np.float32)
    dataset = frame.assign_coords(coords).assign(
        push_down=(("run", "step", "label", "layer"), accuracy, _accuracy("words whose label a linear probe finds")),
        structure=(
            ("run", "step", "measure", "layer"),
            np.stack(structure)[None].astype(np.float32),
            {"units": "1", "long_name": "agreement of structural probes with the trees"},
        ),
        majority=(("run", "label"), majority, _accuracy("words of the most frequent class")),
    )
    if by_head:
        values = np.stack(by_head)[None].astype(np.float32)
        dims = ("run", "step", "label", "block", "head")
        dataset = dataset.assign_coords(block=np.arange(1, values.shape[3] + 1), head=np.arange(values.shape[4]))
        dataset["head_push_down"] = (dims, values, _accuracy("words whose label a linear probe of one head finds"))
    return dataset


def _accuracy(what: str) -> dict[str, str]:
    return {"units": "1", "long_name": f"share of {what}"}
