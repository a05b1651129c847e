"""Protocols: what the published code does in one way and a clean experiment in another."""

from typing import Literal, Self

from pydantic import Field, model_validator

from dual_process.blocks.base import Block

ClearMoments = Literal["none", "embedding", "all"]


class Protocol(Block):
    """What the published code does in one way and a clean experiment in another."""

    sampling: Literal["reference", "corrected"] = "corrected"
    """reference: Zipf never draws the first type of a class, and the sets by ambiguity ignore the class."""
    padding_is_first_noun: bool = False
    """The id of the first noun doubles as padding: its row is zero and gets no gradient from the input side."""
    reset_scale: float | Literal["empirical"] = Field(0.02, union_mode="left_to_right")
    """Standard deviation of a reset embedding; "empirical" takes that of the trained rows at the reset."""
    clear_moments_active: ClearMoments = "embedding"
    """Whose AdamW moments and step count are cleared at a reset of active forgetting."""
    clear_moments_temporary: ClearMoments = "embedding"
    """Whose AdamW moments and step count are cleared at a reset of temporary forgetting."""
    reset_decoder_bias: bool = True
    """Zero the decoder bias at a reset, so that it keeps no token frequencies."""
    train_unseen: bool = False
    """Unseen tokens are softmax negatives in training, so that their tied rows and biases are pushed down."""
    initial_embedding_scale: float = Field(0.02, gt=0, le=10)
    """Standard deviation of the initial word embedding (1.0 is the control without forgetting)."""

    @model_validator(mode="after")
    def _reset_scale_positive(self) -> Self:
        if isinstance(self.reset_scale, float) and not 0 < self.reset_scale <= 10:
            raise ValueError(
                f"reset_scale {self.reset_scale} is out of range; use 0 < reset_scale <= 10 or 'empirical'"
            )
        return self


REFERENCE = Protocol(
    sampling="reference",
    padding_is_first_noun=True,
    reset_scale=1.0,
    clear_moments_active="none",
    clear_moments_temporary="all",
    reset_decoder_bias=False,
    train_unseen=True,
)
CORRECTED = Protocol()
