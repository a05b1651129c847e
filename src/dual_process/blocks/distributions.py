"""Token distributions: how often each type of a class is drawn."""

from typing import Annotated, Literal

from pydantic import Field

from dual_process.blocks.base import Block


class Uniform(Block):
    """All types of a class equally likely."""

    law: Literal["uniform"]
    """Name of the sampling law."""


class Zipf(Block):
    """P(rank r) proportional to r to the power of -alpha, truncated at the number of types."""

    law: Literal["zipf"]
    """Name of the sampling law."""
    alpha: float = Field(gt=0, le=10)
    """Exponent; the paper uses 1.0001, 1.2, 1.5, 2 and 3."""


class TwoLevel(Block):
    """A head of equally frequent types and a tail of equally rare ones."""

    law: Literal["two-level"]
    """Name of the sampling law."""
    head_types: float = Field(gt=0, lt=1)
    """Share of the types of a class that form the head."""
    head_share: float = Field(gt=0, lt=1)
    """Probability that a token comes from the head."""


Distribution = Annotated[Uniform | Zipf | TwoLevel, Field(discriminator="law")]
