"""Runs, units and plans of the natural-language study: pure functions of the configuration."""

import pytest

from dual_process.language_runs import (
    LanguageRun,
    figure_language_runs,
    figure_units,
    finetuning_plan,
    hub_plan,
    labels,
    pretraining_plan,
    sentences_plan,
    unit_plan,
    units,
)
from dual_process.schedules import checkpoint_steps
from tests.language_plans import HUB, PRETRAINED, language_config

CONFIG = language_config()
OWN = LanguageRun("tiny", "own", "active-4", 1)


def test_a_figure_draws_each_schedule_and_seed_once() -> None:
    runs = figure_language_runs(CONFIG, "fig2")
    assert [(run.checkpoints, run.schedule, run.seed) for run in runs] == [
        *[("own", schedule, seed) for schedule in ("vanilla", "active-4") for seed in (0, 1)],
        *[("away", "vanilla", seed) for seed in (3, 4)],
        ("here", "vanilla", 0),
    ]


def test_a_hub_checkpoint_is_a_unit_of_its_own() -> None:
    names = [unit.name for unit in figure_units(CONFIG, "fig2")]
    assert len(names) == len(set(names)) == 4 + 6 + 1
    assert "task~natural-language_corpus~tiny_checkpoints~away_schedule~vanilla_seed~4_step~20" in names


def test_units_hold_the_sources_of_finetuning_too() -> None:
    settings = language_config()
    alone = settings.model_copy(update={"figures": {"v4": settings.figures["v4"]}})
    names = [unit.run.name for unit in units(alone).values()]
    assert [("finetuning~forgetful" in name, "seed~0" in name) for name in names] == [
        *[(True, True), (True, False), (False, True), (False, False)]
    ]


def test_plan_of_pretraining_has_the_steps_of_its_training() -> None:
    plan = pretraining_plan(CONFIG, OWN)
    assert plan.steps == tuple(checkpoint_steps(CONFIG.training_variants["short"], []))
    assert plan.steps[-1] == plan.optimisation.steps == 10
    assert plan.vocabulary == 200
    assert plan.labels.schedule == CONFIG.schedules["active-4"]


def test_what_is_probed_changes_no_pretraining() -> None:
    other = language_config(probing={"protocol": "reference", "types": 7})
    assert pretraining_plan(other, OWN) == pretraining_plan(CONFIG, OWN)
    assert labels(other, OWN).protocol == "reference"
    assert sentences_plan(other, "tiny") != sentences_plan(CONFIG, "tiny")


def test_placement_changes_no_pretraining() -> None:
    training = CONFIG.training.model_copy(update={"threads": 2, "resume_every": 7})
    variants = {"short": CONFIG.training_variants["short"].model_copy(update={"threads": 2, "resume_every": 7})}
    other = CONFIG.model_copy(update={"training": training, "training_variants": variants})
    assert pretraining_plan(other, OWN) == pretraining_plan(CONFIG, OWN)


@pytest.mark.parametrize(
    ("series", "folders", "steps"),
    [
        ("own", ("step_00000001", "step_00000002", "step_00000005", "step_00000010"), (1, 2, 5, 10)),
        ("here", ("mine/1", "mine/5"), (1, 5)),
        ("away", ("",), (0,)),
    ],
)
def test_unit_names_its_folders_and_optimizer_steps(
    series: str, folders: tuple[str, ...], steps: tuple[int, ...]
) -> None:
    unit = next(unit for unit in figure_units(CONFIG, "fig2") if unit.run.checkpoints == series)
    plan = unit_plan(CONFIG, unit)
    assert plan.folders == folders
    assert plan.steps == steps
    assert plan.objective == "masked"


def test_hub_fills_in_seed_and_step_and_counts_optimizer_steps() -> None:
    unit = next(unit for unit in figure_units(CONFIG, "fig2") if unit.step == 40)
    assert hub_plan(CONFIG, unit).repository == "maker/model-3-step-40k"
    assert unit_plan(CONFIG, unit).steps == (40 * HUB["step_unit"],)


def test_finetuning_starts_from_the_last_checkpoint_under_vanilla_training() -> None:
    (run, _) = figure_language_runs(CONFIG, "v4")
    plan = finetuning_plan(CONFIG, run)
    assert plan.source.labels.run == LanguageRun("tiny", "own-causal", "vanilla", 0).name
    assert plan.source.steps[-1] == 10
    assert plan.labels.training == "short" == PRETRAINED["training"]
