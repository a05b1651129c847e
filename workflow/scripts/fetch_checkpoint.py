"""Fetch one checkpoint from a hub."""

from pathlib import Path

from dual_process.language.fetching import fetch_checkpoint
from dual_process.language_runs import HubPlan
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.wildcards.unit)
fetch_checkpoint(HubPlan.model_validate_json(snakemake.params.plan), Path(snakemake.output.folder))
