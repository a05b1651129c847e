#!/bin/sh
# Ends well if the commands of a SLURM cluster are here, after installing Debian's packages where that is allowed.
set -u
complete() {
  for command in slurmctld slurmd munged munge sbatch srun; do
    command -v "$command" >/dev/null || return 1
  done
}

if complete; then
  [ "$(id -u)" = 0 ] && exit 0
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing slurm-wlm and munge"
  { DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends slurm-wlm munge ||
    { apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends slurm-wlm munge; }; } >/dev/null 2>&1
  complete && exit 0
fi
echo "test-slurm: not run; it needs to be root, with Debian's packages slurm-wlm and munge" >&2
exit 1
