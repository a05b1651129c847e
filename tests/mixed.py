"""Cohorts whose runs differ in their distribution, made of several that do not."""

from collections.abc import Sequence
from pathlib import Path

from tests.tiny import Cohort


def mixed(folder: Path, cohorts: Sequence[Cohort]) -> Cohort:
    """Put the runs of some cohorts of one protocol into one."""
    plans = [cohort.plan for cohort in cohorts]
    assert len({(plan.model, plan.protocol, str(plan.training)) for plan in plans}) == 1
    plan = plans[0].model_copy(update={"runs": tuple(run for each in plans for run in each.runs)})
    datasets = tuple(dict.fromkeys(path for cohort in cohorts for path in cohort.datasets))
    return Cohort(plan, cohorts[0].probes.model_copy(update={"cohort": plan}), datasets, folder)
