"""Trained tiny cohorts with their measurements, shared by the tests of this folder."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
import xarray as xr

from dual_process.probing.cohort import probe_cohort
from tests.tiny import Cohort, make_cohort

SCHEDULES = ("vanilla", "active-4", "temporary-3-8", "probabilistic-0.3")
TASK = {
    **{"vocabulary": 40, "evaluation_sequences": 50, "unseen": 12, "unseen_variants": True},
    "rank_frequency_sequences": 600,
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Callable[[str, str], Cohort]:
    """Return the function that gives a trained cohort of a distribution and a protocol."""

    @cache
    def train(distribution: str, protocol: str) -> Cohort:
        folder = tmp_path_factory.mktemp(f"{distribution}-{protocol}")
        options = {"schedules": SCHEDULES, "seeds": (0, 1), "tasks": {"pos": TASK}, "training": {"learning_rate": 0.01}}
        cohort = make_cohort(folder, distribution=distribution, protocol=protocol, **options)
        cohort.train()
        return cohort

    return train


@pytest.fixture(scope="session")
def measured(trained) -> Callable[[str, str], xr.Dataset]:
    """Return the function that gives the measurements of such a cohort."""

    @cache
    def measure(distribution: str, protocol: str) -> xr.Dataset:
        return probe(trained(distribution, protocol))

    return measure


def probe(cohort: Cohort) -> xr.Dataset:
    """Measure a cohort."""
    threads = torch.get_num_threads()
    plan = cohort.probes.model_dump_json()
    found = probe_cohort(plan, datasets=cohort.datasets, checkpoints=cohort.output, threads=1)
    torch.set_num_threads(threads)
    return found
