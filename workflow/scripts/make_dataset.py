"""Draw one data set and store it."""

from dual_process.logs import log_to
from dual_process.runs import DatasetPlan
from dual_process.store import provenance, write_store
from dual_process.tasks.registry import TASKS

log_to(snakemake.log[0], snakemake.wildcards.dataset)
plan = DatasetPlan.model_validate_json(snakemake.params.plan)
groups = TASKS[plan.task.kind].make_dataset(plan)
write_store(snakemake.output.store, groups, provenance(snakemake.params.plan))
