"""Train one cohort of runs; goes on where a killed job stopped."""

from pathlib import Path

from dual_process.logs import log_to
from dual_process.training.fit import train_cohort

log_to(snakemake.log[0], snakemake.wildcards.cohort)
output = Path(snakemake.output.checkpoints)
train_cohort(
    snakemake.params.plan,
    datasets=snakemake.input.datasets,
    output=output,
    working=output.parents[1] / "working" / snakemake.params.working,
    resume_every=snakemake.params.resume_every,
    threads=snakemake.threads,
)
