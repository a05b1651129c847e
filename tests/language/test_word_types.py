"""Nouns and adjectives by purity, and lists that never overlap."""

from collections import Counter

import numpy as np
import pytest

from dual_process.language.corpus import Word, read_sentences
from dual_process.language.word_types import WordTypes, count_types, head_and_tail, is_word
from tests.tiny_english import FOLDER, ewt_file

EWT = ewt_file("en_ewt-ud-train.conllu", size=14_203_025)


def sentences(**uses):
    """One sentence with forms used so many times as noun, adjective and verb."""
    return [
        tuple(
            Word(form, upos, "_", "dep", 0)
            for form, counts in uses.items()
            for upos, count in zip(("NOUN", "ADJ", "VERB"), counts, strict=False)
            for _ in range(count)
        )
    ]


def roles(types):
    return dict(zip(types.form, types.role, strict=True))


def types_with(nouns, adjectives):
    """Counts of forms that are one or the other."""
    forms = sorted({*nouns, *adjectives})
    return WordTypes(
        np.array(forms, object),
        np.array(["noun" if form in nouns else "adjective" for form in forms], object),
        np.array([nouns.get(form, 0) for form in forms], np.int32),
        np.array([adjectives.get(form, 0) for form in forms], np.int32),
    )


def test_a_role_needs_strictly_more_than_the_wanted_share():
    types = count_types(sentences(exact=(4, 1), noun=(9, 2), good=(1, 5), even=(2, 2), once=(0, 1)), purity=0.8)
    assert roles(types) == {
        "exact": "neither",
        "noun": "noun",
        "good": "adjective",
        "even": "neither",
        "once": "adjective",
    }
    assert types.form.tolist() == sorted(types.form)
    assert types.noun_count.tolist() == [2, 4, 1, 9, 0]
    assert types.adjective_count.tolist() == [2, 1, 5, 2, 1]


def test_other_uses_do_not_count_and_capitals_make_no_difference():
    types = count_types(sentences(run=(1, 0, 50), Dog=(2,), dog=(1,), go=(0, 0, 3)), purity=0.8)
    assert roles(types) == {"dog": "noun", "run": "noun"}
    assert types.noun_count.tolist() == [3, 1]


@pytest.mark.parametrize("form", ["dog", "e-mail", "mother-in-law", "o'clock", "caf\xe9", "o\u2019clock", "TV"])
def test_words(form):
    assert is_word(form)
    assert count_types(sentences(**{form: (1,)}), purity=0.8).form.tolist() == [form.lower()]


@pytest.mark.parametrize(
    "form", ["10", "1990s", "a", "-dog", "dog-", "a--b", "a@b.org", "and/or", "$", "...", "x_y", ""]
)
def test_forms_that_are_no_words_are_left_out(form):
    assert not is_word(form)
    assert count_types(sentences(**{form: (1,)}), purity=0.8).form.size == 0


def test_head_and_tail_follow_counts_with_ties_by_form():
    types = types_with({"n5": 5, "n4": 4, "na": 1, "nb": 1, "nc": 1}, {"z": 9, "a": 7, "m": 7, "b": 2})
    lists = head_and_tail(types, 2)
    assert {part: {role: forms.tolist() for role, forms in each.items()} for part, each in lists.items()} == {
        "head": {"noun": ["n5", "n4"], "adjective": ["z", "a"]},
        "tail": {"noun": ["nb", "nc"], "adjective": ["m", "b"]},
    }


def test_lists_that_would_overlap_are_refused_with_the_longest_that_do_not():
    types = types_with({f"n{index:02d}": 1 for index in range(30)}, {f"a{index:02d}": 1 for index in range(13)})
    with pytest.raises(ValueError, match=r"types is 7, .* 30 nouns and 13 adjectives, .* set it to 6 or less$"):
        head_and_tail(types, 7)
    lists = head_and_tail(types, 6)
    assert not set(lists["head"]["adjective"]) & set(lists["tail"]["adjective"])
    assert not set(lists["head"]["noun"]) & set(lists["tail"]["noun"])


def test_the_tiny_treebank_has_twenty_types_each_and_forms_that_are_both():
    types = count_types(read_sentences(FOLDER / "train.conllu"), purity=0.8)
    lists = head_and_tail(types, 20)
    assert (types.role == "noun").sum() >= 60
    assert (types.role == "adjective").sum() >= 40
    lowest = {role: types.form.tolist().index(lists["head"][role][-1]) for role in ("noun", "adjective")}
    highest = {role: types.form.tolist().index(lists["tail"][role][0]) for role in ("noun", "adjective")}
    assert types.noun_count[lowest["noun"]] > types.noun_count[highest["noun"]]
    assert types.adjective_count[lowest["adjective"]] > types.adjective_count[highest["adjective"]]
    assert ((types.noun_count > 0) & (types.adjective_count > 0)).sum() >= 4


@pytest.mark.slow
@pytest.mark.skipif(EWT is None, reason="needs the treebank EWT")
def test_the_treebank_ewt_has_the_nouns_and_adjectives_counted_before(monkeypatch):
    """Known counts of all forms in lower case; those that are no words make the difference."""
    treebank = list(read_sentences(EWT))
    words = count_types(treebank, purity=0.8)
    assert Counter(words.role) == {"noun": 6489, "adjective": 1974, "neither": 142}
    with pytest.raises(ValueError, match="set it to 987 or less"):
        head_and_tail(words, 1500)
    monkeypatch.setattr("dual_process.language.word_types.is_word", lambda form: True)
    forms = count_types(treebank, purity=0.8)
    assert Counter(forms.role) == {"noun": 6684, "adjective": 1987, "neither": 157}
    uses = Counter(word.form.lower() for sentence in treebank for word in sentence)
    total = np.array([uses[form] for form in forms.form])
    assert ((forms.noun_count / total > 0.8).sum(), (forms.adjective_count / total > 0.8).sum()) == (5611, 1750)
