"""Training sequences of the models that are pretrained here.

In: sentences and a tokenizer. Out: the batch of any step, a pure function of seed and step, so that a killed run goes
on with the same batches. Axes: B sequences of a batch, L word pieces of a sequence, M predictions of a batch.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset
from transformers import PreTrainedTokenizerFast

from dual_process.language.corpus import Sentence
from dual_process.language.syllogism_text import training_sentences
from dual_process.language.word_types import count_types
from dual_process.language_runs import PretrainingPlan
from dual_process.streams import stream

MASKED, RANDOM = 0.8, 0.1
"""Shares of the predicted pieces that are masked and that are exchanged for any other (BERT); the rest stays."""
SHORTEST_SYLLOGISM = 18
"""Pieces of a syllogism whose words are one piece each, with the separator."""
NOUN_SHARE = 0.8
"""A word is a noun if more than this share of its uses as noun or adjective are as a noun, as in probing by default."""


class Batch(NamedTuple):
    """What one step learns from."""

    inputs: Tensor
    """Ids of the word pieces, shape (B, L)."""
    positions: Tensor
    """Where something is predicted, counted through all sequences, shape (M,)."""
    targets: Tensor
    """Ids that are right there, shape (M,)."""


class TextBatches(IterableDataset[Batch]):
    """The batches of one run, from its first step or a later one.

    Parameters
    ----------
    sentences
        Sentences of the text, in its order.
    tokenizer
        Makes pieces of words.
    plan
        Gives model, sizes and shares.
    first_step
        Steps already completed, when a killed run goes on.

    Raises
    ------
    ValueError
        If the text is shorter than one sequence.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        *,
        tokenizer: PreTrainedTokenizerFast,
        plan: PretrainingPlan,
        first_step: int = 0,
    ) -> None:
        self.tokenizer, self.plan, self.first_step = tokenizer, plan, first_step
        self.seed, self.masked = plan.labels.seed, plan.model.kind == "bert"
        self.blocks = cut(self._joined(map(plain, sentences)), self._start, plan.sequence_length)
        self.nouns = nouns(sentences, tokenizer) if plan.syllogisms else []
        self.special = np.isin(np.arange(len(tokenizer)), tokenizer.all_special_ids)
        self._epoch, self._order = -1, np.arange(0)
        if not len(self.blocks):
            raise ValueError(
                f"the text has fewer than {plan.sequence_length} word pieces, one training sequence; "
                "give a longer text or a smaller sequence_length"
            )

    def __iter__(self) -> Iterator[Batch]:
        """Batches of the steps that are left."""
        return map(self.batch, range(self.first_step, self.plan.optimisation.steps))

    def batch(self, step: int) -> Batch:
        """Batch of the step after `step` completed ones."""
        sequences = self.sequences(step)
        if not self.masked:
            return predict_next(sequences)
        pieces = np.flatnonzero(~self.special)
        share = self.plan.masked_share
        assert isinstance(self.tokenizer.mask_token_id, int), "a bert's tokenizer has a mask"
        mask = self.tokenizer.mask_token_id
        return mask_pieces(sequences, pieces, mask=mask, share=share, generator=stream(self.seed, "masking", step))

    def sequences(self, step: int) -> np.ndarray:
        """Ids of the pieces of the sequences of a step, shape (B, L), nothing masked; syllogisms come last."""
        size = self.plan.optimisation.batch_size
        before, after = (round(self.plan.syllogisms * size * completed) for completed in (step, step + 1))
        text = [self._block(place) for place in range(step * size - before, (step + 1) * size - after)]
        logic = self._syllogisms(after - before, step)
        return np.concatenate([np.reshape(text, (-1, self.plan.sequence_length)), logic]).astype(np.int64)

    def _block(self, place: int) -> np.ndarray:
        """Return the `place`-th block since training began; each epoch has an order of its own."""
        epoch, index = divmod(place, len(self.blocks))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, stream(self.seed, "data", epoch).permutation(len(self.blocks))
        block: np.ndarray = self.blocks[self._order[index]]
        return block

    def _syllogisms(self, count: int, step: int) -> np.ndarray:
        """Sequences of whole syllogisms, of which the last of each is cut."""
        length = self.plan.sequence_length
        if not count:
            return np.empty((0, length), int)
        generator = stream(self.seed, "training syllogisms", step)
        sequences = []
        for _ in range(count):
            pieces = np.empty(0, int)
            while len(pieces) < length:
                more = training_sentences(self.nouns, generator, 1 + length // SHORTEST_SYLLOGISM)
                pieces = np.concatenate([pieces, self._joined(map(" ".join, more))])
            sequences.append(cut(pieces, self._start, length)[0])
        return np.stack(sequences)

    @property
    def _start(self) -> tuple[int, ...]:
        """Ids that every sequence begins with."""
        return (self.tokenizer.cls_token_id,) if self.masked else ()

    def _joined(self, texts: Iterable[str]) -> np.ndarray:
        """Ids of all texts in a row, each with a separator after it."""
        end = self.tokenizer.sep_token_id if self.masked else self.tokenizer.eos_token_id
        encoded = self.tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False)[
            "input_ids"
        ]
        return np.fromiter(chain.from_iterable([*ids, end] for ids in encoded), int)


def plain(sentence: Sentence) -> str:
    """Text of a sentence, in which blanks part the words."""
    return " ".join(word.form for word in sentence)


def nouns(sentences: Iterable[Sentence], tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Nouns of a text that are one word piece each, sorted; syllogisms are about these."""
    types = count_types(sentences, purity=NOUN_SHARE)
    forms: list[str] = types.form[types.role == "noun"].tolist()
    encoded = tokenizer(forms, add_special_tokens=False, verbose=False)["input_ids"] if forms else []
    return [form for form, ids in zip(forms, encoded, strict=True) if len(ids) == 1]


def cut(pieces: np.ndarray, start: Sequence[int], length: int) -> np.ndarray:
    """Cut a row of ids into sequences, shape (blocks, L), each with `start` before it; what is left over is dropped."""
    room = length - len(start)
    blocks = pieces[: len(pieces) // room * room].reshape(-1, room)
    return np.hstack([np.tile(np.array(start, int), (len(blocks), 1)), blocks])


def predict_next(sequences: np.ndarray) -> Batch:
    """Batch in which every piece but the first of a sequence is predicted from those before it."""
    places = np.arange(sequences.size).reshape(sequences.shape)[:, :-1]
    return Batch(*map(torch.from_numpy, (sequences, places.flatten(), sequences[:, 1:].flatten())))


def mask_pieces(
    sequences: np.ndarray, pieces: np.ndarray, *, mask: int, share: float, generator: np.random.Generator
) -> Batch:
    """Choose the pieces that a bert predicts and hide most of them, as BERT does.

    Parameters
    ----------
    sequences
        Ids, shape (B, L).
    pieces
        Ids that are no special tokens: these alone are predicted, and may take the place of a piece.
    mask
        Id that hides a piece.
    share
        Share of the pieces that are predicted; it is met exactly in each batch, but for rounding.
    generator
        Source of the choice.
    """
    candidates = np.flatnonzero(np.isin(sequences, pieces))
    number = max(1, round(share * len(candidates)))
    positions = np.sort(generator.choice(candidates, number, replace=False))
    inputs, targets = sequences.flatten(), sequences.flatten()[positions]
    fate = generator.random(number)
    other = generator.choice(pieces, number)
    inputs[positions] = np.where(fate < MASKED, mask, np.where(fate < MASKED + RANDOM, other, targets))
    return Batch(*map(torch.from_numpy, (inputs.reshape(sequences.shape), positions, targets)))
