"""Fetch one file of a treebank and check it."""

from dual_process.language.fetching import fetch_file
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.wildcards.corpus)
fetch_file(**snakemake.params.source, output=snakemake.output.file)
