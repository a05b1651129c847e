"""Draw the figure that this rule is named after, and save the numbers behind it."""

from dual_process.figures.files import draw_figure
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.rule)
draw_figure(snakemake.rule, snakemake.input.probes, snakemake.params.runs, dict(snakemake.output.items()))
