"""A toy BERT for masked language modelling, stacked over runs; reads top to bottom.

The computation is that of ``transformers.BertForMaskedLM`` (post-layer-norm, gelu, decoder tied to the word
embedding, its own decoder bias), as in the published code, except that the last layer's output and the logits are never
computed away from the target positions, where nobody reads them.

Shape letters: R run, B batch, S position, T target position, D width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dual_process.models.attention import StackedAttention
from dual_process.models.dropout import dropout
from dual_process.models.interface import StackedModel
from dual_process.models.stacked import StackedEmbedding, StackedLayerNorm, StackedLinear, at_positions

INITIAL_SCALE = 0.02
"""Standard deviation of every initial weight matrix and embedding (BERT's ``initializer_range``)."""


@dataclass(frozen=True)
class BertConfig:
    """Sizes of a stack of toy BERTs.

    Parameters
    ----------
    num_tokens
        Ids in the vocabulary, the unseen ones included.
    num_positions
        Length of the longest sequence.
    layers, width, heads, feed_forward
        Number of layers, residual width, attention heads, hidden units of the feed-forward block.
    dropout
        Probability used on embeddings, attention patterns and block outputs, as in BERT.
    padding
        Id whose input embedding is never trained and starts at zero, as in BERT; none by default. As a row of the tied
        decoder it is trained.
    num_runs
        Members of the stack.
    """

    num_tokens: int
    num_positions: int
    layers: int = 6
    width: int = 64
    heads: int = 1
    feed_forward: int = 128
    dropout: float = 0.1
    padding: int | None = None
    num_runs: int = 1


class BertLayer(StackedAttention):
    """Self-attention and feed-forward block, each followed by residual addition and layer norm."""

    def __init__(self, config: BertConfig) -> None:
        runs, width = config.num_runs, config.width
        super().__init__(runs, width, config.heads)
        self.attention_norm = StackedLayerNorm(runs, width)
        self.intermediate = StackedLinear(runs, width, config.feed_forward)
        self.output = StackedLinear(runs, config.feed_forward, width)
        self.output_norm = StackedLayerNorm(runs, width)

    def forward(
        self, x_rbsd: Tensor, positions: Sequence[int] | None = None, masks: Iterator[Tensor] | None = None
    ) -> Tensor:
        """Update the residual stream (R, B, S, D); with `positions`, return it at those alone."""
        x_rbtd = x_rbsd if positions is None else at_positions(x_rbsd, positions)
        mixed = self.attend(x_rbsd, x_rbtd, positions, masks)
        x = self.attention_norm(dropout(mixed, masks) + x_rbtd.flatten(1, 2))
        hidden = self.output(functional.gelu(self.intermediate(x)))
        x = self.output_norm(dropout(hidden, masks) + x)
        return x.view_as(x_rbtd)


class StackedBert(StackedModel):
    """A stack of toy BERTs with tied input and output embeddings."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        runs, width = config.num_runs, config.width
        self.config, self.dropout = config, config.dropout
        self.word_embedding = StackedEmbedding(runs, config.num_tokens, width, config.padding)
        self.position_embedding = nn.Parameter(torch.empty(runs, 1, config.num_positions, width))
        self.type_embedding = nn.Parameter(torch.empty(runs, 1, 1, width))
        self.embedding_norm = StackedLayerNorm(runs, width)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.layers))
        self.transform = StackedLinear(runs, width, width)
        self.transform_norm = StackedLayerNorm(runs, width)
        self.decoder_bias = nn.Parameter(torch.zeros(runs, 1, config.num_tokens))

    @torch.no_grad()
    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the weights of run r from ``generators[r]``: matrices and embeddings from N(0, 0.02)."""
        for run, generator in enumerate(generators):
            for name, parameter in self.named_parameters():
                if not name.endswith("bias") and "norm" not in name:
                    parameter[run].normal_(0, INITIAL_SCALE, generator=generator)
        if self.config.padding is not None:
            self.word_embedding.weight[:, self.config.padding] = 0

    def embed(self, words_rbsd: Tensor, masks: Iterator[Tensor] | None = None) -> Tensor:
        """Embedding output, hidden state 0, of shape (R, B, S, D)."""
        x = words_rbsd + self.position_embedding[:, :, : words_rbsd.shape[2]] + self.type_embedding
        return dropout(self.embedding_norm(x.flatten(1, 2)).view_as(x), masks)

    def read_out(self, x_rbtd: Tensor) -> Tensor:
        """Features of the same shape, from the residual stream after the last layer."""
        features: Tensor = self.transform_norm(functional.gelu(self.transform(x_rbtd.flatten(1, 2)))).view_as(x_rbtd)
        return features
