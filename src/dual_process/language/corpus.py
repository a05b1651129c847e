"""Treebanks in CoNLL-U, and in CoNLL-X of ten columns as CoreNLP writes it from Penn trees.

In goes a file, out come sentences of words; a word has what pretraining and probing need. What the published loader got
wrong is mended: a last sentence without a blank line after it counts, no sentence is empty, and the rows of multiword
tokens (1-2) and of empty nodes (1.1) are no words.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from conllu import Token, parse_token_and_metadata
from conllu.exceptions import ParseException
from conllu.parser import DEFAULT_FIELDS, parse_dict_value, parse_id_value

_PENN_BY_UNIVERSAL_TAG = {
    "NOUN": "NN NNS",
    "PROPN": "NNP NNPS ADD",
    "ADJ": "JJ JJR JJS",
    "VERB": "VB VBD VBG VBN VBP VBZ",
    "AUX": "MD",
    "ADV": "RB RBR RBS WRB",
    "ADP": "IN RP",
    "DET": "DT PDT",
    "PRON": "PRP PRP$ WDT WP WP$ EX",
    "PART": "TO POS",
    "CCONJ": "CC",
    "NUM": "CD LS",
    "INTJ": "UH",
    "SYM": "SYM $ #",
    "PUNCT": ". , : `` '' \" ( ) -LRB- -RRB- -LSB- -RSB- -LCB- -RCB- HYPH NFP",
    "X": "FW GW AFX XX NIL",
}
UNIVERSAL_TAGS = frozenset(_PENN_BY_UNIVERSAL_TAG) | {"SCONJ"}
"""Parts of speech of Universal Dependencies, version 2; no Penn tag is SCONJ alone."""
PENN_TAGS = {penn: universal for universal, tags in _PENN_BY_UNIVERSAL_TAG.items() for penn in tags.split()}
"""Universal part of speech of every Penn tag: the one that the treebank EWT gives most often, but VERB for VBP and VBZ,
among which Penn tags do not tell auxiliaries, and X for FW."""
ANNOTATIONS = {"ner": "NER", "phrase_start": "PhraseStart", "phrase_end": "PhraseEnd"}
"""Labels that a treebank may have beside its own, and their keys in the column MISC."""

_PARSERS = {field: lambda cells, column: cells[column] for field in DEFAULT_FIELDS} | {
    "id": lambda cells, column: parse_id_value(cells[column]),
    "misc": lambda cells, column: parse_dict_value(cells[column]),
}
_COLUMN_BREAK = re.compile(r"\t| {2,}")  # as in the library conllu


class Word(NamedTuple):
    """One syntactic word."""

    form: str
    upos: str
    """Universal part of speech."""
    xpos: str
    """Part of speech of the treebank's own tag set, for English a Penn tag."""
    dep: str
    """Relation to the head, without its subtype: nsubj for nsubj:pass."""
    head: int
    """Number of the head within the sentence, counted from 1; 0 for the root."""
    ner: str | None = None
    """Label of the named entity that the word is part of."""
    phrase_start: str | None = None
    """Whether a phrase starts with the word."""
    phrase_end: str | None = None
    """Whether a phrase ends with the word."""


Sentence = tuple[Word, ...]


class _Row(NamedTuple):
    """One line of a file that is no comment."""

    number: int
    text: str


def read_sentences(path: str | Path) -> Iterator[Sentence]:
    """Read a treebank sentence by sentence.

    Parameters
    ----------
    path
        CoNLL-U, or CoNLL-X of ten columns without comments, in UTF-8. Where the column of universal parts of speech is
        empty or holds Penn tags, they are mapped by `PENN_TAGS`.

    Yields
    ------
    tuple of Word
        Words of one sentence; never none.

    Raises
    ------
    ValueError
        One sentence with file and line, if the file is not such a treebank.
    """
    empty = True
    for rows in _blocks(Path(path)):
        sentence = _sentence(Path(path), rows)
        if sentence:
            empty = False
            yield sentence
    if empty:
        raise ValueError(f"{path}, line 1: the file holds no sentence; a treebank in CoNLL-U or CoNLL-X is wanted")


def _blocks(path: Path) -> Iterator[list[_Row]]:
    """Rows between blank lines, without comments."""
    rows: list[_Row] = []
    for row in _lines(path):
        if not row.text:
            yield rows
            rows = []
        elif not row.text.startswith("#"):
            rows.append(row)
    yield rows


def _lines(path: Path) -> Iterator[_Row]:
    """Lines without white space around them, as the library conllu sees them, and without the byte order mark."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise _error(path, number, "the text is not UTF-8; convert the file to it") from None
            yield _Row(number, text.strip())


def _sentence(path: Path, rows: Sequence[_Row]) -> Sentence:
    if not rows:
        return ()
    words: list[Word] = []
    lines: list[int] = []
    for row, token in zip(rows, _tokens(path, rows), strict=True):
        if isinstance(token["id"], tuple):  # a multiword token or an empty node
            continue
        if token["id"] != len(words) + 1:
            text = f"the word's number is {token['id'] or '_'} where {len(words) + 1} should follow"
            raise _error(path, row.number, f"{text}; is a blank line between two sentences, or a word, missing?")
        words.append(_word(path, row, token))
        lines.append(row.number)
    _check_heads(path, words, lines)
    return tuple(words)


def _tokens(path: Path, rows: Sequence[_Row]) -> Sequence[Token]:
    for row in rows:
        num_columns = len(_COLUMN_BREAK.split(row.text))
        if num_columns != len(DEFAULT_FIELDS):
            raise _error(
                path, row.number, f"{len(DEFAULT_FIELDS)} columns parted by tabs are wanted, not {num_columns}"
            )
    try:
        return _parse([row.text for row in rows])
    except ParseException:
        for row in rows:  # the exception does not know the line
            try:
                _parse([row.text])
            except ParseException as error:
                raise _error(path, row.number, str(error).rstrip(".")) from None
        raise


def _parse(lines: Sequence[str]) -> Sequence[Token]:
    return parse_token_and_metadata("\n".join(lines), fields=DEFAULT_FIELDS, field_parsers=_PARSERS)


def _word(path: Path, row: _Row, token: Token) -> Word:
    if not token["form"]:
        raise _error(path, row.number, "the word has no form")
    if not re.fullmatch(r"[0-9]+", token["head"]):
        raise _error(path, row.number, f"the head is {token['head']!r}, not the number of a word or 0")
    upos, xpos = token["upos"], token["xpos"]
    if upos not in UNIVERSAL_TAGS:
        xpos = upos if xpos in ("", "_") else xpos
        penn = xpos if upos in ("", "_") else upos
        upos = PENN_TAGS.get(penn.split("|")[0], "")  # in Penn trees JJ|RB is one or the other
        if not upos:
            raise _error(path, row.number, f"the part of speech is {penn!r}, neither a universal nor a Penn tag")
    misc = token["misc"] or {}
    labels = {name: misc.get(key) for name, key in ANNOTATIONS.items()}
    return Word(token["form"], upos, xpos, token["deprel"].split(":")[0], int(token["head"]), **labels)


def _check_heads(path: Path, words: Sequence[Word], lines: Sequence[int]) -> None:
    rooted = {0}
    for number, (word, line) in enumerate(zip(words, lines, strict=True), start=1):
        if word.head > len(words):
            raise _error(path, line, f"the head is {word.head}, but the sentence has {len(words)} words")
        seen: list[int] = []
        while number not in rooted and number not in seen and number <= len(words):
            seen.append(number)
            number = words[number - 1].head  # noqa: PLW2901
        if number in seen:
            raise _error(path, line, "the heads go round in a circle and never reach the root")
        rooted.update(seen)


def _error(path: Path, line: int, text: str) -> ValueError:
    return ValueError(f"{path}, line {line}: {text}")
