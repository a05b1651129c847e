"""A checkpoint reads windows of word pieces and gives a vector for each word.

In: windows of about the same length, read together. Out: means over the pieces of each word, at every layer.
Shape letters: L layer, W word, D component, B window of the batch, T place in the window.
"""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dual_process.devices import prepare_device
from dual_process.language.encoding import Encoder, Window
from dual_process.language.loading import add_rows, load_model, load_tokenizer, num_rows
from dual_process.language_runs import UnitPlan
from dual_process.streams import integer_seed

logger = logging.getLogger(__name__)

PAUSE = 10.0
"""Seconds between two lines about the progress."""
LARGEST = float(np.finfo(np.float16).max)


class Subject:
    """One checkpoint, its nonce words and its encoder.

    Parameters
    ----------
    folder
        The checkpoint.
    plan
        Of the unit.
    nonce
        Number of nonce words. They are rows drawn from the seed of the probing and that of the run, the same at all
        checkpoints of a run, and never trained.
    """

    def __init__(self, folder: Path, plan: UnitPlan, nonce: int) -> None:
        model = load_model(folder, plan.objective)
        self.vocabulary = num_rows(model)
        add_rows(model, count=nonce, seed=integer_seed(plan.probing.seed, "unseen words", plan.labels.seed))
        self.device = prepare_device()
        self.body: Any = model.base_model.to(self.device)
        # RoBERTa counts positions from the one after that of its padding
        self.first_position = getattr(getattr(self.body, "embeddings", None), "padding_idx", -1) + 1
        config = model.config
        self.layers, self.heads, self.width = config.num_hidden_layers, config.num_attention_heads, config.hidden_size
        longest = config.max_position_embeddings - self.first_position
        protocol = plan.probing.protocol
        self.encoder = Encoder(load_tokenizer(folder), vocabulary=self.vocabulary, protocol=protocol, longest=longest)
        # BERT and its like: the module whose output is the heads' outputs, one after the other
        self.attentions = [module for name, module in self.body.named_modules() if name.endswith("attention.self")]

    @property
    def shape(self) -> tuple[int, ...]:
        """What all checkpoints of a run have in common."""
        return self.layers, self.heads, self.width, self.vocabulary

    @torch.inference_mode()
    def read(self, windows: Sequence[Window], num_words: int, *, batch_tokens: int, heads: bool) -> list[np.ndarray]:
        """Read windows.

        Parameters
        ----------
        windows
            What to read, in any order.
        num_words
            One more than the largest index of a word.
        batch_tokens
            Word pieces read at once, padding included.
        heads
            Return the outputs of attention heads, too.

        Returns
        -------
        list of numpy.ndarray
            Means over the pieces of each word, float16, shape (L, W, D): hidden states, the embedding output first,
            and, if wanted, the outputs of all heads of each block before they are projected.
        """
        sizes = [self.layers + 1] + ([len(self.attentions)] if heads else [])
        found = [np.zeros((size, num_words, self.width), np.float16) for size in sizes]
        progress = Progress(sum(len(window.pieces) for window in windows))
        for batch in batches(windows, batch_tokens):
            index, pool = self._pooling(batch)
            for target, layers in zip(found, self._forward(batch, heads=heads), strict=True):
                for layer, states_btd in enumerate(layers):
                    vectors = pool(states_btd).clamp(-LARGEST, LARGEST)
                    target[layer, index] = vectors.to(torch.float16).cpu().numpy()
            progress.advance(sum(len(window.pieces) for window in batch))
        return found

    def _pooling(self, batch: Sequence[Window]) -> tuple[np.ndarray, Any]:
        """Indices of the words of a batch, and the mean over their pieces as a function of states (B, T, D)."""
        spans = [(row, *span) for row, window in enumerate(batch) for span in window.words]
        index = np.array([word for _, word, _, _ in spans])
        lengths = torch.tensor([stop - start for _, _, start, stop in spans], device=self.device)
        rows = torch.tensor([row for row, _, start, stop in spans for _ in range(start, stop)], device=self.device)
        places = torch.tensor([place for *_, start, stop in spans for place in range(start, stop)], device=self.device)
        owner = torch.repeat_interleave(torch.arange(len(spans), device=self.device), lengths)

        def pool(states_btd: Tensor) -> Tensor:
            sums = torch.zeros(len(spans), states_btd.shape[-1], device=self.device)
            return sums.index_add_(0, owner, states_btd[rows, places]) / lengths[:, None]

        return index, pool

    def _forward(self, batch: Sequence[Window], *, heads: bool) -> list[Sequence[Tensor]]:
        """Hidden states (L of (B, T, D)) and, if wanted, outputs of heads."""
        longest = max(len(window.pieces) for window in batch)
        lengths = torch.tensor([len(window.pieces) for window in batch])
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, window in enumerate(batch):
            ids[row, : len(window.pieces)] = torch.tensor(window.pieces)
        places = torch.arange(longest)
        offsets = torch.tensor([window.offset for window in batch])
        # padding stands at a position that the model has; nobody reads it
        positions = torch.minimum(places, lengths[:, None] - 1) + offsets[:, None] + self.first_position
        outputs: list[Tensor] = []
        hooks = [
            module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output[0]))
            for module in (self.attentions if heads else [])
        ]
        try:
            result = self.body(
                input_ids=ids.to(self.device),
                attention_mask=(places < lengths[:, None]).long().to(self.device),
                position_ids=positions.to(self.device),
                output_hidden_states=True,
            )
        finally:
            for hook in hooks:
                hook.remove()
        return [result.hidden_states, outputs] if heads else [result.hidden_states]


class Progress:
    """A line in the log now and then.

    Parameters
    ----------
    total
        Word pieces to read.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done, self._last = total, 0, time.monotonic()

    def advance(self, pieces: int) -> None:
        """Count word pieces that were read."""
        self._done += pieces
        if time.monotonic() - self._last > PAUSE:
            self._last = time.monotonic()
            logger.info("read %.0f%% of %d word pieces", 100 * self._done / self._total, self._total)


def batches(windows: Sequence[Window], batch_tokens: int) -> list[list[Window]]:
    """Group windows by length, so that little is padded, with at most `batch_tokens` pieces each if one window fits."""
    groups: list[list[Window]] = []
    for window in sorted(windows, key=lambda each: len(each.pieces)):
        if groups and (len(groups[-1]) + 1) * len(window.pieces) <= batch_tokens:
            groups[-1].append(window)
        else:
            groups.append([window])
    return groups
