"""Coordinates along `run`."""

import numpy as np
import pytest
import xarray as xr

from dual_process.probing.labels import coordinates
from dual_process.runs import cohort_plan, cohorts
from tests.tiny import SCHEDULES, tiny_config

ENDING = {"ending": {"kind": "probabilistic", "probability": 0.1, "forget_until": 6}}


def labels(distribution="zipf-1.5", seeds=(3,)):
    """Coordinates of a cohort with every kind of schedule, as a dataset."""
    grid = {"distributions": [distribution], "schedules": [*SCHEDULES, "ending"], "seeds": seeds}
    config = tiny_config(grids={"main": grid}, schedules=ENDING)
    (members,) = cohorts(config).values()
    plan = cohort_plan(config, members)
    own = {"vocabulary": 40, "ambiguity": 0.1}
    masses = [{"ambiguous_mass_noun": 0.1 + i, "ambiguous_mass_adjective": 0.2 + i} for i in range(len(plan.runs))]
    attrs = [{"run_labels": own | mass, "num_trained": 42} for mass in masses]
    found = coordinates(plan, [xr.Dataset(attrs=each) for each in attrs])
    return plan, xr.Dataset(coords=found)


def test_schedules():
    _, found = labels()
    assert found["schedule"].values.tolist() == [*SCHEDULES, "ending"]
    assert found["kind"].values.tolist() == ["vanilla", "active", "temporary", "probabilistic", "probabilistic"]
    np.testing.assert_array_equal(found["period"], [np.nan, 4, 3, np.nan, np.nan])
    np.testing.assert_array_equal(found["forget_until"], [np.nan, np.nan, 8, np.nan, 6])
    np.testing.assert_array_equal(found["probability"], [np.nan, np.nan, np.nan, 0.3, 0.1])


@pytest.mark.parametrize(
    ("distribution", "law", "alpha"),
    [("uniform", "uniform", 0.0), ("zipf-1.5", "zipf", 1.5), ("two-level", "two-level", np.nan)],
)
def test_distributions(distribution, law, alpha):
    _, found = labels(distribution)
    assert set(found["distribution"].values) == {distribution}
    assert set(found["law"].values) == {law}
    np.testing.assert_array_equal(found["alpha"], [alpha] * 5)


def test_the_rest():
    plan, found = labels(seeds=(3, 7))
    assert found["run"].values.tolist() == [run.name for run in plan.runs]
    assert found["seed"].values.tolist() == [3] * 5 + [7] * 5
    assert set(found["vocabulary"].values) == {40}
    assert set(found["ambiguity"].values) == {0.1}
    for name, wanted in (("task", "pos"), ("model", "bert"), ("training", "standard"), ("layers", 1)):
        assert set(found[name].values) == {wanted}
    assert set(found["protocol"].values) == {"corrected"}
    np.testing.assert_array_equal(found["ambiguous_mass_noun"], 0.1 + np.arange(10))
    np.testing.assert_array_equal(found["ambiguous_mass_adjective"], 0.2 + np.arange(10))


def test_a_task_that_does_not_tell_has_its_trained_types_and_no_ambiguity():
    plan, _ = labels()
    vocabularies = [xr.Dataset(attrs={"run_labels": {"label_noise": 0.2}, "num_trained": 33})] * len(plan.runs)
    found = xr.Dataset(coords=coordinates(plan, vocabularies))
    assert set(found["vocabulary"].values) == {33}
    assert found["ambiguity"].dtype == float
    assert found["ambiguity"].isnull().all()
    assert set(found["label_noise"].values) == {0.2}


def test_types_do_not_depend_on_the_schedules():
    """Else cohorts would not join: NaN makes a column of floats, and none makes a column of objects."""
    _, found = labels()
    assert {name for name in found.coords if found[name].dtype == float} == {
        *(
            "alpha",
            "ambiguity",
            "period",
            "forget_until",
            "probability",
            "ambiguous_mass_noun",
            "ambiguous_mass_adjective",
        )
    }
    assert {name for name in found.coords if found[name].dtype.kind == "i"} == {"seed", "vocabulary", "layers"}
    for name in ("run", "task", "distribution", "law", "model", "training", "schedule", "kind", "protocol"):
        assert all(type(value) is str for value in found[name].values.tolist())
