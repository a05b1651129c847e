"""Forgetting schedules: which embedding rows are drawn anew, and when."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dual_process.blocks.base import Block, Probability


class Vanilla(Block):
    """Nothing is ever reset."""

    kind: Literal["vanilla"]
    """Kind of forgetting schedule."""


class Active(Block):
    """The embedding is re-initialised every `period` steps."""

    kind: Literal["active"]
    """Kind of forgetting schedule."""
    period: int = Field(ge=1)
    """Steps k between resets."""


class Temporary(Block):
    """As active, but only during the first `forget_until` steps (exclusive)."""

    kind: Literal["temporary"]
    """Kind of forgetting schedule."""
    period: int = Field(ge=1)
    """Steps k between resets."""
    forget_until: int = Field(ge=1)
    """Step N before which resets happen (strictly)."""

    @model_validator(mode="after")
    def _one_reset_at_least(self) -> Self:
        if self.forget_until <= self.period:
            raise ValueError(
                f"forget_until {self.forget_until} with period {self.period} never resets anything; "
                f"forget_until must be greater than period"
            )
        return self


class Probabilistic(Block):
    """Each token of a batch has its row replaced by a fresh draw with some probability, for that step alone."""

    kind: Literal["probabilistic"]
    """Kind of forgetting schedule."""
    probability: float = Field(gt=0, le=1)
    """Chance, per step, that a token type of the batch is replaced."""
    forget_until: int | None = Field(None, ge=1)
    """Step N before which replacement happens (strictly); null means always."""


class Drift(Block):
    """The embedding is never trained, and occurrences of drawn tokens have their rows overwritten for one step.

    As in the published code of arXiv 2406.00053: before each forward pass every occurrence is, with some probability,
    given a fresh row (a type that occurs m times changes with 1 - (1 - p)^m); after the optimizer step the whole
    embedding is put back. With probability 0 this is a frozen random embedding, not vanilla training.
    """

    kind: Literal["drift"]
    """Kind of forgetting schedule."""
    probability: Probability
    """Chance p, per occurrence and step, that a drawn token's row is overwritten; 0 only freezes the embedding."""


Schedule = Annotated[Vanilla | Active | Temporary | Probabilistic | Drift, Field(discriminator="kind")]
