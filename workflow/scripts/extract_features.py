"""Run the sentences through the checkpoints of one unit and keep the states of their words."""

from pathlib import Path

from dual_process.language.features import extract_features
from dual_process.language_runs import UnitPlan
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.wildcards.unit)
extract_features(
    UnitPlan.model_validate_json(snakemake.params.plan),
    folders=[*map(Path, snakemake.params.folders)],
    sentences=Path(snakemake.input.sentences),
    output=Path(snakemake.output.store),
    threads=snakemake.threads,
)
