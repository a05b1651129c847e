"""Grids of runs, and the figures that draw them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from dual_process.blocks.base import Block, Name
from dual_process.blocks.training import STANDARD


class Grid(Block):
    """Runs named by crossing names of the blocks above."""

    tasks: tuple[Name, ...] = ("pos",)
    """Names from `tasks`."""
    distributions: tuple[Name, ...]
    """Names from `distributions`."""
    models: tuple[Name, ...] = ("bert",)
    """Names from `models`."""
    schedules: tuple[Name, ...]
    """Names from `schedules`."""
    protocols: tuple[Name, ...] = ("corrected",)
    """Names from `protocols`."""
    training: Name = STANDARD
    """Name from `training_variants`; standard is `training` itself."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...]
    """Seeds; the same seed means the same data in the same order for every schedule."""


class Figure(Block):
    """Which runs a figure draws: those of grids, or of series of language models."""

    grids: tuple[Name, ...] = ()
    """Names from `grids`; shared runs are trained once."""
    checkpoints: tuple[Name, ...] = ()
    """Names from `language.checkpoints`, for a figure of the natural-language study."""
    finetunings: tuple[Name, ...] = ()
    """Names from `language.finetunings`, for a figure about finetuning."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.grids, self.checkpoints, self.finetunings))) != 1:
            raise ValueError("a figure names runs under one of grids, checkpoints and finetunings, at least one run")
        return self
