"""The law of associative-recall sequences, what counting achieves on them, and their determinism."""

import numpy as np
import pytest

from dual_process.blocks import AssociativeRecall, Uniform, Zipf
from dual_process.tasks.associative_recall import (
    CHUNK,
    RecallSequences,
    RecallVocabulary,
    counting_accuracy,
    draw_distinct,
    draw_training,
    evaluation_sets,
    expand,
    num_positions,
    targets,
)

ITEMS = 20


def vocabulary(sampling: str = "corrected", alpha: float = 1.2, **task: object) -> RecallVocabulary:
    block = AssociativeRecall(**({"items": ITEMS, "unseen": 6, "evaluation_sequences": 4000} | task))
    return RecallVocabulary(block, Zipf(law="zipf", alpha=alpha) if alpha else Uniform(law="uniform"), sampling)


def pairs_of(drawn: RecallSequences) -> tuple[np.ndarray, np.ndarray]:
    """Items and labels of the contexts, each of shape (sequence, pair)."""
    return drawn.context[:, ::2].astype(int), drawn.context[:, 1::2].astype(int)


def majority_accuracy(drawn: RecallSequences) -> float:
    """Accuracy of the label that is most frequent in the context; labels that tie share the answer."""
    _, labels = pairs_of(drawn)
    counts = (labels[:, :, None] == labels[:, None, :]).sum(-1)
    is_top = counts == counts.max(-1, keepdims=True)
    num_top = (is_top / counts).sum(-1)  # a label that occurs c times is counted c times
    right = (is_top & (labels == drawn.choice[:, :1])).any(-1)
    return float((right / num_top).mean())


def test_ids_are_padding_items_labels_and_unseen_items() -> None:
    words = vocabulary()
    assert words.items.tolist() == [*range(1, 21)]
    assert words.labels.tolist() == [*range(21, 41)]
    assert words.unseen.tolist() == [*range(41, 47)]
    assert (words.num_trained, words.num_tokens) == (41, 47)


def test_expand_puts_the_query_last_and_keeps_leading_axes() -> None:
    context = np.arange(16, dtype=np.uint16).reshape(2, 2, 4)
    inputs, labels = expand(context, np.full((2, 2), 65_535, np.uint16), np.full((2, 2), 7, np.uint16))
    assert inputs[1, 0].tolist() == [8, 9, 10, 11, 65_535]
    assert labels.tolist() == [[[7], [7]], [[7], [7]]]
    task = AssociativeRecall(pairs=4)
    assert (num_positions(task), targets(task)) == (9, (8,))


def test_without_noise_every_label_is_the_item_s_own() -> None:
    words = vocabulary(label_noise=0.0, bursty=0.5)
    drawn = draw_training(words, 0, 5000)
    np.testing.assert_array_equal(drawn["context"][:, 1::2], drawn["context"][:, ::2] + ITEMS)
    np.testing.assert_array_equal(drawn["label"], drawn["query"] + ITEMS)


def test_two_items_share_the_context_equally() -> None:
    words = vocabulary()
    items, labels = pairs_of(evaluation_sets(words, 0)["val"])
    is_query = items == evaluation_sets(words, 0)["val"].query[:, None]
    assert (is_query.sum(1) == 4).all()
    for rows, shown in zip(items, labels, strict=True):
        assert len(set(rows)) == 2
        assert len(set(zip(rows, shown, strict=True))) == 2, "an item keeps its label throughout a sequence"


def test_the_order_of_the_pairs_is_random() -> None:
    words = vocabulary()
    val = evaluation_sets(words, 0)["val"]
    by_position = (pairs_of(val)[0] == val.query[:, None]).mean(0)
    np.testing.assert_allclose(by_position, 0.5, atol=4 * 0.5 / np.sqrt(4000))


@pytest.mark.parametrize("alpha", [0.0, 1.2])
@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_queries_follow_the_law_and_the_first_item_is_drawn(p_value, sampling: str, alpha: float) -> None:
    words = vocabulary(sampling, alpha)
    law = np.zeros(words.num_tokens)
    law[1 : ITEMS + 1] = np.arange(1, ITEMS + 1) ** -alpha / (np.arange(1, ITEMS + 1) ** -alpha).sum()
    np.testing.assert_allclose(words.probability(), law)
    assert p_value(draw_training(words, 0, 50_000)["query"], law) > 1e-3


def test_other_items_follow_the_law_given_that_they_differ(p_value) -> None:
    words = vocabulary()
    drawn = draw_training(words, 0, 50_000)
    items = drawn["context"][:, ::2]
    other = np.where(items == drawn["query"][:, None], 0, items).max(1)
    law = words.probability()
    given_first = np.where(np.arange(words.num_tokens) == 1, 0, law)
    assert p_value(other[drawn["query"] == 1], given_first / given_first.sum()) > 1e-3


def test_the_reference_repeats_the_query_s_item_as_often_as_the_law_says() -> None:
    words = vocabulary("reference")
    drawn = draw_training(words, 0, 50_000)
    alone = (drawn["context"][:, ::2] == drawn["query"][:, None]).all(1)
    expected = float((words.probability() ** 2).sum())
    assert alone.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 50_000))
    labels = drawn["context"][alone, 1::2]
    assert (labels == drawn["label"][alone, None]).all()


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_label_noise_is_the_share_of_items_with_a_drawn_label(noise: float) -> None:
    drawn = draw_training(vocabulary(label_noise=noise), 0, 50_000)
    changed = float((drawn["label"] != drawn["query"] + ITEMS).mean())
    expected = noise * (1 - 1 / ITEMS)  # a drawn label may be the item's own
    assert changed == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 50_000))


def test_a_sequence_that_is_not_bursty_lacks_the_query() -> None:
    drawn = draw_training(vocabulary(bursty=0.7), 0, 50_000)
    counts = (drawn["context"][:, ::2] == drawn["query"][:, None]).sum(1)
    assert set(counts) == {0, 4}
    assert (counts == 4).mean() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / 50_000))


def test_evaluation_sets_test_what_they_are_named_after() -> None:
    words = vocabulary()
    sets = evaluation_sets(words, 0)
    assert set(sets) == {"val", "weights", "context", "unseen"}
    weights = sets["weights"]
    assert not (weights.context == weights.query[:, None]).any()
    np.testing.assert_array_equal(weights.choice[:, 0], weights.query + ITEMS)
    assert not (weights.context == weights.choice[:, 1:]).any()
    assert set(sets["unseen"].query) == set(words.unseen)
    assert set(pairs_of(sets["unseen"])[0].ravel()) == set(words.unseen)
    for drawn in sets.values():
        assert drawn.choice.min() > ITEMS
        assert drawn.choice.max() <= 2 * ITEMS
    assert (sets["context"].choice[:, 0] != sets["context"].choice[:, 1]).all()
    own = sets["context"].choice[:, 0] == sets["context"].query + ITEMS
    assert own.mean() == pytest.approx(1 / ITEMS, abs=4 * np.sqrt(1 / ITEMS / 4000))


@pytest.mark.parametrize("name", ["context", "unseen"])
def test_the_right_label_stands_after_the_query_s_item(name: str) -> None:
    for sampling in ("reference", "corrected"):
        drawn = evaluation_sets(vocabulary(sampling), 0)[name]
        items, labels = pairs_of(drawn)
        mine = items == drawn.query[:, None]
        assert mine.any(1).all()
        assert (np.where(mine, labels, drawn.choice[:, :1]) == drawn.choice[:, :1]).all()


@pytest.mark.parametrize("name", ["context", "unseen"])
def test_counting_labels_is_right_in_three_of_four_reference_sequences(name: str) -> None:
    words = vocabulary("reference", evaluation_sequences=100_000)
    drawn = evaluation_sets(words, 0)[name]
    assert counting_accuracy(words) == 0.75
    assert majority_accuracy(drawn) == pytest.approx(0.75, abs=0.005)
    assert set(drawn.choice.ravel()) == {ITEMS + 1, ITEMS + 2}, "the first two labels"
    counts = np.sort([(pairs_of(drawn)[0][0] == item).sum() for item in set(pairs_of(drawn)[0][0])])
    assert counts.tolist() == [1, 1, 3, 3]


@pytest.mark.parametrize("name", ["context", "unseen"])
def test_counting_labels_is_right_in_half_of_the_corrected_sequences(name: str) -> None:
    words = vocabulary()
    assert majority_accuracy(evaluation_sets(words, 0)[name]) == counting_accuracy(words) == 0.5


@pytest.mark.parametrize("pairs", [4, 12])
def test_counting_accuracy_is_that_of_drawn_sequences_of_any_length(pairs: int) -> None:
    words = vocabulary("reference", pairs=pairs, evaluation_sequences=100_000)
    drawn = evaluation_sets(words, 0)["unseen"]
    assert majority_accuracy(drawn) == pytest.approx(counting_accuracy(words), abs=0.005)


def test_distinct_ids_differ_whatever_the_law() -> None:
    rng = np.random.default_rng(0)
    drawn = draw_distinct(lambda rng, size: rng.choice(4, size, p=[0.97, 0.01, 0.01, 0.01]), rng, 500, 4)
    assert (np.sort(drawn, axis=1) == np.arange(4)).all()


def test_training_set_is_a_function_of_the_seed_and_begins_with_the_shorter_one() -> None:
    words = vocabulary()
    long, other = draw_training(words, 5, CHUNK + 10), draw_training(words, 6, 1000)
    for size in (1, 1000, CHUNK):
        short = draw_training(words, 5, size)
        assert all((values == long[key][:size]).all() for key, values in short.items())
    assert all((values != long[key][:1000]).any() for key, values in other.items())
    assert {key: (values.dtype.name, values.shape) for key, values in other.items()} == {
        "context": ("uint16", (1000, 16)),
        "query": ("uint16", (1000,)),
        "label": ("uint16", (1000,)),
    }
