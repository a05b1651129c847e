"""Measure every checkpoint of one cohort and store the numbers; goes on where a killed job stopped."""

from pathlib import Path

from dual_process.logs import log_to
from dual_process.probing.cohort import probe_to_store

log_to(snakemake.log[0], snakemake.wildcards.cohort)
store = Path(snakemake.output.store)
probe_to_store(
    snakemake.params.plan,
    datasets=snakemake.input.datasets,
    checkpoints=snakemake.input.checkpoints,
    store=store,
    working=store.parents[1] / "working" / snakemake.params.working,
    threads=snakemake.threads,
)
