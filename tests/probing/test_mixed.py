"""Cohorts of several distributions are measured as each run would be alone; what a run has not is NaN."""

import pytest
import torch
import xarray as xr

from dual_process.checkpoints import checkpoint_path, read_checkpoint, read_index, write_index, write_tensors
from dual_process.store import open_store, write_store
from tests.mixed import mixed
from tests.probing.conftest import probe

LAWS = ("zipf-1.5", "uniform")


@pytest.fixture(scope="module")
def together(trained, tmp_path_factory):
    """A cohort of two distributions, with the checkpoints of cohorts of one."""

    def merge(protocol, laws=LAWS):
        cohorts = [trained(law, protocol) for law in laws]
        cohort = mixed(tmp_path_factory.mktemp(protocol), cohorts)
        for step in read_index(cohorts[0].output)["steps"]:
            states = [read_checkpoint(each.output, step) for each in cohorts]
            state = {name: torch.cat([each[name] for each in states]) for name in states[0]}
            write_tensors(checkpoint_path(cohort.output, step), state, step=step)
        write_index(cohort.output, read_index(cohorts[0].output))
        return cohort

    return merge


@pytest.mark.parametrize("laws", [LAWS, LAWS[::-1]])
def test_each_run_measures_as_with_its_own_kind(together, measured, laws):
    found = probe(together("corrected", laws))
    for law in laws:
        wanted = measured(law, "corrected")
        mine = found.sel(run=wanted["run"].values)
        lacking = set(found["evaluation"].values) - set(wanted["evaluation"].values)
        assert lacking == ({"tail", "tail_switch"} if law == "uniform" else set())
        assert mine["score"].sel(evaluation=sorted(lacking)).isnull().all()
        mine = mine.sel(evaluation=wanted["evaluation"].values)
        xr.testing.assert_allclose(mine, wanted.reindex_like(mine), rtol=1e-3, atol=1e-4)
        assert wanted["probe_accuracy"].sel(probed="tail").isnull().all() == (law == "uniform")
    assert set(found["law"].values) == {"zipf", "uniform"}


def test_sets_of_another_size_are_refused(together, tmp_path):
    cohort = together("reference")
    path = cohort.datasets[-1]
    groups = {name: open_store(path, name) for name in ("vocabulary", "evaluation/val")}
    other = tmp_path / path.name
    write_store(other, groups | {"evaluation/val": groups["evaluation/val"].isel(sequence=slice(40))}, {})
    changed = type(cohort)(cohort.plan, cohort.probes, (*cohort.datasets[:-1], other), cohort.folder)
    with pytest.raises(ValueError, match="the runs of a cohort have different evaluation sets 'val'"):
        probe(changed)
