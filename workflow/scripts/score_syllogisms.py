"""Ask the checkpoints of one unit about syllogisms."""

from pathlib import Path

from dual_process.language.syllogisms import measure
from dual_process.language_runs import UnitPlan
from dual_process.logs import log_to
from dual_process.store import provenance, write_store

log_to(snakemake.log[0], snakemake.wildcards.unit)
numbers = measure(
    UnitPlan.model_validate_json(snakemake.params.plan),
    folders=[*map(Path, snakemake.params.folders)],
    sentences=Path(snakemake.input.sentences),
    threads=snakemake.threads,
)
write_store(snakemake.output.store, {"": numbers}, provenance(snakemake.params.plan))
