"""Self-attention of stacked runs, open to analyses: its pattern can be read, and single heads can be silenced.

A layer with attention inherits from :class:`StackedAttention` and calls :meth:`~StackedAttention.attend`; the rest of
the layer (norms, feed-forward block, residual connections) is its own.

Shape letters: R run, B batch, S position, T position of a query row, H head, K head features, D width, N row.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from dual_process.models.dropout import dropout
from dual_process.models.products import small_products
from dual_process.models.stacked import StackedLinear, affine_together, at_positions


class StackedAttention(nn.Module):
    """Multi-head attention with weights of its own for each run.

    Parameters
    ----------
    num_runs, width, heads
        Sizes R, D and H; `heads` divides `width`.
    causal
        Whether a position reads itself and earlier positions alone.

    Attributes
    ----------
    kept_heads
        None (all heads work), or a factor for each head's output, shape (H,), in all runs; 0 silences a head. It is no
        part of the state dict.
    """

    def __init__(self, num_runs: int, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.kept_heads: Tensor | None = None
        self.query = StackedLinear(num_runs, width, width)
        self.key = StackedLinear(num_runs, width, width)
        self.value = StackedLinear(num_runs, width, width)
        self.attention_output = StackedLinear(num_runs, width, width)

    def attention_input(self, x_rbsd: Tensor) -> Tensor:
        """Turn the residual stream into what queries, keys and values are made of; a pre-norm layer overrides this."""
        return x_rbsd

    def attend(
        self,
        x_rbsd: Tensor,
        x_rbtd: Tensor,
        positions: Sequence[int] | None = None,
        masks: Iterator[Tensor] | None = None,
    ) -> Tensor:
        """Mix values over positions and project; T queries read S positions.

        Parameters
        ----------
        x_rbsd, x_rbtd
            Attention inputs at all positions and at those of the queries.
        positions
            Positions of the queries; None means all. Only a causal layer asks.
        masks
            The next one drops single weights of the pattern.

        Returns
        -------
        Tensor
            Rows of shape (R, B * T, D).
        """
        rows = x_rbsd.flatten(1, 2)
        if x_rbtd is x_rbsd:
            query, key, value = affine_together(rows, self.query, self.key, self.value)
        else:
            query, (key, value) = self.query(x_rbtd.flatten(1, 2)), affine_together(rows, self.key, self.value)
        pattern = self._weigh(self._split(query, x_rbsd), self._split(key, x_rbsd), positions)
        mixed_rbhtk = small_products(dropout(pattern, masks), self._split(value, x_rbsd))
        if self.kept_heads is not None:
            mixed_rbhtk = mixed_rbhtk * self.kept_heads[:, None, None]
        mixed: Tensor = self.attention_output(mixed_rbhtk.transpose(2, 3).flatten(3).flatten(1, 2))
        return mixed

    def pattern(self, x_rbsd: Tensor, positions: Sequence[int] | None = None) -> Tensor:
        """Weights (R, B, H, T, S) with which queries read positions, given the residual stream before the layer.

        Parameters
        ----------
        x_rbsd
            Residual stream, before :meth:`attention_input`.
        positions
            Positions of the queries; None means all.
        """
        x_rbsd = self.attention_input(x_rbsd)
        x_rbtd = x_rbsd if positions is None else at_positions(x_rbsd, positions)
        query, key = self.query(x_rbtd.flatten(1, 2)), self.key(x_rbsd.flatten(1, 2))
        return self._weigh(self._split(query, x_rbsd), self._split(key, x_rbsd), positions)

    def _weigh(self, query_rbhtk: Tensor, key_rbhsk: Tensor, positions: Sequence[int] | None) -> Tensor:
        scores = small_products(query_rbhtk, key_rbhsk.transpose(-1, -2)) * query_rbhtk.shape[-1] ** -0.5
        if self.causal:
            position_s = torch.arange(scores.shape[-1], device=scores.device)
            position_t = position_s if positions is None else position_s[list(positions)]
            scores = scores.masked_fill(position_s > position_t[:, None], -torch.inf)
        return scores.softmax(-1)

    def _split(self, x_rnd: Tensor, like_rbsd: Tensor) -> Tensor:
        """Take rows apart into (R, B, H, positions, K)."""
        return x_rnd.unflatten(1, (like_rbsd.shape[1], -1)).unflatten(3, (self.heads, -1)).transpose(2, 3)
