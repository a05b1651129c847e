"""Checks of the natural-language study against the rest of the configuration: names, kinds and what a figure draws.

Every fault is a ValueError of one sentence, which :mod:`dual_process.config` passes on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dual_process.blocks import (
    CAUSAL_ANALYSES,
    FIGURE_ANALYSES,
    Checkpoints,
    Figure,
    Language,
    Model,
    Pretrained,
    Protocol,
    Schedule,
    Training,
)

PRETRAINING_KINDS = ("vanilla", "active", "temporary", "probabilistic")
FINETUNING_KINDS = ("vanilla", "probabilistic")


@dataclass(frozen=True)
class Blocks:
    """Blocks outside `language` whose names are used in it."""

    models: Mapping[str, Model]
    schedules: Mapping[str, Schedule]
    protocols: Mapping[str, Protocol]
    training_variants: Mapping[str, Training]


def check_names(key: str, names: Sequence[str], known: Collection[str], where: str) -> None:
    """Refuse a name under `key` that is not among those `known` under the block `where`."""
    for name in names:
        if name not in known:
            defined = ", ".join(known) or "nothing"
            raise ValueError(f"{key} names {name!r}, which is not defined; defined under {where}: {defined}")


def objective(series: Checkpoints, models: Mapping[str, Model]) -> str:
    """Whether the language models of a series are masked or causal."""
    if isinstance(series, Pretrained):
        return "masked" if models[series.model].kind == "bert" else "causal"
    return series.objective


def check_language(language: Language | None, figures: Mapping[str, Figure], blocks: Blocks) -> None:
    """Check the study and the figures that draw it.

    Raises
    ------
    ValueError
        At the first fault.
    """
    if language is not None:
        _check_pretraining(language, blocks)
        for name, finetuning in language.finetunings.items():
            key = f"language.finetunings.{name}"
            check_names(f"{key}.training", (finetuning.training,), blocks.training_variants, "training_variants")
            _check_schedules(key, finetuning.schedules, blocks, FINETUNING_KINDS)
    for name, figure in figures.items():
        _check_figure(name, figure, language, blocks)


def _check_pretraining(language: Language, blocks: Blocks) -> None:
    for name, series in language.checkpoints.items():
        if not isinstance(series, Pretrained):
            continue
        key = f"language.checkpoints.{name}"
        check_names(f"{key}.model", (series.model,), blocks.models, "models")
        check_names(f"{key}.training", (series.training,), blocks.training_variants, "training_variants")
        check_names(f"{key}.protocol", (series.protocol,), blocks.protocols, "protocols")
        _check_schedules(key, series.schedules, blocks, PRETRAINING_KINDS)
        steps = blocks.training_variants[series.training].steps
        for schedule in series.schedules:
            period = getattr(blocks.schedules[schedule], "period", 0)
            if period >= steps:
                raise ValueError(
                    f"schedules.{schedule}.period {period} of {key} never comes within "
                    f"training_variants.{series.training}.steps {steps}"
                )


def _check_schedules(key: str, names: Sequence[str], blocks: Blocks, kinds: Sequence[str]) -> None:
    check_names(f"{key}.schedules", names, blocks.schedules, "schedules")
    for name in names:
        kind = blocks.schedules[name].kind
        if kind not in kinds:
            raise ValueError(f"{key}.schedules names {name!r}, which is {kind}; it must be {' or '.join(kinds)}")


def _check_figure(name: str, figure: Figure, language: Language | None, blocks: Blocks) -> None:
    """Refuse a figure whose runs are of another study, or of language models of the other objective."""
    series = language.checkpoints if language else {}
    finetunings = language.finetunings if language else {}
    check_names(f"figures.{name}.checkpoints", figure.checkpoints, series, "language.checkpoints")
    check_names(f"figures.{name}.finetunings", figure.finetunings, finetunings, "language.finetunings")
    analysis = FIGURE_ANALYSES.get(name)
    wanted = {None: "grids", "finetuning": "finetunings"}.get(analysis, "checkpoints")
    if not getattr(figure, wanted):
        raise ValueError(
            f"figures.{name} takes {wanted}; the figures of language models are {', '.join(FIGURE_ANALYSES)}"
        )
    right = "causal" if analysis in CAUSAL_ANALYSES else "masked"
    for each in (*figure.checkpoints, *(finetunings[own].checkpoints for own in figure.finetunings)):
        found = objective(series[each], blocks.models)
        if found != right:
            raise ValueError(f"figures.{name} draws {right} language models; language.checkpoints.{each} is {found}")
