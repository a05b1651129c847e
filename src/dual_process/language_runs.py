"""The runs of the natural-language study and the plan of every job: pure functions of the configuration.

A run is one language model over training: a series of checkpoints under one schedule and seed. What one job measures is
a unit: all checkpoints of a run that lies here, one checkpoint of a run on the hub, which is fetched and removed again.
As in :mod:`dual_process.runs`, a plan holds all that decides the result of one job and nothing else.
"""

from dataclasses import dataclass
from typing import Any

from dual_process.blocks import (
    Block,
    Finetuning,
    Hub,
    LanguageProbing,
    Local,
    Model,
    Pretrained,
    Protocol,
    Schedule,
    Training,
    Vanilla,
)
from dual_process.config import PLACEMENT, Config
from dual_process.schedules import checkpoint_steps

TASK = "natural-language"
"""Task of all runs here, beside those of the synthetic study."""


@dataclass(frozen=True)
class LanguageRun:
    """One language model over training, by the names of its parts."""

    corpus: str
    checkpoints: str
    schedule: str
    seed: int
    finetuning: str = ""

    @property
    def name(self) -> str:
        """Unique, path-safe name."""
        start = f"task~{TASK}_corpus~{self.corpus}_checkpoints~{self.checkpoints}"
        start += f"_finetuning~{self.finetuning}" if self.finetuning else ""
        return f"{start}_schedule~{self.schedule}_seed~{self.seed}"

    @property
    def source(self) -> "LanguageRun":
        """For finetuning: the run, under vanilla training, whose last checkpoint it starts from."""
        return LanguageRun(self.corpus, self.checkpoints, "vanilla", self.seed)


@dataclass(frozen=True)
class Unit:
    """Checkpoints of one run that one job measures."""

    run: LanguageRun
    step: int | None = None
    """The one checkpoint, as the repository counts steps; None for all of the run."""

    @property
    def name(self) -> str:
        """Unique, path-safe name."""
        return self.run.name if self.step is None else f"{self.run.name}_step~{self.step}"


class Labels(Block):
    """What readers select and group runs by; see `dual_process.store.RUN_COLUMNS`."""

    run: str
    corpus: str
    checkpoints: str
    training: str
    protocol: str
    schedule_name: str
    schedule: Schedule
    seed: int


class PretrainingPlan(Block):
    """All that decides the checkpoints of one pretraining run, beside the text."""

    labels: Labels
    model: Model
    protocol: Protocol
    training: dict[str, Any]
    vocabulary: int
    sequence_length: int
    masked_share: float
    syllogisms: float
    steps: tuple[int, ...]
    """Steps at which checkpoints are saved."""

    @property
    def optimisation(self) -> Training:
        """The `training` block, with defaults for the keys that decide nothing."""
        return Training.model_validate(self.training)


class SentencesPlan(Block):
    """All that decides the sentences on which checkpoints are probed, beside the treebank."""

    corpus: str
    seed: int
    train_words: int
    dev_words: int
    sequences: int
    types: int
    purity: float


class UnitPlan(Block):
    """All that decides what is measured on some checkpoints, beside the checkpoints and the sentences."""

    name: str
    labels: Labels
    objective: str
    """masked or causal."""
    folders: tuple[str, ...]
    """Folder of each checkpoint, under that of the run or as it is where the user keeps it."""
    steps: tuple[int, ...]
    """Optimizer step of each checkpoint."""
    probing: LanguageProbing


class HubPlan(Block):
    """One checkpoint on the hub."""

    repository: str
    revision: str


class FinetuningPlan(Block):
    """All that decides one finetuning run, beside the checkpoint it starts from and the text."""

    labels: Labels
    source: UnitPlan
    training: dict[str, Any]
    sequence_length: int
    probing: LanguageProbing

    @property
    def optimisation(self) -> Training:
        """The `training` block, with defaults for the keys that decide nothing."""
        return Training.model_validate(self.training)


def figure_language_runs(config: Config, figure: str) -> tuple[LanguageRun, ...]:
    """Runs of language models that a figure draws, each once."""
    block = config.figures[figure]
    names = [(name, "") for name in block.checkpoints]
    names += [(_finetuning(config, name).checkpoints, name) for name in block.finetunings]
    return tuple(dict.fromkeys(run for series, finetuning in names for run in _runs(config, series, finetuning)))


def _runs(config: Config, series: str, finetuning: str) -> list[LanguageRun]:
    block = _series(config, series)
    schedules = block.schedules if isinstance(block, Pretrained) else ("vanilla",)
    if finetuning:
        schedules = _finetuning(config, finetuning).schedules
    return [
        LanguageRun(block.corpus, series, schedule, seed, finetuning) for schedule in schedules for seed in block.seeds
    ]


def units_of(config: Config, run: LanguageRun) -> tuple[Unit, ...]:
    """Jobs that measure the checkpoints of a run."""
    block = _series(config, run.checkpoints)
    if isinstance(block, Hub) and not run.finetuning:
        return tuple(Unit(run, step) for step in block.steps)
    return (Unit(run),)


def figure_units(config: Config, figure: str) -> tuple[Unit, ...]:
    """Jobs that measure what a figure draws."""
    return tuple(unit for run in figure_language_runs(config, figure) for unit in units_of(config, run))


def units(config: Config) -> dict[str, Unit]:
    """All units that any figure needs, by name, with the sources of finetuning."""
    drawn = [unit for figure in config.figures for unit in figure_units(config, figure)]
    sources = [last_unit(config, unit.run.source) for unit in drawn if unit.run.finetuning]
    return {unit.name: unit for unit in (*drawn, *sources)}


def last_unit(config: Config, run: LanguageRun) -> Unit:
    """The unit that holds the last checkpoint of a run."""
    return units_of(config, run)[-1]


def pretraining_plan(config: Config, run: LanguageRun) -> PretrainingPlan:
    """Plan of one pretraining run."""
    block = _series(config, run.checkpoints)
    assert isinstance(block, Pretrained), f"{run.checkpoints} is not pretrained here"
    training = config.training_variants[block.training]
    return PretrainingPlan(
        # The protocol of probing is no business of pretraining.
        labels=labels(config, run).model_copy(update={"protocol": block.protocol}),
        model=config.models[block.model],
        protocol=config.protocols[block.protocol],
        training=training.model_dump(mode="json", exclude=PLACEMENT),
        vocabulary=block.vocabulary,
        sequence_length=block.sequence_length,
        masked_share=block.masked_share,
        syllogisms=block.syllogisms,
        steps=tuple(checkpoint_steps(training, [])),
    )


def sentences_plan(config: Config, corpus: str) -> SentencesPlan:
    """Plan of the sentences of one corpus."""
    keys = SentencesPlan.model_fields.keys() - {"corpus"}
    return SentencesPlan(corpus=corpus, **_probing(config).model_dump(include=keys))


def unit_plan(config: Config, unit: Unit) -> UnitPlan:
    """Plan of the measurements of one unit."""
    block, run = _series(config, unit.run.checkpoints), unit.run
    if isinstance(block, Pretrained):
        steps = pretraining_plan(config, run).steps
        folders = tuple(checkpoint_name(step) for step in steps)
    elif isinstance(block, Local):
        steps = tuple(step * block.step_unit for step in block.steps)
        folders = tuple(block.folder.format(seed=run.seed, step=step) for step in block.steps)
    else:
        assert unit.step is not None, "a unit of a hub series has one step"
        steps, folders = (unit.step * block.step_unit,), ("",)
    return UnitPlan(
        name=unit.name,
        labels=labels(config, run),
        objective=config.objective(run.checkpoints),
        folders=folders,
        steps=steps,
        probing=_probing(config),
    )


def hub_plan(config: Config, unit: Unit) -> HubPlan:
    """Where a unit of a hub series is to be had."""
    block = _series(config, unit.run.checkpoints)
    assert isinstance(block, Hub), f"{unit.run.checkpoints} is not on a hub"
    names = {"seed": unit.run.seed, "step": unit.step}
    return HubPlan(repository=block.repository.format(**names), revision=block.revision.format(**names))


def finetuning_plan(config: Config, run: LanguageRun) -> FinetuningPlan:
    """Plan of one finetuning run; it starts from the last checkpoint of its source."""
    block = _finetuning(config, run.finetuning)
    return FinetuningPlan(
        labels=labels(config, run),
        source=unit_plan(config, last_unit(config, run.source)),
        training=config.training_variants[block.training].model_dump(mode="json", exclude=PLACEMENT),
        sequence_length=block.sequence_length,
        probing=_probing(config),
    )


def labels(config: Config, run: LanguageRun) -> Labels:
    """What readers select and group a run by."""
    block = _series(config, run.checkpoints)
    own = isinstance(block, Pretrained)
    training = (
        _finetuning(config, run.finetuning).training if run.finetuning else getattr(block, "training", block.kind)
    )
    return Labels(
        run=run.name,
        corpus=run.corpus,
        checkpoints=run.checkpoints,
        training=training,
        protocol=_probing(config).protocol,
        schedule_name=run.schedule,
        schedule=config.schedules[run.schedule] if own or run.finetuning else Vanilla(kind="vanilla"),
        seed=run.seed,
    )


def checkpoint_name(step: int) -> str:
    """Folder of one checkpoint within that of a pretraining run."""
    return f"step_{step:08d}"


def _series(config: Config, name: str) -> Pretrained | Hub | Local:
    assert config.language is not None, "figures with checkpoints are refused without a language block"
    return config.language.checkpoints[name]


def _finetuning(config: Config, name: str) -> Finetuning:
    assert config.language is not None, "figures with finetunings are refused without a language block"
    return config.language.finetunings[name]


def _probing(config: Config) -> LanguageProbing:
    assert config.language is not None, "only figures with checkpoints need it"
    return config.language.probing
