"""The one strict configuration, put together from its blocks and checked.

Input is the mapping that Snakemake has merged from ``config/config.yaml`` and its overlays; output is a frozen
:class:`Config`, or one sentence for each fault. Nothing heavy is imported here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from dual_process.blocks import (
    CORRECTED,
    REFERENCE,
    STANDARD,
    Block,
    Distribution,
    Figure,
    FigureName,
    Grid,
    Language,
    Model,
    Name,
    Probing,
    Protocol,
    Schedule,
    Task,
    Training,
)
from dual_process.config_language import Blocks, check_language, check_names, objective

PLACEMENT = {"cohort_size", "gpus", "threads", "resume_every", "keep_checkpoints"}
"""Keys of `training` that decide where and how work is done, but not what comes out."""


class Config(Block):
    """Everything that decides a result."""

    scale: Name
    """Folder under results/ for everything made with this configuration."""
    tasks: dict[Name, Task]
    """Tasks by name."""
    distributions: dict[Name, Distribution]
    """Token distributions by name."""
    models: dict[Name, Model]
    """Architectures by name."""
    schedules: dict[Name, Schedule]
    """Forgetting schedules by name."""
    protocols: dict[Name, Protocol] = Field(default_factory=dict)
    """Protocols by name; `reference` and `corrected` are always there."""
    training: Training
    """Optimisation, stacking and checkpoints."""
    training_variants: dict[Name, Training] = Field(default_factory=dict)
    """Named variants of `training`, each holding the keys that differ; a grid names the one it wants."""
    probing: Probing = Probing()
    """What is measured on every checkpoint."""
    grids: dict[Name, Grid]
    """Grids by name."""
    language: Language | None = None
    """The natural-language study; null leaves it out."""
    figures: dict[FigureName, Figure]
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

    @model_validator(mode="before")
    @classmethod
    def _variants_are_complete(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        base, variants = data.get("training"), data.get("training_variants")
        if not isinstance(base, Mapping) or not isinstance(variants, Mapping):
            return data
        if STANDARD in variants:
            raise ValueError(f"training_variants.{STANDARD} is `training` itself; give a variant a name of its own")
        merged = {name: {**base, **own} if isinstance(own, Mapping) else own for name, own in variants.items()}
        return {**data, "training_variants": merged}

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        for grid_name, grid in self.grids.items():
            for key in ("tasks", "distributions", "models", "schedules", "protocols"):
                self._check(f"grids.{grid_name}.{key}", getattr(grid, key), key)
            if grid.training not in self.trainings:
                raise ValueError(
                    f"grids.{grid_name}.training names {grid.training!r}, which is not defined; "
                    f"{STANDARD} is `training`, defined under training_variants: {', '.join(self.training_variants)}"
                )
        return self

    @model_validator(mode="after")
    def _figures_resolve(self) -> Self:
        for name, figure in self.figures.items():
            self._check(f"figures.{name}.grids", figure.grids, "grids")
        check_language(self.language, self.figures, self.blocks_of_language)
        return self

    @property
    def blocks_of_language(self) -> Blocks:
        """Blocks whose names the natural-language study uses."""
        return Blocks(self.models, self.schedules, self.protocols, self.training_variants)

    def objective(self, series: str) -> str:
        """Whether the language models of a series are masked or causal.

        Parameters
        ----------
        series
            Name from `language.checkpoints`.
        """
        assert self.language is not None, "a figure that names checkpoints is refused without a language block"
        return objective(self.language.checkpoints[series], self.models)

    def _check(self, key: str, names: Sequence[str], where: str) -> None:
        check_names(key, names, getattr(self, where), where)

    @model_validator(mode="after")
    def _schedules_fit(self) -> Self:
        for grid in self.grids.values():
            steps = self.trainings[grid.training].steps
            for name in grid.schedules:
                period = getattr(self.schedules[name], "period", 0)
                if period >= steps:
                    key = "training" if grid.training == STANDARD else f"training_variants.{grid.training}"
                    raise ValueError(
                        f"schedules.{name}.period {period} never comes within {key}.steps {steps}; "
                        f"period must be less than {key}.steps"
                    )
        return self

    @model_validator(mode="after")
    def _placement_is_common(self) -> Self:
        for name, training in self.training_variants.items():
            for key in sorted(PLACEMENT - {"cohort_size"}):
                value, common = getattr(training, key), getattr(self.training, key)
                if value != common:
                    raise ValueError(
                        f"training_variants.{name}.{key} is {value!r}; it must be left out, since `training.{key}` "
                        f"({common!r}) holds for all runs"
                    )
        return self

    @property
    def trainings(self) -> dict[str, Training]:
        """`training` under the name standard, and its variants."""
        return {STANDARD: self.training, **self.training_variants}


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
        raise ConfigError("\n".join(_sentence(fault) for fault in _own_faults(error.errors()))) from None


def _own_faults(faults: Sequence[Any]) -> list[Any]:
    """Leave out what variants of `training` have inherited from a fault in `training` itself."""
    common = {tuple(fault["loc"][1:]) for fault in faults if fault["loc"][:1] == ("training",)}
    return [fault for fault in faults if fault["loc"][:1] != ("training_variants",) or fault["loc"][2:] not in common]


def _sentence(fault: Any) -> str:
    """Turn one pydantic fault into a sentence: key, value, what is allowed."""
    path = [str(part) for part in fault["loc"] if part != "[key]"]
    if path[:1] in (["distributions"], ["schedules"], ["tasks"], ["models"]):
        del path[2:3]  # pydantic puts the tag of the union here
    if "reset_scale" in path:
        del path[path.index("reset_scale") + 1 :]  # and here the member of the union
    if path[:2] == ["language", "checkpoints"]:
        del path[3:4]  # and here the tag again
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
        tag = context["discriminator"].strip("'_()")
        return f"config: key '{key}.{tag}' is {context['tag']!r}; it must be one of {context['expected_tags']}."
    names = "holds letters, digits, dots and hyphens, and starts with a letter or digit"
    if path[0:1] == ["figures"] and len(path) == 2:
        names = "of a figure holds small letters, digits and underscores, and starts with a letter"
    block = "it must be a block of keys and values"
    message = fault["msg"].split(", unable")[0].split(", got")[0].replace("Input should be", "it must be")
    allowed = {
        "model_type": block,
        "dict_type": block,
        "model_attributes_type": block,
        "union_tag_not_found": f"{block}, one of them {context.get('discriminator')}",
        "tuple_type": "it must be a list",
        "too_short": f"it must have at least {context.get('min_length')} item",
        "string_pattern_mismatch": f"a name {names}",
    }
    return f"config: {f'key {key!r}' if key else 'the whole'} is {value}; {allowed.get(kind, message)}."
