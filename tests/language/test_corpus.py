"""Treebanks as files really are: what is no word, what is missing at the end, and what is said of a broken one."""

import conllu
import pytest

from dual_process.language.corpus import PENN_TAGS, UNIVERSAL_TAGS, Word, read_sentences
from tests.tiny_english import FOLDER, ewt_file

EWT = {
    "train": ewt_file("en_ewt-ud-train.conllu", size=14_203_025),
    "dev": ewt_file("en_ewt-ud-dev.conllu", size=1_805_545),
}
needs_ewt = pytest.mark.skipif(None in EWT.values(), reason="needs the treebank EWT")


def row(number, form, upos="NOUN", xpos="NN", head="0", dep="root", misc="_"):
    return "\t".join([str(number), form, "_", upos, xpos, "_", str(head), dep, "_", misc])


SENTENCE = [row(1, "Dogs", "NOUN", "NNS", 2, "nsubj:pass"), row(2, "bark", "VERB", "VBP")]
DOGS_BARK = (Word("Dogs", "NOUN", "NNS", "nsubj", 2), Word("bark", "VERB", "VBP", "root", 0))


@pytest.fixture
def read(tmp_path):
    """Read lines, or bytes, as a file."""

    def reader(content):
        path = tmp_path / "some.conllu"
        path.write_bytes(content if isinstance(content, bytes) else "\n".join([*content, "", ""]).encode())
        return list(read_sentences(path))

    return reader


def test_sentences_have_the_words_and_labels_of_the_file(read):
    second = [row(1, "Oslo", "PROPN", "NNP", misc="SpaceAfter=No|NER=GPE|PhraseStart=1|PhraseEnd=0")]
    sentences = read(["# sent_id = 1", *SENTENCE, "", "# sent_id = 2", "# text = Oslo", *second])
    assert sentences == [DOGS_BARK, (Word("Oslo", "PROPN", "NNP", "root", 0, "GPE", "1", "0"),)]


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n \n"])
def test_a_last_sentence_counts_and_none_is_empty_whatever_the_end_of_the_file(read, end):
    text = "\n\n# only a comment\n\n\n" + "\n".join([*SENTENCE, "", *SENTENCE]) + end
    assert read(text.encode()) == [DOGS_BARK, DOGS_BARK]


def test_carriage_returns_and_a_byte_order_mark_change_nothing(read):
    assert read(b"\xef\xbb\xbf" + "\r\n".join(["# newdoc", *SENTENCE, "", *SENTENCE, ""]).encode()) == [DOGS_BARK] * 2
    assert read(b"\xef\xbb\xbf" + "\r\n".join(SENTENCE).encode()) == [DOGS_BARK]


def test_multiword_tokens_and_empty_nodes_are_no_words_and_heads_stay_right(read):
    lines = [
        row("1-2", "don't", "_", "_", "_", "_"),
        row(1, "do", "AUX", "VBP", 3, "aux"),
        row(2, "n't", "PART", "RB", 3, "advmod"),
        row(3, "bark", "VERB", "VB"),
        row("3.1", "bark", "VERB", "VB", "_", "_"),
        row(4, "loudly", "ADV", "RB", 3, "advmod"),
    ]
    (sentence,) = read(lines)
    assert [word.form for word in sentence] == ["do", "n't", "bark", "loudly"]
    assert [word.head for word in sentence] == [3, 3, 0, 3]
    library = conllu.parse("\n".join(lines))[0].filter(id=lambda number: isinstance(number, int))
    assert [(word["form"], word["head"]) for word in library] == [(word.form, word.head) for word in sentence]


@pytest.mark.parametrize("columns", [("NNS", "NNS"), ("_", "NNS"), ("NNS", "_"), ("NNS|NN", "NNS")])
def test_penn_tags_stand_in_for_universal_ones(read, columns):
    """CoreNLP's converter of Penn trees writes them into both columns of CoNLL-X."""
    (sentence,) = read([row(1, "dogs", *columns)])
    assert sentence == (Word("dogs", "NOUN", "NNS", "root", 0),)


def test_nouns_and_adjectives_are_told_from_names():
    tags = {tag: PENN_TAGS[tag] for tag in ("NN", "NNS", "JJ", "JJR", "JJS", "NNP", "NNPS")}
    assert tags == dict.fromkeys(("NN", "NNS"), "NOUN") | dict.fromkeys(("JJ", "JJR", "JJS"), "ADJ") | dict.fromkeys(
        ("NNP", "NNPS"), "PROPN"
    )
    assert set(PENN_TAGS.values()) == UNIVERSAL_TAGS - {"SCONJ"}  # IN is either ADP or SCONJ


BROKEN = {
    "columns 9": ([*SENTENCE, "3\tx\t_\tNOUN\tNN\t_\t2\tobj\t_"], 3, "10 columns parted by tabs are wanted, not 9"),
    "columns 11": ([SENTENCE[0] + "\tx"], 1, "10 columns parted by tabs are wanted, not 11"),
    "columns 7, as CoreNLP's own format": (["1\tDogs\tdog\tNNS\tO\t0\troot"], 1, "are wanted, not 7"),
    "spaces for tabs": (["# text", SENTENCE[0].replace("\t", " ")], 2, "are wanted, not 1"),
    "head": ([*SENTENCE, "", row(1, "x", head="x")], 4, "the head is 'x', not the number of a word or 0"),
    "head of a word missing": ([row(1, "x", head="_")], 1, "the head is '_'"),
    "head negative": ([row(1, "x", head="-1")], 1, "the head is '-1'"),
    "head outside": ([*SENTENCE, row(3, "x", head=4)], 3, "the head is 4, but the sentence has 3 words"),
    "head outside, of an earlier word": ([row(1, "x", head=2), row(2, "x", head=9)], 2, "the head is 9"),
    "circle": ([row(1, "x"), row(2, "x", head=3), row(3, "x", head=2)], 2, "go round in a circle"),
    "own head": ([row(1, "x"), row(2, "x", head=2)], 2, "go round in a circle"),
    "number": ([row("one", "x")], 1, "'one' is not a valid ID"),
    "number missing": ([row("_", "x")], 1, "number is _ where 1 should follow"),
    "blank line missing": ([*SENTENCE, *SENTENCE], 3, "number is 1 where 3 should follow; is a blank line"),
    "tag": ([row(1, "x", "NOUNS", "NN")], 1, "'NOUNS', neither a universal nor a Penn tag"),
    "tag missing": ([row(1, "x", "_", "_")], 1, "'_', neither"),
    "form": ([row(1, "")], 1, "the word has no form"),
    "empty file": (b"", 1, "holds no sentence"),
    "comments only": (["# text = x"], 1, "holds no sentence"),
    "Latin-1": ("\n".join([SENTENCE[0], row(2, "caf\xe9")]).encode("latin-1"), 2, "not UTF-8"),
    "UTF-16": ("\n".join(SENTENCE).encode("utf-16"), 1, "not UTF-8"),
}


@pytest.mark.parametrize(("content", "line", "text"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_said_in_one_sentence_with_file_and_line(read, content, line, text):
    with pytest.raises(ValueError, match=rf"some\.conllu, line {line}: .*{text}") as raised:
        read(content)
    assert "\n" not in str(raised.value)


def test_sentences_come_before_the_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "some.conllu"
    path.write_text("\n".join([*SENTENCE, "", "broken", ""]))
    sentences = read_sentences(path)
    assert next(sentences) == DOGS_BARK
    with pytest.raises(ValueError, match="line 4"):
        next(sentences)


def compare_with_library(path, num_sentences):
    """All words of a file, against what the library conllu reads without our checks."""
    ours, num_words = read_sentences(path), 0
    with path.open(encoding="utf-8") as file:
        for theirs, _ in zip(conllu.parse_incr(file), range(num_sentences), strict=False):
            words = theirs.filter(id=lambda number: isinstance(number, int))
            expected = [(w["form"], w["upos"], w["xpos"], w["deprel"].split(":")[0], w["head"]) for w in words]
            assert [tuple(word)[:5] for word in next(ours)] == expected
            num_words += len(expected)
    return num_words


def test_every_word_of_the_tiny_treebank_is_as_the_library_reads_it():
    path = FOLDER / "dev.conllu"
    assert compare_with_library(path, 1000) == sum(1 for line in path.read_text().splitlines() if line)


@needs_ewt
def test_words_of_the_treebank_ewt_are_as_the_library_reads_them():
    """The count is of rows whose first cell is a whole number."""
    assert compare_with_library(EWT["dev"], 300) == 5708


@needs_ewt
@pytest.mark.slow
def test_penn_tags_are_mapped_as_the_treebank_ewt_tags_its_words():
    sentences = list(read_sentences(EWT["train"]))
    assert len(sentences) == 12_544
    pairs = {}
    for word in (word for sentence in sentences for word in sentence):
        counts = pairs.setdefault(word.xpos, {})
        counts[word.upos] = counts.get(word.upos, 0) + 1
    most = {penn: max(counts, key=counts.get) for penn, counts in pairs.items()}
    assert {penn: upos for penn, upos in most.items() if PENN_TAGS.get(penn) != upos} == {
        "VBZ": "AUX",
        "VBP": "AUX",
        "FW": "NOUN",
    }
