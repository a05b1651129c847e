"""Evaluate the claims of some figures and write them as JSON, Markdown and CSV."""

from dual_process.claims.files import evaluate_claims
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.rule)
evaluate_claims(
    [*snakemake.input.probes, *snakemake.input.language],
    snakemake.params.runs,
    snakemake.params.scale,
    dict(snakemake.output.items()),
    complete=snakemake.params.complete,
)
