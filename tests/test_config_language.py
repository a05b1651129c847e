"""Faults in the natural-language study are one sentence before anything starts."""

from typing import Any

import pytest

from dual_process.config import ConfigError, load_config
from tests.language_plans import HUB, PRETRAINED, language_config, language_configuration

FAULTS: dict[str, tuple[str, Any, str]] = {
    "unknown corpus": (
        "language.checkpoints.own.corpus",
        "wsj",
        "checkpoints.own.corpus names 'wsj', which is not defined; defined under language.corpora: tiny",
    ),
    "unknown model": ("language.checkpoints.own.model", "big", "language.checkpoints.own.model names 'big', which is"),
    "unknown training": ("language.checkpoints.own.training", "x", "defined under training_variants: short"),
    "unknown protocol": ("language.checkpoints.own.protocol", "x", "defined under protocols: reference, corrected"),
    "unknown schedule": ("language.checkpoints.own.schedules", ["x"], "language.checkpoints.own.schedules names 'x'"),
    "drift": (
        "language.checkpoints.own.schedules",
        ["drift"],
        "names 'drift', which is drift; it must be vanilla or active or temporary or probabilistic",
    ),
    "period that never comes": (
        "schedules.active-4.period",
        10,
        "schedules.active-4.period 10 of language.checkpoints.own never comes within training_variants.short.steps 10",
    ),
    "finetuning of nothing": (
        "language.finetunings.forgetful.checkpoints",
        "x",
        "finetunings.forgetful.checkpoints names 'x', which is not defined; defined under language.checkpoints: own",
    ),
    "finetuning that resets": (
        "language.finetunings.forgetful.schedules",
        ["active-4"],
        "names 'active-4', which is active; it must be vanilla or probabilistic",
    ),
    "figure of an unknown series": (
        "figures.fig2.checkpoints",
        ["x"],
        "figures.fig2.checkpoints names 'x', which is not defined; defined under language.checkpoints: own",
    ),
    "figure of grids": ("figures.fig2", {"grids": ["main"]}, "figures.fig2 takes checkpoints; the figures of language"),
    "synthetic figure of checkpoints": ("figures.fig3", {"checkpoints": ["own"]}, "figures.fig3 takes grids; the fig"),
    "objective": (
        "figures.v3.checkpoints",
        ["own"],
        "figures.v3 draws causal language models; language.checkpoints.own is masked",
    ),
    "two sources": ("figures.fig2.grids", ["main"], "a figure names runs under one of grids, checkpoints and finetun"),
    "file from nowhere": ("language.corpora.tiny.dev", {}, "a file of a corpus takes either path or url"),
    "file without checksum": (
        "language.corpora.tiny.dev",
        {"url": "https://example.org/dev.conllu"},
        "url 'https://example.org/dev.conllu' needs sha256",
    ),
    "plain http": (
        "language.corpora.tiny.dev",
        {"url": "http://example.org/a", "sha256": "0" * 64},
        "language.corpora.tiny.dev.url",
    ),
    "unknown kind": ("language.checkpoints.away.kind", "web", "key 'language.checkpoints.away.kind' is 'web'; it must"),
    "unknown key": ("language.checkpoints.away.step", 1, "key 'language.checkpoints.away.step' (value 1) is not known"),
}


@pytest.mark.parametrize(("path", "value", "sentence"), FAULTS.values(), ids=FAULTS)
def test_fault_is_one_sentence(path: str, value: Any, sentence: str) -> None:
    data = language_configuration()
    data["schedules"] = data["schedules"] | {"drift": {"kind": "drift", "probability": 0.1}}
    *parents, key = path.split(".")
    block = data
    for name in parents:
        block[name] = dict(block[name])
        block = block[name]
    block[key] = value
    with pytest.raises(ConfigError) as caught:
        load_config(data)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_objective_of_each_kind_of_series() -> None:
    settings = language_config()
    names = ("own", "own-causal", "away", "here")
    assert [settings.objective(name) for name in names] == ["masked", "causal", "masked", "masked"]


def test_without_the_study_a_figure_of_it_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"defined under language\.checkpoints: nothing"):
        load_config(language_configuration() | {"language": None})


def test_series_of_different_kinds_are_read_as_such() -> None:
    series = language_config().language.checkpoints  # type: ignore[union-attr]
    assert series["own"].model_dump(include=PRETRAINED.keys(), mode="json") == PRETRAINED
    assert series["away"].model_dump(include=HUB.keys(), mode="json") == HUB
