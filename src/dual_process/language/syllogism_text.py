"""Syllogisms as text to learn from, and the draws of their nouns."""

from collections.abc import Sequence

import numpy as np

FEWEST_NOUNS = 3


def training_sentences(words: Sequence[str], generator: np.random.Generator, count: int) -> list[list[str]]:
    """Write syllogisms with their conclusions, to be learnt from.

    Parameters
    ----------
    words
        Nouns, all different; every syllogism takes three of them.
    generator
        Source of the draws.
    count
        Number of syllogisms.

    Returns
    -------
    list of list of str
        Words of each, in the manner of a treebank.

    Examples
    --------
    >>> " ".join(training_sentences(["cats", "dogs", "cows"], np.random.default_rng(1), 1)[0])
    'All cows are cats . All cats are dogs . Therefore , all cows are dogs .'
    """
    sentences = []
    for subject, middle, answer in draw_triples(len(words), generator, count):
        x, y, z = words[subject], words[middle], words[answer]
        sentences.append(f"All {x} are {y} . All {y} are {z} . Therefore , all {x} are {z} .".split(" "))
    return sentences


def draw_triples(choices: int, generator: np.random.Generator, count: int) -> np.ndarray:
    """Draw three different numbers for each of some syllogisms, uniformly.

    Parameters
    ----------
    choices
        Number of nouns to choose from.
    generator
        Source of the draws.
    count
        Number of syllogisms.

    Returns
    -------
    numpy.ndarray
        Shape (count, 3), numbers below `choices`.

    Raises
    ------
    ValueError
        If there are fewer than three.
    """
    if choices < FEWEST_NOUNS:
        raise ValueError(
            f"a syllogism takes three nouns that are one word piece each, and there are {choices}; "
            "give a larger vocabulary or a longer text"
        )
    first = generator.integers(choices, size=count)
    second = (first + generator.integers(1, choices, size=count)) % choices
    third = generator.integers(choices - 2, size=count)
    for taken in np.sort(np.stack([first, second]), axis=0):  # skip the taken numbers, the smaller one first
        third = third + (third >= taken)
    return np.stack([first, second, third], axis=1)
