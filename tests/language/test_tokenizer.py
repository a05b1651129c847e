"""Word pieces learnt from a text: the same every time, the same in a sentence, and as BERT's own code cuts them."""

import pytest
from transformers import AutoTokenizer, BertConfig, BertTokenizer, GPT2Config

from dual_process.language.tokenizer import train_tokenizer

TEXT = [
    "The cat sat on the mat , and the Dog barked .",
    "A dog ate the big bone ; the cats ran off .",
    "Birds fly over the seas in winter - when it is cold !",
    "It 's a café , is n't it ?",
]
ODD = [
    "the DOG's café isn't colder",
    "Wintercats@bark.over/seas 12 ##at",
    "  two   spaces\tand\na line ",
    "日本 the (cat) […]",
    "naïve ÅNGSTRÖM",
]


@pytest.fixture(scope="module", params=["bert", "gpt2"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(kind):
    return train_tokenizer(TEXT, 90, kind)


def test_the_same_text_gives_the_same_pieces_and_ids(kind, tokenizer):
    # the library alone gives other pieces nearly every time
    for _ in range(5):
        assert train_tokenizer(iter(TEXT), 90, kind).get_vocab() == tokenizer.get_vocab()


def test_another_text_gives_other_pieces(kind, tokenizer):
    assert train_tokenizer([*TEXT, "river river river"], 90, kind).get_vocab() != tokenizer.get_vocab()


def test_frequent_words_are_one_piece_and_the_rest_falls_apart(tokenizer):
    assert tokenizer.tokenize("The cat") == ["the", "cat"]
    assert len(tokenizer.tokenize("barkedcats")) > 2


@pytest.mark.parametrize("text", [*TEXT, *ODD])
def test_pieces_are_those_of_the_tokenizer_of_bert(text):
    own = train_tokenizer(TEXT, 90, "bert")
    theirs = BertTokenizer(vocab=own.get_vocab())
    assert own(text)["input_ids"] == theirs(text)["input_ids"]
    assert own.decode(own(text)["input_ids"]) == theirs.decode(theirs(text)["input_ids"])


@pytest.mark.parametrize("text", [*TEXT, *ODD])
def test_a_word_has_the_same_pieces_alone_and_in_a_sentence(tokenizer, text):
    alone = [piece for word in text.split() for piece in tokenizer.encode(word, add_special_tokens=False)]
    assert tokenizer.encode(text, add_special_tokens=False) == alone


def test_pieces_that_continue_a_word_are_not_found_where_they_are_spelt(tokenizer):
    assert "##a" in tokenizer.get_vocab()
    assert tokenizer.convert_tokens_to_ids("##a") not in tokenizer.encode("##a", add_special_tokens=False)


def test_special_tokens_have_their_roles_and_the_first_ids(kind, tokenizer):
    first = tokenizer.convert_ids_to_tokens([*range(5)])
    if kind == "bert":
        assert first == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        assert tokenizer("the cat")["input_ids"] == [2, *tokenizer.convert_tokens_to_ids(["the", "cat"]), 3]
        assert sorted(tokenizer.all_special_ids) == [0, 1, 2, 3, 4]
    else:
        assert first[:3] == ["<|pad|>", "<|unk|>", "<|endoftext|>"]
        assert tokenizer("the cat")["input_ids"] == tokenizer.convert_tokens_to_ids(["the", "cat"])
        assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id) == (0, 1, 2)
        assert tokenizer.bos_token_id == 2


def test_no_model_is_fed_segment_ids(tokenizer):
    assert tokenizer("the cat").keys() == {"input_ids", "attention_mask"}


def test_the_auto_class_loads_the_same_tokenizer_from_a_checkpoint_folder(tmp_path, kind, tokenizer):
    tokenizer.save_pretrained(tmp_path)
    (BertConfig() if kind == "bert" else GPT2Config()).save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for text in [*TEXT, *ODD]:
        assert loaded(text) == tokenizer(text)
    assert loaded.special_tokens_map == tokenizer.special_tokens_map


def test_there_are_as_many_pieces_as_wanted_or_as_the_text_has(kind, tokenizer):
    assert len(tokenizer) == 90
    assert 90 < len(train_tokenizer(TEXT, 5000, kind)) < 200


def test_a_vocabulary_without_room_for_the_characters_is_refused(kind):
    with pytest.raises(
        ValueError, match=r"a vocabulary of 20 has no room .*; set vocabulary to \d+ or more"
    ) as refused:
        train_tokenizer(TEXT, 20, kind)
    enough = int(str(refused.value).split()[-3])
    assert len(train_tokenizer(TEXT, enough, kind)) == enough
