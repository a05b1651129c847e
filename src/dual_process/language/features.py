"""Hidden states of every word at every layer, for all checkpoints of a unit.

In: checkpoint folders and a store of sentences. Out: a store of float16 arrays, one chunk a checkpoint and layer, which
the measurements read and the workflow then removes. Equal template sentences go through the model once.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from dual_process.arrays import ArrayWriter, writing_arrays
from dual_process.language.encoding import NONCE, SLOTS
from dual_process.language.reading import Subject
from dual_process.language_runs import UnitPlan
from dual_process.store import open_store

logger = logging.getLogger(__name__)

TEXTS = ("train", "dev")
"""Groups of the sentences that hold text of the corpus."""
SETS = ("head", "tail", "switch", "tail_switch", "unseen")
"""Groups that hold template sentences."""


@dataclass(frozen=True)
class Text:
    """Sentences of the corpus, as lists of words."""

    sentences: list[list[str]]
    num_words: int


@dataclass(frozen=True)
class Templates:
    """Template sentences, each once.

    Parameters
    ----------
    unique
        Noun, adjective and offset of each.
    place
        For each sentence of the set the index of its like in `unique`, shape (sequence,).
    """

    unique: list[tuple[str, str, int]]
    place: np.ndarray


def read_texts(sentences: Path) -> tuple[dict[str, Text], dict[str, Templates]]:
    """Read the sentences of the corpus, and the template sentences without their doubles."""
    texts, sets = {}, {}
    for name in TEXTS:
        part = open_store(sentences, name, variables=["form", "sentence"])
        forms, ends = part["form"].values.tolist(), np.flatnonzero(np.diff(part["sentence"].values)) + 1
        bounds = [0, *ends.tolist(), len(forms)]
        texts[name] = Text([forms[i:j] for i, j in pairwise(bounds)], len(forms))
    for name in SETS:
        part = open_store(sentences, name, variables=["noun", "adjective", "offset"])
        columns = (part["noun"].values.tolist(), part["adjective"].values.tolist(), part["offset"].values.tolist())
        rows = list(zip(*columns, strict=True))
        unique = sorted(set(rows))
        at = {row: index for index, row in enumerate(unique)}
        sets[name] = Templates(unique, np.array([at[row] for row in rows], np.int64))
    return texts, sets


def extract_features(plan: UnitPlan, *, folders: Sequence[Path], sentences: Path, output: Path, threads: int) -> None:
    """Write the features of all checkpoints of a unit.

    Parameters
    ----------
    plan
        Of the unit.
    folders
        Checkpoint folder of each step, as transformers writes them.
    sentences
        Store of the sentences.
    output
        The store to write: groups ``train`` and ``dev`` with ``states`` (step, layer, word, component) and, for BERT
        and its like, ``head_outputs`` (step, block, word, component); the template sets with ``states`` (step, layer,
        sequence, slot, component). A word is the mean over its pieces. Positions of template sentences are shifted by
        their offset (BERT learns a vector for each absolute position, which would tell the slot).
    threads
        Processor threads.
    """
    torch.set_num_threads(threads)
    texts, sets = read_texts(sentences)
    words = {word for each in sets.values() for noun, adjective, _ in each.unique for word in (noun, adjective)}
    nonce = 1 + max((int(match[1]) for word in words if (match := NONCE.fullmatch(word))), default=-1)
    subject = Subject(folders[0], plan, nonce)
    attributes = {"layers": subject.layers, "heads": subject.heads, "vocabulary": subject.vocabulary}
    with writing_arrays(output, _frames(plan, subject), attributes) as arrays:
        _create(arrays, len(plan.steps), subject, texts, sets)
        for step, folder in enumerate(folders):
            logger.info("checkpoint %d of %d, step %d", step + 1, len(folders), plan.steps[step])
            if step:
                shape = subject.shape
                subject = Subject(folder, plan, nonce)
                if subject.shape != shape:
                    raise ValueError(f"the checkpoint in {folder} has another shape than that in {folders[0]}")
            _write_step(arrays, step, subject, texts, sets, plan.probing.batch_tokens)


def _frames(plan: UnitPlan, subject: Subject) -> dict[str, xr.Dataset]:
    """Coordinates of all groups."""
    steps, layers = np.asarray(plan.steps, np.int64), np.arange(subject.layers + 1)
    frame = xr.Dataset(coords={"step": ("step", steps, {"units": "steps"}), "layer": layers})
    text = frame.assign_coords(block=layers[1:]) if subject.attentions else frame
    return {"": xr.Dataset()} | dict.fromkeys(TEXTS, text) | dict.fromkeys(SETS, frame.assign_coords(slot=list(SLOTS)))


def _create(
    arrays: ArrayWriter, steps: int, subject: Subject, texts: Mapping[str, Text], sets: Mapping[str, Templates]
) -> None:
    layers, width = {"step": steps, "layer": subject.layers + 1}, {"component": subject.width}
    for name, text in texts.items():
        words = {"word": text.num_words} | width
        arrays.create(f"{name}/states", layers | words, pieces=2)
        if subject.attentions:
            arrays.create(f"{name}/head_outputs", {"step": steps, "block": subject.layers} | words, pieces=2)
    for name, each in sets.items():
        arrays.create(f"{name}/states", layers | {"sequence": each.place.size, "slot": len(SLOTS)} | width, pieces=2)


def _write_step(
    arrays: ArrayWriter,
    step: int,
    subject: Subject,
    texts: Mapping[str, Text],
    sets: Mapping[str, Templates],
    batch_tokens: int,
) -> None:
    """Read everything with one checkpoint."""
    encoder = subject.encoder
    for name, text in texts.items():
        encoder.learn(form for sentence in text.sentences for form in sentence)
        starts = np.cumsum([0, *(len(sentence) for sentence in text.sentences)]).tolist()
        windows = [
            window
            for start, forms in zip(starts, text.sentences, strict=False)
            for window in encoder.windows(forms, first=start)
        ]
        found = subject.read(windows, text.num_words, batch_tokens=batch_tokens, heads=bool(subject.attentions))
        for variable, values in zip(("states", "head_outputs"), found, strict=False):
            for layer, piece in enumerate(values):
                arrays.write(f"{name}/{variable}", (step, layer), piece)
    for name, each in sets.items():
        windows = [
            encoder.template(noun, adjective, offset=offset, first=len(SLOTS) * index)
            for index, (noun, adjective, offset) in enumerate(each.unique)
        ]
        (states,) = subject.read(windows, len(SLOTS) * len(windows), batch_tokens=batch_tokens, heads=False)
        for layer, piece in enumerate(states.reshape(len(states), len(windows), len(SLOTS), -1)):
            arrays.write(f"{name}/states", (step, layer), piece[each.place])
