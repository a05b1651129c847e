"""A toy GPT-2 for next-token prediction, stacked over runs; reads top to bottom.

The computation is that of ``transformers.GPT2LMHeadModel`` (causal, pre-layer-norm, learned positions, gelu by its
tanh formula, decoder tied to the word embedding without a bias), except that the last layer's output and the logits
are never computed away from the target positions, where nobody reads them.

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
"""Standard deviation of the initial word embedding, and by default of all else (GPT-2's ``initializer_range``)."""
EPSILON = 1e-5
"""Added to variances in layer norms."""


@dataclass(frozen=True)
class Gpt2Config:
    """Sizes of a stack of toy GPT-2s.

    Parameters
    ----------
    num_tokens
        Ids in the vocabulary, the unseen ones included.
    num_positions
        Length of the longest sequence.
    layers, width, heads, feed_forward
        Number of layers, residual width, attention heads, hidden units of the feed-forward block.
    dropout
        Probability used on embeddings, attention patterns and block outputs, as in GPT-2.
    initial_scale
        Standard deviation of the initial weight matrices and position embedding. GPT-2's 0.02 suits its width of 768;
        the same gain at width 64 is 0.07, with which circuits that span layers form much earlier.
    num_runs
        Members of the stack.
    """

    num_tokens: int
    num_positions: int
    layers: int = 4
    width: int = 64
    heads: int = 4
    feed_forward: int = 256
    dropout: float = 0.1
    initial_scale: float = INITIAL_SCALE
    num_runs: int = 1


class Gpt2Layer(StackedAttention):
    """Self-attention and feed-forward block, each preceded by layer norm and added to the residual stream."""

    def __init__(self, config: Gpt2Config) -> None:
        runs, width = config.num_runs, config.width
        super().__init__(runs, width, config.heads, causal=True)
        self.attention_norm = StackedLayerNorm(runs, width, EPSILON)
        self.feed_forward_norm = StackedLayerNorm(runs, width, EPSILON)
        self.intermediate = StackedLinear(runs, width, config.feed_forward)
        self.output = StackedLinear(runs, config.feed_forward, width)

    def attention_input(self, x_rbsd: Tensor) -> Tensor:
        """Normalise the residual stream."""
        normal: Tensor = self.attention_norm(x_rbsd.flatten(1, 2)).view_as(x_rbsd)
        return normal

    def forward(
        self, x_rbsd: Tensor, positions: Sequence[int] | None = None, masks: Iterator[Tensor] | None = None
    ) -> Tensor:
        """Update the residual stream (R, B, S, D); with `positions`, return it at those alone."""
        normal = self.attention_input(x_rbsd)
        x_rbtd, queries = x_rbsd, normal
        if positions is not None:
            x_rbtd, queries = at_positions(x_rbsd, positions), at_positions(normal, positions)
        mixed = self.attend(normal, queries, positions, masks)
        x = x_rbtd.flatten(1, 2) + dropout(mixed, masks)
        hidden = functional.gelu(self.intermediate(self.feed_forward_norm(x)), approximate="tanh")
        x = x + dropout(self.output(hidden), masks)
        return x.view_as(x_rbtd)


class StackedGpt2(StackedModel):
    """A stack of toy GPT-2s with tied input and output embeddings and no decoder bias."""

    def __init__(self, config: Gpt2Config) -> None:
        super().__init__()
        runs, width = config.num_runs, config.width
        self.config, self.dropout = config, config.dropout
        self.word_embedding = StackedEmbedding(runs, config.num_tokens, width)
        self.position_embedding = nn.Parameter(torch.empty(runs, 1, config.num_positions, width))
        self.layers = nn.ModuleList(Gpt2Layer(config) for _ in range(config.layers))
        self.final_norm = StackedLayerNorm(runs, width, EPSILON)
        self.register_buffer("decoder_bias", torch.zeros(runs, 1, config.num_tokens))

    @torch.no_grad()
    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the weights of run r from ``generators[r]``: matrices and embeddings from N(0, 0.02) by default.

        The two matrices of a layer that write to the residual stream are scaled down by the root of their number, as
        in GPT-2.
        """
        residual = ("attention_output.weight", ".output.weight")
        for run, generator in enumerate(generators):
            for name, parameter in self.named_parameters():
                if not name.endswith("bias") and "norm" not in name:
                    scale = INITIAL_SCALE if name.startswith("word_embedding") else self.config.initial_scale
                    writers = 2 * self.config.layers if name.endswith(residual) else 1
                    parameter[run].normal_(0, scale / writers**0.5, generator=generator)

    def embed(self, words_rbsd: Tensor, masks: Iterator[Tensor] | None = None) -> Tensor:
        """Embedding output, hidden state 0, of shape (R, B, S, D)."""
        x = words_rbsd + self.position_embedding[:, :, : words_rbsd.shape[2]]
        return dropout(x, masks)

    def read_out(self, x_rbtd: Tensor) -> Tensor:
        """Features of the same shape, from the residual stream after the last layer."""
        features: Tensor = self.final_norm(x_rbtd.flatten(1, 2)).view_as(x_rbtd)
        return features
