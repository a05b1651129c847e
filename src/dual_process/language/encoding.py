"""Words into word pieces, with the place of every word, in the corrected or the published way.

``corrected``: each word goes through the whole tokenizer, capitals and accents included; the full stop is a word; a
nonce word is one new piece. ``reference``: the published code gave words to the word-piece step alone, which knows
neither lower-casing nor added words. So capitalised words are unknown, nonce words fall into familiar pieces, and the
full stop of a template sentence sticks to the adjective.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers.models import WordPiece
from transformers import PreTrainedTokenizerBase

NONCE = re.compile(r"thenewtoken(\d+)")
SLOTS = {"noun": 1, "adjective": 3}
"""Place of each slot among the words of a template sentence."""


@dataclass(frozen=True)
class Window:
    """What a model reads at once: a sentence, or as much of a longer one as fits.

    Parameters
    ----------
    pieces
        Ids, with those that the tokenizer puts before and after.
    words
        For each word its index, as the caller counts, and its first and one past its last place in `pieces`.
    offset
        Shift of all positions.
    """

    pieces: tuple[int, ...]
    words: tuple[tuple[int, int, int], ...]
    offset: int = 0


class Encoder:
    """Word pieces of words and sentences.

    Parameters
    ----------
    tokenizer
        That of the model.
    vocabulary
        Rows of the model's embedding before any were added; the nonce word number N is the piece ``vocabulary + N``.
    protocol
        ``corrected`` or ``reference``, see the module.
    longest
        Pieces that the model can read at once, with those that the tokenizer adds.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, vocabulary: int, protocol: str, longest: int) -> None:
        self._tokenizer, self._vocabulary = tokenizer, vocabulary
        self.corrected, self.longest = protocol == "corrected", longest
        self._known: dict[str, tuple[int, ...]] = {}
        self._unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else tokenizer.eos_token_id
        alone, whole = self._encode(["a"])[0], list(tokenizer("a")["input_ids"])
        start = next(i for i in range(len(whole)) if whole[i : i + len(alone)] == alone)
        self.before, self.after = tuple(whole[:start]), tuple(whole[start + len(alone) :])
        # a byte-level vocabulary tells the starts of words by their space; a word alone would lack it
        first, second, both = self._encode(["the", "cat", "the cat"])
        self._space = "" if first + second == both else " "

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return [list(ids) for ids in self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]]

    def learn(self, forms: Iterable[str]) -> None:
        """Encode words, all at once, so that :meth:`pieces` knows them."""
        new = sorted(set(forms) - self._known.keys())
        if self.corrected:
            nonce = {form: int(match[1]) for form in new if (match := NONCE.fullmatch(form))}
            self._known |= {form: (self._vocabulary + number,) for form, number in nonce.items()}
            new = [form for form in new if form not in nonce]
        word_piece = getattr(getattr(self._tokenizer, "backend_tokenizer", None), "model", None)
        if not self.corrected and isinstance(word_piece, WordPiece):
            found = [[token.id for token in word_piece.tokenize(form)] for form in new]
        else:
            found = self._encode([self._space + form for form in new]) if new else []
        self._known |= {form: tuple(ids) or (self._unknown,) for form, ids in zip(new, found, strict=True)}

    def pieces(self, form: str) -> tuple[int, ...]:
        """Ids of a word; one that leaves nothing behind, such as a lone control character, is unknown."""
        if form not in self._known:
            self.learn([form])
        return self._known[form]

    def windows(self, forms: Sequence[str], *, first: int = 0) -> list[Window]:
        """Encode a sentence; one longer than the model can read is cut into windows of whole words.

        Words of one window do not see those of another. A word that is longer than a window loses its end.

        Parameters
        ----------
        forms
            Words of the sentence.
        first
            Index of the first of them, as the caller counts.
        """
        room = self.longest - len(self.before) - len(self.after)
        windows: list[Window] = []
        ids, spans = list(self.before), list[tuple[int, int, int]]()
        for index, form in enumerate(forms, first):
            pieces = self.pieces(form)[:room]
            if spans and len(ids) - len(self.before) + len(pieces) > room:
                windows.append(Window((*ids, *self.after), tuple(spans)))
                ids, spans = list(self.before), []
            spans.append((index, len(ids), len(ids) + len(pieces)))
            ids += pieces
        return [*windows, Window((*ids, *self.after), tuple(spans))] if spans else windows

    def template(self, noun: str, adjective: str, *, offset: int, first: int = 0) -> Window:
        """Encode "The {noun} is {adjective} ." with the words in both slots alone as words of the window.

        Parameters
        ----------
        noun, adjective
            Words in the slots.
        offset
            Shift of all positions; less where the model has not so many.
        first
            Index of the noun slot; the adjective slot has the next one.
        """
        ending = (adjective, ".") if self.corrected else (f"{adjective}.",)
        sentence = [self.pieces(form) for form in ("The", noun, "is", *ending)]
        others = sum(len(ids) for place, ids in enumerate(sentence) if place not in SLOTS.values())
        room = (self.longest - len(self.before) - len(self.after) - others) // len(SLOTS)
        if room < 1:
            raise ValueError(
                f"a model that reads {self.longest} word pieces at once cannot read a template sentence; "
                "pretrain one with a longer sequence_length"
            )
        ids, slots = list(self.before), list[tuple[int, int, int]]()
        for place, pieces in enumerate(sentence):
            if place in SLOTS.values():  # in a model of few positions, too, both slots are seen
                slots.append((first + len(slots), len(ids), len(ids) + len(pieces[:room])))
                ids += pieces[:room]
            else:
                ids += pieces
        ids += self.after
        return Window(tuple(ids), tuple(slots), min(offset, self.longest - len(ids)))
