"""Words become the pieces that the tokenizer gives in running text, and nonce words single new ones."""

import pytest

from dual_process.language.encoding import Encoder
from tests.language.tiny_checkpoints import PIECES, bert_tokenizer, gpt2_tokenizer

ROWS = len(PIECES) + 3
"""The model may know more pieces than its tokenizer."""


def encoder(protocol="corrected", longest=40, tokenizer=None):
    return Encoder(tokenizer or bert_tokenizer(), vocabulary=ROWS, protocol=protocol, longest=longest)


def pieces(window):
    return [PIECES[index] if index < len(PIECES) else index for index in window.pieces]


def words(window):
    return {index: pieces(window)[start:stop] for index, start, stop in window.words}


@pytest.mark.parametrize("text", ["The cat is black .", "Café HOUSES , big", "a . b"])
def test_a_sentence_has_the_pieces_that_the_tokenizer_gives_its_text(text):
    (window,) = encoder().windows(text.split())
    assert list(window.pieces) == bert_tokenizer()(text)["input_ids"]


def test_every_word_has_its_span_counted_from_the_first_index():
    (window,) = encoder().windows(["The", "Housecat", "."], first=7)
    assert words(window) == {7: ["the"], 8: ["house", "##c", "##a", "##t"], 9: ["."]}
    assert (pieces(window)[0], pieces(window)[-1]) == ("[CLS]", "[SEP]")


def test_nonce_words_are_single_new_pieces_of_their_own():
    window = encoder().template("thenewtoken0", "thenewtoken12", offset=0)
    assert pieces(window) == ["[CLS]", "the", ROWS, "is", ROWS + 12, ".", "[SEP]"]
    assert words(window) == {0: [ROWS], 1: [ROWS + 12]}
    assert words(encoder().windows(["thenewtoken", "thenewtoken1x"])[0])[0][0] == "then"


def test_the_reference_splits_nonce_words_knows_no_capitals_and_glues_the_full_stop():
    window = encoder("reference").template("thenewtoken1", "big", offset=0)
    assert pieces(window)[:3] == ["[CLS]", "[UNK]", "then"]
    assert words(window)[0] == ["then", "##e", "##w", "##t", "##o", "##k", "##e", "##n", "##1"]
    assert words(window)[1] == ["[UNK]"]  # "big." has no piece "##." here
    assert words(encoder("reference").windows(["Cat", "cat", "café"])[0]) == {0: ["[UNK]"], 1: ["cat"], 2: ["[UNK]"]}


def test_a_word_without_pieces_is_unknown():
    assert words(encoder().windows(["\u200b", "cat"])[0]) == {0: ["[UNK]"], 1: ["cat"]}


def test_a_byte_level_word_carries_its_space_wherever_it_stands():
    tokenizer = gpt2_tokenizer()
    coder = encoder(tokenizer=tokenizer)
    (window,) = coder.windows(["cat", "is", "black"])
    assert list(window.pieces) == tokenizer(" cat is black")["input_ids"]
    assert coder.pieces("thenewtoken2") == (ROWS + 2,)
    assert coder.pieces("") == tuple(tokenizer(" ")["input_ids"])


def test_words_are_learnt_once_and_known_alone(monkeypatch):
    coder = encoder()
    coder.learn(["cat", "Café", "thenewtoken4"])
    known = [coder.pieces(form) for form in ("cat", "Café", "thenewtoken4")]
    monkeypatch.setattr(coder, "_encode", lambda texts: pytest.fail(f"encoded again: {texts}"))
    assert [coder.pieces(form) for form in ("cat", "Café", "thenewtoken4")] == known
    assert known == [(PIECES.index("cat"),), (PIECES.index("cafe"),), (ROWS + 4,)]


def test_a_long_sentence_is_cut_into_windows_of_whole_words():
    sentence = ["cat", "housecat", "dog", "dog", "dog", "is"]
    windows = encoder(longest=7).windows(sentence, first=2)
    assert [words(window) for window in windows] == [
        {2: ["cat"], 3: ["house", "##c", "##a", "##t"]},
        {4: ["dog"], 5: ["dog"], 6: ["dog"], 7: ["is"]},
    ]
    assert [pieces(window)[0] for window in windows] == ["[CLS]"] * 2
    assert [pieces(window)[-1] for window in windows] == ["[SEP]"] * 2
    assert max(len(window.pieces) for window in windows) == 7


def test_a_word_longer_than_a_window_loses_its_end():
    (first, second) = encoder(longest=5).windows(["housecat", "dog"])
    assert words(first) == {0: ["house", "##c", "##a"]}
    assert words(second) == {1: ["dog"]}


def test_no_words_give_no_window():
    assert encoder().windows([]) == []


@pytest.mark.parametrize(("offset", "kept"), [(0, 0), (5, 5), (15, 13)])
def test_an_offset_is_cut_where_positions_end(offset, kept):
    window = encoder(longest=20).template("cat", "big", offset=offset)
    assert len(window.pieces) == 7
    assert window.offset == kept


def test_both_slots_are_seen_where_there_are_few_positions():
    window = encoder(longest=9).template("housecat", "blackest", offset=15, first=4)
    assert words(window) == {4: ["house", "##c"], 5: ["black", "##e"]}
    assert (len(window.pieces), window.offset) == (9, 0)


def test_a_model_of_too_few_positions_is_refused():
    with pytest.raises(ValueError, match=r"reads 6 word pieces at once cannot read .* longer sequence_length"):
        encoder(longest=6).template("cat", "big", offset=0)
