"""Finetune one language model and score syllogisms along the way."""

from pathlib import Path

from dual_process.language.finetuning import finetune
from dual_process.logs import log_to
from dual_process.store import provenance, write_store

log_to(snakemake.log[0], snakemake.wildcards.language_run)
numbers = finetune(
    snakemake.params.plan,
    checkpoint=Path(snakemake.params.folder),
    text=Path(snakemake.input.text),
    sentences=Path(snakemake.input.sentences),
    threads=snakemake.threads,
)
write_store(snakemake.output.store, {"": numbers}, provenance(snakemake.params.plan))
