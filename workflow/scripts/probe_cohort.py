"""Measure every checkpoint of one cohort and store the numbers."""

from dual_process.logs import log_to
from dual_process.probing.cohort import probe_cohort
from dual_process.store import provenance, write_store

log_to(snakemake.log[0], snakemake.wildcards.cohort)
probes = probe_cohort(
    snakemake.params.plan,
    datasets=snakemake.input.datasets,
    checkpoints=snakemake.input.checkpoints,
    threads=snakemake.threads,
)
write_store(snakemake.output.store, {"": probes}, provenance(snakemake.params.plan))
