"""What all blocks share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*$")]
"""A short name that becomes part of a path: letters, digits, dots and hyphens."""

FigureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""Name of a figure, which is that of its rule and of its module."""

Probability = Annotated[float, Field(ge=0, le=1)]


class Block(BaseModel):
    """Base of every block: frozen, no unknown keys, descriptions taken from the field docstrings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
