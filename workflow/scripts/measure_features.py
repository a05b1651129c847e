"""Train the probes of one analysis on the features of one unit of checkpoints."""

from importlib import import_module
from pathlib import Path

from dual_process.language_runs import UnitPlan
from dual_process.logs import log_to
from dual_process.store import provenance, write_store

log_to(snakemake.log[0], snakemake.wildcards.unit)
numbers = import_module(f"dual_process.language.{snakemake.params.analysis}").measure(
    UnitPlan.model_validate_json(snakemake.params.plan),
    features=Path(snakemake.input.features),
    sentences=Path(snakemake.input.sentences),
    threads=snakemake.threads,
)
write_store(snakemake.output.store, {"": numbers}, provenance(snakemake.params.plan))
