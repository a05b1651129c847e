"""The one strict configuration, put together from its blocks and checked.

Input is the mapping that Snakemake has merged from ``config/config.yaml`` and its overlays; output is a frozen
:class:`Config`, or one sentence for each fault. Nothing heavy is imported here.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from dual_process.blocks import (
    CORRECTED,
    REFERENCE,
    Bert,
    Block,
    Distribution,
    Figure,
    Grid,
    Name,
    PartOfSpeech,
    Probing,
    Protocol,
    Schedule,
    Training,
)


class Config(Block):
    """Everything that decides a result."""

    scale: Name
    """Folder under results/ for everything made with this configuration."""
    tasks: dict[Name, PartOfSpeech]
    """Tasks by name."""
    distributions: dict[Name, Distribution]
    """Token distributions by name."""
    models: dict[Name, Bert]
    """Architectures by name."""
    schedules: dict[Name, Schedule]
    """Forgetting schedules by name."""
    protocols: dict[Name, Protocol] = Field(default_factory=dict)
    """Protocols by name; `reference` and `corrected` are always there."""
    training: Training
    """Optimisation, stacking and checkpoints."""
    probing: Probing = Probing()
    """What is measured on every checkpoint."""
    grids: dict[Name, Grid]
    """Grids by name."""
    figures: dict[Name, Figure]
    """Figures by name."""

    @model_validator(mode="before")
    @classmethod
    def _builtin_protocols(cls, data: Any) -> Any:
        own = data.get("protocols") or {} if isinstance(data, Mapping) else None
        if not isinstance(own, Mapping):
            return data
        builtin = {"reference": REFERENCE, "corrected": CORRECTED}
        for name in sorted(builtin.keys() & own.keys()):
            raise ValueError(f"protocols.{name} is built in and cannot be changed; give a variant a name of its own")
        return {**data, "protocols": builtin | dict(own)}

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        for grid_name, grid in self.grids.items():
            for key in ("tasks", "distributions", "models", "schedules", "protocols"):
                known = getattr(self, key)
                for name in getattr(grid, key):
                    if name not in known:
                        raise ValueError(
                            f"grids.{grid_name}.{key} names {name!r}, which is not defined; "
                            f"defined under {key}: {', '.join(known)}"
                        )
        for figure_name, figure in self.figures.items():
            for name in figure.grids:
                if name not in self.grids:
                    raise ValueError(
                        f"figures.{figure_name}.grids names {name!r}, which is not defined; "
                        f"defined under grids: {', '.join(self.grids)}"
                    )
        return self

    @model_validator(mode="after")
    def _schedules_fit(self) -> Self:
        used = {name for grid in self.grids.values() for name in grid.schedules}
        for name in sorted(used):
            period = getattr(self.schedules[name], "period", 0)
            if period >= self.training.steps:
                raise ValueError(
                    f"schedules.{name}.period {period} never comes within training.steps {self.training.steps}; "
                    f"period must be less than training.steps"
                )
        return self


class ConfigError(ValueError):
    """A configuration that cannot be run; its text is one sentence per fault."""


def load_config(data: Mapping[str, Any]) -> Config:
    """Check a merged configuration.

    Parameters
    ----------
    data
        Mapping as read from YAML.

    Returns
    -------
    Config
        The frozen configuration.

    Raises
    ------
    ConfigError
        With one sentence for each fault, naming the key, its value and what is allowed.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(fault) for fault in error.errors())) from None


def _sentence(fault: Any) -> str:
    """Turn one pydantic fault into a sentence: key, value, what is allowed."""
    path = [str(part) for part in fault["loc"] if part != "[key]"]
    if path[:1] in (["distributions"], ["schedules"]):
        del path[2:3]  # pydantic puts the tag of the union here
    if "reset_scale" in path:
        del path[path.index("reset_scale") + 1 :]  # and here the member of the union
    key, kind, context = ".".join(path), fault["type"], fault.get("ctx", {})
    value = "null" if fault["input"] is None else repr(fault["input"])
    value = value if len(value) <= 60 else f"{value[:57]}..."
    if kind == "extra_forbidden":
        return f"config: key {key!r} (value {value}) is not known; config/README.md lists the keys."
    if kind == "missing":
        return f"config: key {key!r} is missing; config/README.md says what it takes."
    if kind == "value_error":
        return f"config: {key + ': ' if key else ''}{context['error']}."
    if kind == "union_tag_invalid":
        tag = context["discriminator"].strip("'")
        return f"config: key '{key}.{tag}' is {context['tag']!r}; it must be one of {context['expected_tags']}."
    block = "it must be a block of keys and values"
    message = fault["msg"].split(", unable")[0].split(", got")[0].replace("Input should be", "it must be")
    allowed = {
        "model_type": block,
        "dict_type": block,
        "model_attributes_type": block,
        "union_tag_not_found": f"{block}, one of them {context.get('discriminator')}",
        "tuple_type": "it must be a list",
        "too_short": f"it must have at least {context.get('min_length')} item",
        "string_pattern_mismatch": "a name holds letters, digits, dots and hyphens, and starts with a letter or digit",
    }
    return f"config: {f'key {key!r}' if key else 'the whole'} is {value}; {allowed.get(kind, message)}."
