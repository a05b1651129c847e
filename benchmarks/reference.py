"""The published pipeline, as the paper's code is described, on top of transformers: what ours is measured against.

One run at a time: logits at all seven positions, AdamW over everything, evaluation in batches of 128, and training
sequences drawn one by one in Python. Where the description leaves a choice, the faster one is taken: batches are
ready-made tensors, and attention and AdamW are the libraries' defaults.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM

TARGETS = (4, 5, 6)
IGNORED = -100
BATCH = 128
POSITIONS = 512

Batch = tuple[Tensor, Tensor]


class Reference:
    """One model with its optimizer.

    Parameters
    ----------
    state
        Initial weights under the names of ``BertForMaskedLM``, at least the positions that are used.
    layers, width, feed_forward
        Sizes.
    """

    def __init__(self, state: Mapping[str, Tensor], *, layers: int, width: int, feed_forward: int) -> None:
        self.model = BertForMaskedLM(
            BertConfig(
                vocab_size=len(state["bert.embeddings.word_embeddings.weight"]),
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=1,
                intermediate_size=feed_forward,
                max_position_embeddings=POSITIONS,
                pad_token_id=0,
            )
        )
        own = self.model.state_dict()
        with torch.no_grad():
            for name, tensor in state.items():
                own[name][: len(tensor)] = tensor
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-5, weight_decay=0.01)

    def train(self, batches: Sequence[Batch], *, warm: int) -> float:
        """Take a step per batch of ids (B, 7) and labels (B, 7); return seconds per step, the first `warm` apart."""
        self.model.train()
        begun = time.perf_counter()
        for index, (ids, labels) in enumerate(batches):
            if index == warm:
                begun = time.perf_counter()
            self.optimizer.zero_grad()
            self.model(input_ids=ids, labels=labels).loss.backward()
            self.optimizer.step()
        return (time.perf_counter() - begun) / (len(batches) - warm)

    @torch.no_grad()
    def evaluate(self, ids: Tensor, labels: Tensor) -> float:
        """Exact match of all three targets, as the mean over batches of one evaluation set."""
        self.model.eval()
        matches = []
        for first in range(0, len(ids), BATCH):
            rows = slice(first, first + BATCH)
            best = self.model(input_ids=ids[rows]).logits.argmax(-1)
            right = (best == labels[rows]) | (labels[rows] == IGNORED)
            matches.append(right.all(-1).float().mean().item())
        return float(np.mean(matches))


def full_labels(targets: Tensor) -> Tensor:
    """Labels at all positions (B, 7) from those at the targets (B, 3)."""
    labels = torch.full((len(targets), TARGETS[-1] + 1), IGNORED)
    labels[:, list(TARGETS)] = targets
    return labels


class SequentialDrawing:
    """Training sequences drawn one by one.

    Parameters
    ----------
    nouns, adjectives
        Ids by rank.
    ambiguous_nouns, ambiguous_adjectives
        Ids that may stand in for the other class.
    alpha
        Exponent of Zipf's law.
    copula
        Id of the copula; the mask is the next one.
    """

    def __init__(
        self,
        *,
        nouns: Sequence[int],
        adjectives: Sequence[int],
        ambiguous_nouns: Sequence[int],
        ambiguous_adjectives: Sequence[int],
        alpha: float,
        copula: int,
    ) -> None:
        self.nouns, self.adjectives, self.alpha, self.copula = nouns, adjectives, alpha, copula
        self.ambiguous_nouns, self.ambiguous_adjectives = ambiguous_nouns, ambiguous_adjectives
        self.rng = np.random.RandomState(42)

    def token(self, tokens: Sequence[int]) -> int:
        """Draw one token by Zipf's law; the table is rebuilt at every call and values outside it are rejected."""
        table = dict(enumerate(tokens))
        value = self.rng.zipf(self.alpha)
        while value not in table:
            value = self.rng.zipf(self.alpha)
        return table[value]

    def pair(self) -> tuple[int, int]:
        """Draw an adjective and a noun; half of the ambiguous ones give way to an ambiguous one of the other class."""
        noun, adjective = self.token(self.nouns), self.token(self.adjectives)
        if noun in self.ambiguous_nouns and self.rng.random_sample() < 0.5:
            noun = self.token(self.ambiguous_adjectives)
        if adjective in self.ambiguous_adjectives and self.rng.random_sample() < 0.5:
            adjective = self.token(self.ambiguous_nouns)
        return adjective, noun

    def sequence(self) -> tuple[list[int], list[int]]:
        """Draw the ids and the labels of one sequence."""
        adjective, noun = self.pair()
        case = int(self.rng.random_sample() * 4)
        statement = [self.copula, adjective, noun] if case < 2 else [noun, self.copula, adjective]
        asks_adjective = case in (0, 3)
        masks = [self.copula + 1] * 3
        targets = [adjective] * 3 if asks_adjective else [adjective, noun, noun]
        return [*statement, adjective if asks_adjective else noun, *masks], [IGNORED] * 4 + targets

    def draw(self, size: int) -> list[tuple[list[int], list[int]]]:
        """Draw `size` sequences."""
        return [self.sequence() for _ in range(size)]
