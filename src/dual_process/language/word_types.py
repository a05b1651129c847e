"""Nouns and adjectives of a treebank, the most frequent and the rarest of them.

As in the paper's study of BERT, with forms in lower case and with ties broken by form. Only forms that are words count:
letters, with single hyphens or apostrophes between them, at least two characters. So no slot of a template holds a
number, an address or a sign.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dual_process.language.corpus import Sentence

_WORD = re.compile(r"(?=..)[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")


@dataclass(frozen=True)
class WordTypes:
    """Forms that a treebank uses as noun or adjective, sorted by form; all arrays have one entry for each."""

    form: NDArray[Any]
    """Form in lower case, as object."""
    role: NDArray[Any]
    """noun, adjective or neither, as object."""
    noun_count: NDArray[np.int32]
    """Uses as a noun."""
    adjective_count: NDArray[np.int32]
    """Uses as an adjective."""


def is_word(form: str) -> bool:
    """Whether a form is made of letters, with hyphens and apostrophes inside only."""
    return _WORD.fullmatch(form) is not None


def count_types(sentences: Iterable[Sentence], *, purity: float) -> WordTypes:
    """Count how often every form is a noun and an adjective.

    Parameters
    ----------
    sentences
        The whole training file.
    purity
        A form is a noun if more than this share of its uses as noun or adjective are as a noun; so for adjectives.
    """
    counts: dict[str, Counter[str]] = {"NOUN": Counter(), "ADJ": Counter()}
    for sentence in sentences:
        for word in sentence:
            if word.upos in counts and is_word(word.form):
                counts[word.upos][word.form.lower()] += 1
    forms = sorted({*counts["NOUN"], *counts["ADJ"]})
    nouns = np.array([counts["NOUN"][form] for form in forms], np.int32)
    adjectives = np.array([counts["ADJ"][form] for form in forms], np.int32)
    noun_share = nouns / (nouns + adjectives)
    adjective_share = adjectives / (nouns + adjectives)
    role = np.full(len(forms), "neither", object)
    role[noun_share > purity] = "noun"
    role[adjective_share > purity] = "adjective"
    return WordTypes(np.array(forms, object), role, nouns, adjectives)


def head_and_tail(types: WordTypes, num_types: int) -> dict[str, dict[str, NDArray[Any]]]:
    """Lists of the most frequent and of the rarest nouns and adjectives.

    Parameters
    ----------
    types
        Counts of a treebank.
    num_types
        Length of every list.

    Returns
    -------
    dict
        Forms under ``head`` and ``tail``, under ``noun`` and ``adjective``, each from frequent to rare; ties by form.

    Raises
    ------
    ValueError
        If head and tail would share a form; says how long the lists can be.
    """
    nouns = _by_count(types, "noun", types.noun_count)
    adjectives = _by_count(types, "adjective", types.adjective_count)
    largest = min(nouns.size, adjectives.size) // 2
    if num_types > largest:
        raise ValueError(
            f"language.probing.types is {num_types}, but the training file has {nouns.size} nouns and "
            f"{adjectives.size} adjectives, and the rarest may not be among the most frequent: "
            f"set it to {largest} or less"
        )
    ranked = {"noun": nouns, "adjective": adjectives}
    return {
        "head": {role: forms[:num_types] for role, forms in ranked.items()},
        "tail": {role: forms[forms.size - num_types :] for role, forms in ranked.items()},
    }


def _by_count(types: WordTypes, role: str, count: NDArray[np.int32]) -> NDArray[Any]:
    members = np.flatnonzero(types.role == role)
    # forms are sorted already, and a stable sort leaves ties in their order
    return types.form[members[np.argsort(-count[members], kind="stable")]]
