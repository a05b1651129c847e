"""Draw the sentences on which the checkpoints of language models are probed."""

from pathlib import Path

from dual_process.language.sentences import make_sentences
from dual_process.language_runs import SentencesPlan
from dual_process.logs import log_to
from dual_process.store import provenance, write_store

log_to(snakemake.log[0], snakemake.wildcards.corpus)
plan = SentencesPlan.model_validate_json(snakemake.params.plan)
groups = make_sentences(plan, Path(snakemake.input.train), Path(snakemake.input.dev))
write_store(snakemake.output.store, groups, provenance(snakemake.params.plan))
