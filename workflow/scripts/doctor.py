"""Look at the machine on which this job runs."""

from dual_process.config import Config
from dual_process.doctor import report
from dual_process.logs import log_to

log_to(snakemake.log[0], snakemake.rule)
report(Config.model_validate_json(snakemake.params.settings), snakemake.output.text)
