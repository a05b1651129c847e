"""What every stack of networks offers to training and to the analyses.

Shape letters: R run, B batch, S position, T target position, H head, D width, V token, N row.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from dual_process.models.attention import StackedAttention
from dual_process.models.dropout import draw_masks
from dual_process.models.losses import stacked_cross_entropy
from dual_process.models.products import affine, prepared_affine
from dual_process.models.stacked import StackedEmbedding


class StackedModel(nn.Module, ABC):
    """A stack of transformers whose word embedding is also their decoder.

    Attributes
    ----------
    word_embedding
        Rows of all tokens, tied to the decoder.
    decoder_bias
        Shape (R, 1, V): a parameter, or a buffer of zeros in a model without one.
    layers
        Layers in order, each with attention.
    dropout
        Probability with which single elements of the embedding output, the attention patterns and the outputs of a
        layer's two blocks are zeroed in training.
    """

    word_embedding: StackedEmbedding
    decoder_bias: Tensor
    layers: nn.ModuleList
    dropout: float

    @abstractmethod
    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the weights of run r from ``generators[r]``."""

    @abstractmethod
    def embed(self, words_rbsd: Tensor, masks: Iterator[Tensor] | None = None) -> Tensor:
        """Embedding output, hidden state 0, of shape (R, B, S, D), from embeddings of :meth:`words`."""

    @abstractmethod
    def read_out(self, x_rbtd: Tensor) -> Tensor:
        """Features of the same shape, from the residual stream after the last layer."""

    def hidden_states(self, ids_rbs: Tensor) -> list[Tensor]:
        """All residual streams, embedding output first: layers + 1 tensors (R, B, S, D), without dropout.

        In a model that normalises before its layers, none of them is normalised.
        """
        states = [self.embed(self.words(ids_rbs))]
        for layer in self.layers:
            states.append(layer(states[-1]))
        return states

    def features(self, words_rbsd: Tensor, targets: Sequence[int], masks: Iterable[Tensor] | None) -> Tensor:
        """Features (R, B, T, D) at the target positions, ready for :meth:`logits` and :meth:`losses`.

        From embeddings of :meth:`words` and masks of :meth:`masks`: what is left has the same gradients in whatever
        order threads work, so that it can be compiled.
        """
        left = None if masks is None else iter(masks)
        x_rbsd = self.embed(words_rbsd, left)
        for layer in self.layers[:-1]:
            x_rbsd = layer(x_rbsd, masks=left)
        x_rbtd: Tensor = self.layers[-1](x_rbsd, targets, left)
        return self.read_out(x_rbtd)

    def forward(self, ids_rbs: Tensor, targets: Sequence[int]) -> Tensor:
        """Features (R, B, T, D) at the target positions, in training with dropout."""
        words_rbsd = self.words(ids_rbs)
        return self.features(words_rbsd, targets, self.masks(words_rbsd, len(targets)))

    def words(self, ids_rbs: Tensor) -> Tensor:
        """Embeddings (R, B, S, D) of the tokens alone."""
        words: Tensor = self.word_embedding(ids_rbs.flatten(1)).view(*ids_rbs.shape, -1)
        return words

    def masks(self, words_rbsd: Tensor, num_targets: int) -> list[Tensor] | None:
        """Dropout masks of a forward pass, in the order of their use; None without dropout.

        They are drawn from the default generator of the device.
        """
        shapes = self.mask_shapes(words_rbsd.shape, num_targets)
        return draw_masks(shapes, self.dropout, words_rbsd.device) if shapes else None

    def mask_shapes(self, shape_rbsd: Sequence[int], num_targets: int) -> list[tuple[int, ...]]:
        """Shapes of :meth:`masks` for embeddings of some shape; none without dropout."""
        if not (self.training and self.dropout):
            return []
        runs, batch, length, width = shape_rbsd
        shapes: list[tuple[int, ...]] = [(runs, batch, length, width)]
        layers = self.attention_layers()
        for layer in layers:
            queries = num_targets if layer is layers[-1] else length
            output = (runs, batch * queries, width)
            shapes += [(runs, batch, layer.heads, queries, length), output, output]
        return shapes

    def logits(self, features_rnd: Tensor) -> Tensor:
        """Scores (R, N, V) of all tokens."""
        return affine(features_rnd, self.word_embedding.weight.transpose(1, 2), self.decoder_bias)

    def decoder(self, scale: float = 1.0) -> Callable[[Tensor], Tensor]:
        """Prepare a function from features (R, N, D) to scores (R, N, V), times `scale`, that is to be called often.

        It knows no gradients, and no later changes of the weights.
        """
        return prepared_affine(self.word_embedding.weight.detach().transpose(1, 2), self.decoder_bias.detach(), scale)

    def losses(self, features_rnd: Tensor, targets_rn: Tensor) -> Tensor:
        """Mean cross-entropy (R,) over the N rows of each run."""
        return stacked_cross_entropy(features_rnd, self.word_embedding.weight, self.decoder_bias, targets_rn)

    def attention_layers(self) -> list[StackedAttention]:
        """Layers with attention, in order; ``layer.kept_heads`` silences heads."""
        return [cast("StackedAttention", layer) for layer in self.layers]

    def attention_patterns(self, ids_rbs: Tensor, targets: Sequence[int]) -> list[Tensor]:
        """Weights (R, B, H, T, S) with which the target positions read all positions, one tensor a layer."""
        before = self.hidden_states(ids_rbs)[:-1]
        return [layer.pattern(x_rbsd, targets) for layer, x_rbsd in zip(self.attention_layers(), before, strict=True)]
