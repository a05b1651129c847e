"""Templates written out by hand, the law of the training sequences, and their determinism."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from dual_process.blocks import PartOfSpeech, Zipf
from dual_process.tasks.part_of_speech import (
    CHUNK,
    LENGTH,
    QUERY_POSITION,
    TARGET_POSITIONS,
    draw_training,
    expand,
)
from dual_process.tasks.vocabulary import Vocabulary, make_vocabulary

ADJECTIVE, NOUN, COPULA, MASK = 70, 7, 100, 101
WRITTEN_OUT = [
    ([100, 70, 7, 70, 101, 101, 101], [70, 70, 70]),
    ([100, 70, 7, 7, 101, 101, 101], [70, 7, 7]),
    ([7, 100, 70, 7, 101, 101, 101], [70, 7, 7]),
    ([7, 100, 70, 70, 101, 101, 101], [70, 70, 70]),
]
"""Inputs and targets by template for adjective 70 and noun 7, copula 100 and mask 101."""


def vocabulary(sampling: str = "corrected", alpha: float = 1.2, **task) -> Vocabulary:
    return make_vocabulary(PartOfSpeech(**task), Zipf(law="zipf", alpha=alpha), sampling, 0)


@pytest.mark.parametrize("template", range(4))
def test_template_is_the_one_written_out(template):
    inputs, targets = expand(*(np.array([n]) for n in (template, ADJECTIVE, NOUN)), copula=COPULA)
    assert inputs.tolist() == [WRITTEN_OUT[template][0]]
    assert targets.tolist() == [WRITTEN_OUT[template][1]]


def test_expand_keeps_leading_axes_and_widens_small_integers():
    template = np.arange(4, dtype=np.uint8).reshape(2, 2)
    adjective, noun = np.full((2, 2), 65_534, np.uint16), np.full((2, 2), 65_535, np.uint16)
    inputs, targets = expand(template, adjective, noun, copula=65_000)
    assert inputs.shape == (2, 2, LENGTH)
    assert targets.shape == (2, 2, len(TARGET_POSITIONS))
    assert inputs[1, 0].tolist() == [65_535, 65_000, 65_534, 65_535, 65_001, 65_001, 65_001]
    assert targets[1, 0].tolist() == [65_534, 65_535, 65_535]


def test_named_positions_are_those_of_the_query_and_the_masks():
    for inputs, targets in WRITTEN_OUT:
        assert inputs[QUERY_POSITION] in (ADJECTIVE, NOUN)
        assert tuple(np.flatnonzero(np.array(inputs) == MASK)) == TARGET_POSITIONS
        assert targets[1:] == [inputs[QUERY_POSITION]] * 2


def test_templates_are_equally_frequent_and_independent_of_the_tokens():
    drawn = draw_training(vocabulary(vocabulary=20), 0, 200_000)
    assert chisquare(np.bincount(drawn["template"], minlength=4)).pvalue > 1e-3
    for slot in ("adjective", "noun"):
        table = np.zeros((4, 20))
        np.add.at(table, (drawn["template"], drawn[slot]), 1)
        assert chi2_contingency(table[:, table.sum(axis=0) > 50]).pvalue > 1e-3


def test_slots_are_independent_of_each_other():
    drawn = draw_training(vocabulary(vocabulary=20, ambiguity=0.5), 0, 200_000)
    table = np.zeros((20, 20))
    np.add.at(table, (drawn["adjective"], drawn["noun"]), 1)
    result = chi2_contingency(table[table.any(axis=1)][:, table.any(axis=0)])
    assert result.expected_freq.min() > 5
    assert result.pvalue > 1e-3


@pytest.mark.parametrize("ambiguity", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_slots_follow_the_training_law_with_swaps(p_value, sampling, ambiguity):
    words = vocabulary(sampling, 1.5, vocabulary=200, ambiguity=ambiguity)
    drawn = draw_training(words, 0, 1_000_000)

    def law(count):
        weights = np.arange(1, count + 1) ** -1.5
        weights = np.concatenate([[0.0], weights[:-1]]) if sampling == "reference" else weights
        return weights / max(weights.sum(), 1e-300)

    for slot, ids, own, other in [
        ("noun", np.arange(100), words.ambiguous_nouns, words.ambiguous_adjectives),
        ("adjective", np.arange(100, 200), words.ambiguous_adjectives, words.ambiguous_nouns),
    ]:
        expected = np.zeros(words.num_tokens)
        expected[ids] = law(100)
        if ambiguity:
            swapped_in = expected[own].sum() / 2 * law(len(other))
            expected[own] /= 2
            expected[other] = swapped_in
        assert p_value(drawn[slot], expected) > 1e-3


def test_training_set_has_the_documented_types():
    drawn = draw_training(vocabulary(), 0, 10)
    assert {key: (values.dtype.name, values.shape) for key, values in drawn.items()} == {
        "template": ("uint8", (10,)),
        "adjective": ("uint16", (10,)),
        "noun": ("uint16", (10,)),
    }


def test_training_set_is_a_function_of_the_seed():
    words = vocabulary()
    first, again, other = (draw_training(words, seed, 1000) for seed in (5, 5, 6))
    for key, values in first.items():
        assert (values == again[key]).all()
        assert (values != other[key]).any()


def test_longer_training_set_begins_with_the_shorter_one():
    words = vocabulary()
    long = draw_training(words, 0, 2 * CHUNK + 1)
    for size in (1, 1000, CHUNK, CHUNK + 1):
        short = draw_training(words, 0, size)
        assert all((values == long[key][:size]).all() for key, values in short.items())


def test_chunks_differ():
    drawn = draw_training(vocabulary(), 0, 2 * CHUNK)
    assert all((values[:CHUNK] != values[CHUNK:]).any() for values in drawn.values())
