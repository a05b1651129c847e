"""The runs table, its cohorts and plans: pure functions of the configuration, stable under what does not matter."""

import re
from typing import Any

import pytest

from dual_process.config import Config
from dual_process.runs import (
    Run,
    cohort_plan,
    cohorts,
    dataset_key,
    dataset_plans,
    figure_runs,
    probe_plan,
    runs_table,
    stores_of_runs,
)
from tests.tiny import SCHEDULES, configuration, tiny_config

GRID = {
    "distributions": ["zipf-1.5", "uniform"],
    "schedules": ["vanilla", "active-4"],
    "protocols": ["mine"],
    "seeds": [0, 1],
}


def config(**changes: Any) -> Config:
    grids = {"main": GRID, "more": {**GRID, "distributions": ["zipf-1.5"], "schedules": ["active-4", "temporary-3-8"]}}
    figures = {"fig3": {"grids": ["main"]}, "fig4": {"grids": ["main", "more"]}}
    protocols = {"mine": {}, **changes.pop("protocols", {})}
    return tiny_config(**{"grids": grids, "figures": figures, **changes, "protocols": protocols})


def plans(settings: Config) -> dict[str, str]:
    """All plans of a configuration as JSON, by stage and name."""
    found = {f"dataset {name}": plan.model_dump_json() for name, plan in dataset_plans(settings).items()}
    for name, members in cohorts(settings).items():
        found[f"cohort {name}"] = cohort_plan(settings, members).model_dump_json()
        found[f"probe {name}"] = probe_plan(settings, members).model_dump_json()
    return found


def test_table_holds_each_run_once_in_order_of_first_appearance():
    table = runs_table(config())
    cells = [(run.distribution, run.seed, run.schedule) for run in table]
    assert cells == [
        *[(law, seed, name) for law in ("zipf-1.5", "uniform") for seed in (0, 1) for name in ("vanilla", "active-4")],
        *[("zipf-1.5", seed, "temporary-3-8") for seed in (0, 1)],
    ]
    assert {(run.task, run.model, run.protocol) for run in table} == {("pos", "bert", "mine")}


def test_figure_runs_are_those_of_its_grids():
    assert figure_runs(config(), "fig3") == runs_table(config(), ["main"])
    assert len(figure_runs(config(), "fig3")) == 8
    assert len(figure_runs(config(), "fig4")) == 10


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_cohorts_partition_the_needed_runs(size):
    groups = cohorts(config(training={"cohort_size": size}))
    members = [run for group in groups.values() for run in group]
    assert len(members) == len(set(members))
    assert set(members) == set(runs_table(config()))
    assert max(map(len, groups.values())) <= size
    for group in groups.values():
        assert len({(run.task, run.distribution, run.model, run.protocol) for run in group}) == 1


def test_cohorts_leave_out_runs_that_no_figure_draws():
    groups = cohorts(config(figures={"fig4": {"grids": ["main"]}}))
    assert {run.schedule for group in groups.values() for run in group} == {"vanilla", "active-4"}


@pytest.mark.parametrize("size", [1, 3, 16])
def test_adding_a_distribution_changes_no_plan(size):
    training = {"cohort_size": size}
    before = config(training=training)
    grown = {"main": {**GRID, "distributions": ["two-level", *GRID["distributions"]]}, "more": before.grids["more"]}
    after = config(training=training, grids={name: dict(grid) for name, grid in grown.items()})
    assert len(cohorts(after)) > len(cohorts(before))
    assert plans(before).items() < plans(after).items()


def test_adding_a_schedule_changes_no_plan_of_a_run_of_its_own():
    before = config(training={"cohort_size": 1})
    grids = {"main": {**GRID, "schedules": ["temporary-3-8", *GRID["schedules"]]}, "more": dict(before.grids["more"])}
    after = config(training={"cohort_size": 1}, grids=grids)
    assert plans(before).items() < plans(after).items()


def test_runs_at_the_end_of_the_table_change_at_most_the_last_cohort_of_a_group():
    before = cohorts(config(training={"cohort_size": 3}, figures={"fig4": {"grids": ["main"]}}))
    after = cohorts(config(training={"cohort_size": 3}))
    for law in ("zipf-1.5", "uniform"):
        old = [group for group in before.values() if group[0].distribution == law]
        new = [group for group in after.values() if group[0].distribution == law]
        assert len(old) == 2
        assert new[:1] == old[:1]


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"threads": 2}},
        {"training": {"resume_every": 7}},
        {"training": {"keep_checkpoints": True}},
        {"training": {"cohort_size": 17}},
        {"schedules": {"probabilistic-0.3": {"kind": "probabilistic", "probability": 0.5}}},
        {"distributions": {"two-level": {"law": "two-level", "head_types": 0.2, "head_share": 0.5}}},
        {"models": {"unused": {}}},
        {"protocols": {"unused": {"reset_scale": 0.5}}},
        {"scale": "elsewhere"},
    ],
    ids=str,
)
def test_what_decides_nothing_is_in_no_plan(changes):
    assert plans(config(**changes)) == plans(config())


TASK = configuration()["tasks"]["pos"]
MODEL = configuration()["models"]["bert"]


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"tasks": {"pos": {**TASK, "ambiguity": 0.2}}}, ("dataset", "cohort", "probe")),
        ({"distributions": {"zipf-1.5": {"law": "zipf", "alpha": 1.6}}}, ("dataset", "cohort", "probe")),
        ({"training": {"batch_size": 4}}, ("dataset", "cohort", "probe")),
        ({"training": {"learning_rate": 1e-4}}, ("cohort", "probe")),
        ({"training": {"checkpoints_every": 2}}, ("cohort", "probe")),
        ({"models": {"bert": {**MODEL, "dropout": 0.1}}}, ("cohort", "probe")),
        ({"schedules": {"active-4": {"kind": "active", "period": 5}}}, ("cohort", "probe")),
        ({"protocols": {"mine": {"reset_scale": 0.5}}}, ("cohort", "probe")),
        ({"probing": {"probe_folds": 4}}, ("probe",)),
    ],
    ids=str,
)
def test_what_decides_a_stage_is_in_its_plan_and_in_no_earlier_one(changes, stages):
    before, after = plans(config()), plans(config(**changes))
    assert before.keys() == after.keys()
    assert {name.split()[0] for name in before if before[name] != after[name]} == set(stages)


def test_another_schedules_block_leaves_the_plans_of_the_rest_alone():
    changes = {"training": {"cohort_size": 1}}
    before = plans(config(**changes))
    after = plans(config(**changes, schedules={"active-4": {"kind": "active", "period": 5}}))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if "schedule~active-4" in name}
    assert changed


def test_schedules_models_and_seeds_share_data_sets_as_they_should():
    run = Run("pos", "zipf-1.5", "bert", "standard", "vanilla", "corrected", 0)
    key = dataset_key(config(), run)
    assert key == dataset_key(config(), Run("pos", "zipf-1.5", "other", "standard", "active-4", "corrected", 0))
    assert key != dataset_key(config(), Run("pos", "zipf-1.5", "bert", "standard", "vanilla", "corrected", 1))
    assert key != dataset_key(config(), Run("pos", "zipf-1.5", "bert", "standard", "vanilla", "reference", 0))
    assert set(dataset_plans(config())) == {dataset_key(config(), run).name for run in runs_table(config())}


def test_a_variant_may_ask_for_larger_cohorts_and_the_whole_for_larger_ones_still():
    grids = {"main": {"distributions": ["zipf-1.5"], "schedules": ["vanilla"], "seeds": range(12), "training": "wide"}}
    for common, sizes in ((1, [4, 4, 4]), (6, [6, 6])):
        training, drawn = {"cohort_size": common}, {"figures": {"fig3": {"grids": ["main"]}}}
        settings = config(training=training, training_variants={"wide": {"cohort_size": 4}}, grids=grids, **drawn)
        assert [len(members) for members in cohorts(settings).values()] == sizes


def test_a_data_set_is_as_long_as_training():
    (plan, *_) = dataset_plans(config(training={"steps": 30, "batch_size": 7})).values()
    assert plan.training_sequences == 210


def test_names_are_unique_and_path_safe():
    settings = config(training={"cohort_size": 3})
    lists = [[run.name for run in runs_table(settings)], list(dataset_plans(settings)), list(cohorts(settings))]
    for names in lists:
        assert len(set(names)) == len(names) > 1
        for name in names:
            assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._~-]*", name)
            assert len(name) < 200


def test_the_name_of_a_run_tells_its_parts_apart():
    run = Run("pos", "zipf-1.5", "bert", "standard", "active-4", "corrected", 3)
    parts = dict(part.split("~") for part in run.name.split("_"))
    assert parts == {
        "task": "pos",
        "distribution": "zipf-1.5",
        "model": "bert",
        "training": "standard",
        "schedule": "active-4",
        "protocol": "corrected",
        "seed": "3",
    }


def test_plans_survive_json():
    settings = config()
    for members in cohorts(settings).values():
        plan = probe_plan(settings, members)
        assert type(plan).model_validate_json(plan.model_dump_json()) == plan
        assert plan.cohort.optimisation.model_dump(exclude={"cohort_size"}) == settings.training.model_dump(
            exclude={"cohort_size"}
        )


def test_plan_of_a_run_holds_its_blocks():
    settings = config()
    plan = cohort_plan(settings, next(iter(cohorts(settings).values())))
    for run in plan.runs:
        assert run.schedule == settings.schedules[run.labels["schedule"]]
        assert run.distribution == settings.distributions[run.labels["distribution"]]
    assert {run.labels["schedule"] for run in plan.runs} == SCHEDULES.keys() - {"probabilistic-0.3"}
    assert {run.seed for run in plan.runs} == {0, 1}


def test_stores_follow_the_order_of_the_runs():
    settings = config()
    plan = cohort_plan(settings, next(iter(cohorts(settings).values())))
    paths = [f"somewhere/{name}.zarr" for name in reversed(dataset_plans(settings))]
    found = stores_of_runs(plan, paths)
    assert [path.name for path in found] == [f"{run.dataset}.zarr" for run in plan.runs]
    assert len({path.name for path in found}) == 2
