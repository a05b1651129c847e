"""Sentences on which checkpoints are probed: some of the treebank's, and templates with frequent, rare and new words.

The templates are those of the paper's study of BERT, "The {noun} is {adjective} .", with its defects mended: every draw
has a seed, the full stop is a word of its own, and every sentence has an offset for its positions, so that no probe can
read the slot off the absolute position.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dual_process.language.corpus import ANNOTATIONS, Sentence, read_sentences
from dual_process.language.word_types import WordTypes, count_types, head_and_tail
from dual_process.language_runs import SentencesPlan
from dual_process.streams import stream

NUM_OFFSETS = 16
"""Position ids of a template are shifted by one of so many numbers, from 0 on."""
NONCE = "thenewtoken{}"
"""Words that no model has seen, as the paper names them."""
PARTS = ("train", "dev")
"""Files of a treebank; the index of one is that of its random stream."""

_log = logging.getLogger(__name__)


def make_sentences(plan: SentencesPlan, train: Path, dev: Path) -> dict[str, xr.Dataset]:
    """Draw the sentences of one treebank.

    Parameters
    ----------
    plan
        Sizes and seed.
    train, dev
        Files of the treebank; nouns and adjectives are counted over the whole of the first.

    Returns
    -------
    dict of xarray.Dataset
        ``train`` and ``dev``: whole sentences, drawn at random until there are enough words, in the order of the file;
        dimension ``word``; form, upos, xpos, dep, head (counted from 1 within the sentence, 0 for the root), sentence
        and position (both counted from 0), and those of ner, phrase_start and phrase_end that every word has.
        ``head``, ``tail``, ``switch``, ``tail_switch``, ``unseen``: dimension ``sequence``; the words in the slots
        noun and adjective, and the offset of the position ids. A switch has the words of its head or tail exchanged.
        ``types``: dimension ``type``; form, role, noun_count and adjective_count.
    """
    files = dict(zip(PARTS, (train, dev), strict=True))
    corpus = {part: list(read_sentences(path)) for part, path in files.items()}
    for part, sentences in corpus.items():
        _log.info("%s: %d sentences of %d words", files[part], len(sentences), sum(map(len, sentences)))
    types = count_types(corpus["train"], purity=plan.purity)
    _log.info("%d nouns, %d adjectives", (types.role == "noun").sum(), (types.role == "adjective").sum())
    lists = head_and_tail(types, plan.types)
    labels = [name for name in ANNOTATIONS if all(_has(sentences, name) for sentences in corpus.values())]
    wanted = dict(zip(PARTS, (plan.train_words, plan.dev_words), strict=True))
    groups = {
        part: _dataset(_draw(corpus[part], wanted[part], stream(plan.seed, "sentences", index)), labels)
        for index, part in enumerate(PARTS)
    }
    return groups | _templates(plan, lists) | {"types": _types_dataset(types)}


def _has(sentences: Sequence[Sentence], label: str) -> bool:
    return all(getattr(word, label) is not None for sentence in sentences for word in sentence)


def _draw(sentences: Sequence[Sentence], num_words: int, random: np.random.Generator) -> list[Sentence]:
    """Sentences at random until they hold so many words, or all, in their order."""
    order = random.permutation(len(sentences))
    words = np.cumsum([len(sentences[index]) for index in order])
    num_sentences = int(np.searchsorted(words, num_words)) + 1
    return [sentences[index] for index in sorted(order[:num_sentences])]


def _dataset(sentences: Sequence[Sentence], labels: Sequence[str]) -> xr.Dataset:
    words = [word for sentence in sentences for word in sentence]
    lengths = [len(sentence) for sentence in sentences]
    columns = {
        name: _text([getattr(word, name) for word in words]) for name in ("form", "upos", "xpos", "dep", *labels)
    }
    columns |= {
        "head": np.array([word.head for word in words], np.int32),
        "sentence": np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        "position": np.concatenate([np.arange(length, dtype=np.int32) for length in lengths]),
    }
    return xr.Dataset({name: ("word", values) for name, values in columns.items()})


def _templates(plan: SentencesPlan, lists: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[str, xr.Dataset]:
    nonce = _text([NONCE.format(index) for index in range(plan.types)])
    sources = {**lists, "unseen": {"noun": nonce, "adjective": nonce}}
    groups = {}
    for index, (name, words) in enumerate(sources.items()):
        random = stream(plan.seed, "templates", index)
        slots = {slot: words[slot][random.integers(plan.types, size=plan.sequences)] for slot in ("noun", "adjective")}
        offset = random.integers(NUM_OFFSETS, size=plan.sequences, dtype=np.int32)
        groups[name] = _template_dataset(slots["noun"], slots["adjective"], offset)
    for name, source in {"switch": "head", "tail_switch": "tail"}.items():
        pairs = groups[source]
        groups[name] = _template_dataset(pairs["adjective"].values, pairs["noun"].values, pairs["offset"].values)
    return groups


def _template_dataset(noun: NDArray[Any], adjective: NDArray[Any], offset: NDArray[np.int32]) -> xr.Dataset:
    columns = {"noun": noun, "adjective": adjective, "offset": offset}
    return xr.Dataset({name: ("sequence", values) for name, values in columns.items()})


def _types_dataset(types: WordTypes) -> xr.Dataset:
    return xr.Dataset(
        {
            "form": ("type", types.form),
            "role": ("type", types.role),
            "noun_count": ("type", types.noun_count),
            "adjective_count": ("type", types.adjective_count),
        }
    )


def _text(values: Sequence[Any]) -> NDArray[Any]:
    return np.array(values, object)
