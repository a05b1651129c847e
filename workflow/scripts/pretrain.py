"""Pretrain one language model; goes on where a killed job stopped."""

from pathlib import Path

from dual_process.language.pretraining import pretrain
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.wildcards.language_run)
output = Path(snakemake.output.checkpoints)
pretrain(
    snakemake.params.plan,
    text=Path(snakemake.input.text),
    output=output,
    working=output.parents[1] / "working" / snakemake.params.working,
    resume_every=snakemake.params.resume_every,
    threads=snakemake.threads,
)
