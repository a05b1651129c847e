"""Grids of runs, and the figures that draw them."""

from typing import Annotated

from pydantic import Field

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
    """Which runs a figure draws."""

    grids: tuple[Name, ...] = Field(min_length=1)
    """Names from `grids`; shared runs are trained once."""
