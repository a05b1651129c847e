#!/usr/bin/env bash
# The whole workflow inside one SLURM job, for clusters that dislike many jobs: plain snakemake on the cores of one node.
# From the project's folder, where .venv is:
#   sbatch --account=my-group --cpus-per-task=32 workflow/cluster/one_allocation.sh --configfile config/paper.yaml
# What stands before the script goes to sbatch, what stands after it to snakemake. Five minutes before the time limit,
# or when it is preempted, the job lets training save, and queues itself again until everything is done.
#SBATCH --job-name=dual-process
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=2G
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=one_allocation-%j.log
set -uo pipefail

asked_to_end=
trap 'asked_to_end=yes; scancel --signal=TERM "$SLURM_JOB_ID"' TERM # to the step: snakemake and all it has started

cores=$SLURM_CPUS_PER_TASK
srun --ntasks=1 --cpus-per-task="$cores" .venv/bin/snakemake --cores "$cores" "$@" &
wait $!
code=$?
while kill -0 $! 2>/dev/null; do # the signal has ended the first wait
  wait $!
  code=$?
done
if [ -n "$asked_to_end" ] && [ "$code" -ne 0 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
