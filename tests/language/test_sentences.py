"""The store of sentences: whole sentences of the treebank, and templates with the right words in their slots."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from dual_process.language.corpus import read_sentences
from dual_process.language.sentences import make_sentences
from dual_process.language_runs import SentencesPlan
from dual_process.store import list_groups, open_store, write_store
from tests.tiny_english import FOLDER, NUM_SENTENCES, text

FILES = (FOLDER / "train.conllu", FOLDER / "dev.conllu")
SETS = ("head", "tail", "switch", "tail_switch", "unseen")


def plan(**changes):
    sizes = {"train_words": 500, "dev_words": 200, "sequences": 400, "types": 20}
    return SentencesPlan(corpus="tiny", purity=0.8, **{"seed": 0, **sizes, **changes})


@pytest.fixture(scope="module")
def groups():
    return make_sentences(plan(), *FILES)


def split(group):
    """Rows of a group as one list of words for each sentence."""
    columns = [group[name].values.tolist() for name in ("form", "upos", "xpos", "dep", "head", "ner")]
    rows = list(zip(*columns, strict=True))
    bounds = [0, *(np.flatnonzero(np.diff(group["sentence"].values)) + 1).tolist(), len(rows)]
    return [tuple(rows[start:stop]) for start, stop in pairwise(bounds)]


def test_shipped_treebank_is_what_its_grammar_writes():
    for part in NUM_SENTENCES:
        assert (FOLDER / f"{part}.conllu").read_bytes() == text(part).encode()
    assert FILES[0].stat().st_size < 150_000


RELATIONS = {
    "det": {("DET", "NOUN")},
    "amod": {("ADJ", "NOUN")},
    "nsubj": {(subject, core) for subject in ("NOUN", "PROPN", "PRON") for core in ("NOUN", "PROPN", "ADJ", "VERB")},
    "obj": {("NOUN", "VERB"), ("PROPN", "VERB")},
    "cop": {("AUX", "ADJ"), ("AUX", "NOUN"), ("AUX", "PROPN")},
    "advmod": {("ADV", "ADJ")},
    "case": {("ADP", "NOUN"), ("ADP", "PROPN")},
    "nmod": {("NOUN", "NOUN"), ("PROPN", "NOUN")},
    "acl": {("VERB", "NOUN")},
    "obl": {("PROPN", "VERB")},
    "punct": {("PUNCT", core) for core in ("NOUN", "PROPN", "ADJ", "VERB")},
    "root": {(core, None) for core in ("NOUN", "PROPN", "ADJ", "VERB")},
}
"""Parts of speech of a word and its head, by relation."""


def test_tiny_treebank_is_well_formed():
    """Every relation joins the right classes, no arcs cross, and phrases start and end at words that can do so."""
    for sentence in read_sentences(FILES[0]):
        assert sum(word.head == 0 for word in sentence) == 1
        for word in sentence:
            head = sentence[word.head - 1].upos if word.head else None
            assert (word.upos, head) in RELATIONS[word.dep]
        arcs = [sorted((number, word.head)) for number, word in enumerate(sentence, start=1) if word.head]
        assert not any(a < c < b < d for a, b in arcs for c, d in arcs)
        assert sentence[0].phrase_start == sentence[-1].phrase_end == "1"
        for word in sentence:
            assert (word.ner == "O") == (word.upos != "PROPN")
            assert word.phrase_start == "1" or word.upos not in ("DET", "PROPN", "ADP")
            assert word.phrase_end == "0" or word.upos not in ("DET", "ADP", "AUX", "ADV")


@pytest.mark.parametrize(("part", "num_words"), [("train", 500), ("dev", 200)])
def test_whole_sentences_until_there_are_enough_words_in_the_order_of_the_file(groups, part, num_words):
    group = groups[part]
    ours = split(group)
    theirs = [tuple(tuple(word)[:6] for word in s) for s in read_sentences(FOLDER / f"{part}.conllu")]
    remaining = iter(theirs)
    assert all(sentence in remaining for sentence in ours)  # a subsequence
    assert num_words <= group.sizes["word"] < num_words + max(map(len, theirs))
    assert len(ours) == group["sentence"].values[-1] + 1
    assert group["position"].values.tolist() == [index for sentence in ours for index in range(len(sentence))]
    assert all(group[name].dtype == np.int32 for name in ("head", "sentence", "position"))
    assert set(group["phrase_start"].values) == set(group["phrase_end"].values) == {"0", "1"}
    first = np.array([theirs.index(sentence) for sentence in ours])
    assert first.max() > 0.8 * len(theirs)  # drawn from all of the file


def test_all_words_are_taken_where_the_file_has_no_more():
    groups = make_sentences(plan(train_words=10**6, dev_words=10**6), *FILES)
    for part, num_sentences in NUM_SENTENCES.items():
        assert groups[part]["sentence"].values[-1] + 1 == num_sentences


def test_every_slot_holds_words_of_its_class_uniformly(groups):
    types = groups["types"].to_dataframe().set_index("form")
    for name in ("head", "tail"):
        for role in ("noun", "adjective"):
            forms, counts = np.unique(groups[name][role].values.astype(str), return_counts=True)
            assert len(forms) == 20
            assert set(types.loc[forms, "role"]) == {role}
            assert stats.chisquare(counts).pvalue > 1e-3
    for role in ("noun", "adjective"):
        head, tail = (types.loc[list(set(groups[name][role].values)), f"{role}_count"] for name in ("head", "tail"))
        assert head.min() > tail.max()


def test_switches_exchange_the_words_of_a_sentence(groups):
    for switch, source in {"switch": "head", "tail_switch": "tail"}.items():
        np.testing.assert_array_equal(groups[switch]["noun"], groups[source]["adjective"])
        np.testing.assert_array_equal(groups[switch]["adjective"], groups[source]["noun"])
        np.testing.assert_array_equal(groups[switch]["offset"], groups[source]["offset"])


def test_unseen_words_stand_in_both_slots_alike(groups):
    nonce = {f"thenewtoken{index}" for index in range(20)}
    assert set(groups["unseen"]["noun"].values) == set(groups["unseen"]["adjective"].values) == nonce
    assert not nonce & set(groups["types"]["form"].values)


def test_offsets_are_uniform_and_say_nothing_of_the_words():
    groups = make_sentences(plan(sequences=4000), *FILES)
    for name in SETS:
        offset = groups[name]["offset"].values
        assert offset.dtype == np.int32
        counts = np.bincount(offset)
        assert counts.size == 16
        assert stats.chisquare(counts).pvalue > 1e-3
    table = np.zeros((20, 16))
    _, words = np.unique(groups["head"]["noun"].values.astype(str), return_inverse=True)
    np.add.at(table, (words, groups["head"]["offset"].values), 1)
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_types_count_the_whole_training_file(groups):
    words = [word for sentence in read_sentences(FILES[0]) for word in sentence]
    types = groups["types"].to_dataframe().set_index("form")
    for form in ("house", "old", "light"):
        for upos, column in {"NOUN": "noun_count", "ADJ": "adjective_count"}.items():
            expected = sum(word.form.lower() == form and word.upos == upos for word in words)
            assert types.loc[form, column] == expected
    assert types.loc["light", "role"] == "neither"


def test_the_same_seed_gives_the_same_store_and_another_seed_another(groups):
    again, other = make_sentences(plan(), *FILES), make_sentences(plan(seed=1), *FILES)
    assert list(again) == list(groups)
    for name, group in groups.items():
        xr.testing.assert_identical(group, again[name])
        assert group.identical(other[name]) == (name == "types")


def test_draws_do_not_hang_on_the_size_of_the_other_file(groups):
    other = make_sentences(plan(train_words=100), *FILES)
    assert all(groups[name].identical(other[name]) for name in groups if name != "train")


def test_labels_that_some_word_lacks_are_left_out(tmp_path):
    dev = tmp_path / "dev.conllu"
    dev.write_text(FILES[1].read_text().replace("NER=O|", "", 1).replace("PhraseEnd=1", "PhraseEnd=_", 1))
    groups = make_sentences(plan(dev_words=100), FILES[0], dev)
    for part in ("train", "dev"):
        assert set(groups[part]) == {"form", "upos", "xpos", "dep", "head", "sentence", "position", "phrase_start"}


def test_a_store_keeps_all_of_it(tmp_path, groups):
    write_store(tmp_path / "sentences.zarr", groups, {})
    assert set(list_groups(tmp_path / "sentences.zarr")) == {"train", "dev", "types", *SETS}
    for name, group in groups.items():
        xr.testing.assert_equal(open_store(tmp_path / "sentences.zarr", name), group)


def test_too_many_types_are_refused():
    with pytest.raises(ValueError, match=r"language\.probing\.types is 500, .* set it to \d\d or less$"):
        make_sentences(plan(types=500), *FILES)
