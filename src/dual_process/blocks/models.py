"""Architectures."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from dual_process.blocks.base import Block


def _check_heads(width: int, heads: int) -> None:
    if width % heads:
        raise ValueError(f"heads {heads} does not divide width {width}; it must be a divisor of it")


class Bert(Block):
    """Toy BERT for masked language modelling (as in the published code of arXiv 2406.00053)."""

    kind: Literal["bert"] = "bert"
    """Which architecture this block describes."""
    layers: int = Field(6, ge=1, le=48)
    """Transformer layers."""
    width: int = Field(64, ge=4, le=4096)
    """Width of the residual stream."""
    heads: int = Field(1, ge=1, le=64)
    """Attention heads per layer; divides the width."""
    feed_forward: int = Field(128, ge=4, le=16384)
    """Hidden units of the feed-forward block."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout on embeddings, attention patterns and block outputs."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        _check_heads(self.width, self.heads)
        return self


class Gpt2(Block):
    """Toy GPT-2 for next-token prediction (toy autoregressive study of arXiv 2406.00053)."""

    kind: Literal["gpt2"] = "gpt2"
    """Which architecture this block describes."""
    layers: int = Field(4, ge=1, le=48)
    """Transformer layers."""
    width: int = Field(64, ge=4, le=4096)
    """Width of the residual stream."""
    heads: int = Field(4, ge=1, le=64)
    """Attention heads per layer; divides the width."""
    feed_forward: int = Field(256, ge=4, le=16384)
    """Hidden units of the feed-forward block."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout on embeddings, attention patterns and block outputs."""
    initial_scale: float = Field(0.02, gt=0, le=1)
    """Standard deviation of the initial weights except the word embedding; 0.02 suits GPT-2's own width of 768."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        _check_heads(self.width, self.heads)
        return self


def _kind(block: Any) -> str:
    kind = block.get("kind", "bert") if isinstance(block, dict) else getattr(block, "kind", "")
    return str(kind)


Model = Annotated[Annotated[Bert, Tag("bert")] | Annotated[Gpt2, Tag("gpt2")], Discriminator(_kind)]
"""An architecture; `kind` tells which, and is bert if it is left out."""
