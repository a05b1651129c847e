"""The doctor's look at a SLURM cluster, through the commands that every user has.

Some default settings wait for ever or fail in ways that say little; each check here stands for one that was seen.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dual_process.findings import Finding

COMMANDS = ("sbatch", "squeue", "sinfo", "scancel", "scontrol", "srun")
DEFAULT_PLACES = ("/etc/slurm/slurm.conf", "/etc/slurm-llnl/slurm.conf")
PLUGIN = "snakemake-executor-plugin-slurm"
TESTED = "2.8.0"
LONGEST = 1440
"""Minutes that a job of the workflow may ask for in its last attempt; as in the rules."""
RULES_ON_GPU = ("train_cohort", "probe_cohort")
"""Rules whose jobs ask for a GPU where runs are stacked."""

Profile = Mapping[str, Any]


@dataclass(frozen=True)
class Partition:
    """One partition of the cluster."""

    name: str
    minutes: float
    """Time limit; infinite if there is none."""
    gres: str
    """Generic resources of its nodes, as sinfo writes them."""
    default: bool


def check_slurm(profile: Profile, *, gpu: bool) -> Iterator[Finding]:
    """Check everything about a cluster.

    Parameters
    ----------
    profile
        Entries of the profiles to be used; empty for a start without SLURM.
    gpu
        Whether training asks for a GPU.
    """
    wanted = profile.get("executor") == "slurm"
    missing = [command for command in COMMANDS if not shutil.which(command)]
    if missing:
        what = f"{', '.join(missing)} not found"
        if wanted:
            yield Finding("do", "slurm", f"{what}; start snakemake where jobs can be submitted, on a login node")
        else:
            yield Finding("ok", "slurm", f"{what}, and not needed without a slurm profile")
        return
    partitions = _partitions()
    if not partitions:
        yield Finding("do" if wanted else "warn", "slurm", f"sinfo fails: {_run('sinfo')[1] or 'no partitions'}")
        return
    yield Finding("ok", "slurm", f"{len(partitions)} partitions: {', '.join(each.name for each in partitions)}")
    yield from _check_plugin(profile)
    yield from _check_place()
    yield from _check_status(profile)
    yield from _check_partitions(profile, partitions, gpu=gpu)


def _check_plugin(profile: Profile) -> Iterator[Finding]:
    if "SLURM_JOB_ID" in os.environ:
        what = "this shell is itself a job; start snakemake on a login node, or see workflow/cluster/one_allocation.sh"
        yield Finding("warn", "place of start", what)
    try:
        found = version(PLUGIN)
    except PackageNotFoundError:
        how = "in the environment: pip install --constraint constraints.txt --editable '.[slurm]'"
        yield Finding("do" if profile else "warn", "plugin", f"{PLUGIN} is not installed; {how}")
        return
    known = found == TESTED
    yield Finding(
        "ok" if known else "warn", "plugin", f"{PLUGIN} {found}{'' if known else f'; tried out was {TESTED}'}"
    )


def _check_place() -> Iterator[Finding]:
    """The plugin's job step drops SLURM_CONF before it calls srun."""
    place = os.environ.get("SLURM_CONF", "")
    if not place or place in DEFAULT_PLACES:
        yield Finding("ok", "slurm.conf", "where SLURM looks for it")
        return
    srun = shutil.which("srun") or "srun"
    if _mentions(srun, b"SLURM_CONF"):
        yield Finding("ok", "slurm.conf", f"in {place}, which the srun in PATH ({srun}) sets again")
    else:
        script = f'SLURM_CONF={place} exec {srun} "$@"'
        what = f"all jobs would fail; put a script named srun first in PATH that says: {script}"
        yield Finding("do", "slurm.conf", f"SLURM_CONF={place} is lost inside jobs: {what}")


def _check_status(profile: Profile) -> Iterator[Finding]:
    """With sacct as status command and no accounting, snakemake waits for ever and says nothing."""
    sacct = shutil.which("sacct")
    command = profile.get("slurm-status-command", "sacct" if sacct else "squeue")
    set_to = f"slurm-status-command is {command}"
    if sacct and _run(sacct, "-X")[0]:
        yield Finding("ok", "job status", f"sacct answers, squeue too; {set_to}")
        return
    off = "sacct does not answer (accounting is off)" if sacct else "there is no sacct"
    first, age = int(profile.get("slurm-init-seconds-before-status-checks", 40)), _min_job_age()
    if not sacct or _mentions(sacct, b"squeue"):
        yield Finding("ok", "job status", f"{off}, and squeue answers in its place")
    elif command == "sacct" or age < 3 * first:
        why = "" if command == "sacct" else f", and MinJobAge is {age} s"
        how = (
            f"set slurm-status-command: squeue and slurm-init-seconds-before-status-checks: {max(1, age // 3)} or less"
        )
        yield Finding("do", "job status", f"{off}{why}, so that snakemake would wait for ever; {how}")
    else:
        once = "but if scontrol fails once, snakemake turns to sacct and waits for ever"
        how = "put workflow/cluster/bin first in PATH, as make does with PROFILE"
        yield Finding("warn", "job status", f"{off}; {set_to}, which needs none; {once}: {how}")


def _check_partitions(profile: Profile, partitions: list[Partition], *, gpu: bool) -> Iterator[Finding]:
    common, on_gpu = _resources(profile)
    training = on_gpu["train_cohort"]
    default = next((each.name for each in partitions if each.default), "")
    by_name = {each.name: each for each in partitions}
    for name in dict.fromkeys(each.get("slurm_partition", default) for each in (common, *on_gpu.values())):
        partition = by_name.get(name)
        if not partition:
            wrong = f"{name!r} does not exist" if name else "none is named, and the cluster has no default"
            what = f"{wrong}; set slurm_partition in a copy of site.example.yaml to one of: {', '.join(by_name)}"
            yield Finding("do", "partition", what)
        elif partition.minutes < LONGEST and "runtime" not in training:
            short = f"{name} allows {partition.minutes:.0f} min, and a job that asks for more never starts"
            how = f"in a copy of site.example.yaml, limit the runtime of train_cohort, which grows to {LONGEST} min"
            yield Finding("warn", "partition", f"{short}; {how}")
        else:
            yield Finding("ok", "partition", f"{name} exists")
    for rule, asked in on_gpu.items() if gpu else ():
        gres = by_name[name].gres if (name := asked.get("slurm_partition", default)) in by_name else ""
        wanted = str(asked.get("gres", "")) or "gpu:" * ("gpu_model" in asked) + str(asked.get("gpu_model", "gpu"))
        if re.search(rf"(^|,){re.escape(wanted.rsplit(':1', 1)[0])}\b", gres):
            yield Finding("ok", f"gpu, {rule}", f"partition {name} offers {gres}")
        else:
            what = f"the job asks for {wanted}, but partition {name!r} offers {gres or 'nothing of the kind'}"
            how = f"under {rule} in a copy of site.example.yaml, set slurm_partition, gpu_model or gres"
            yield Finding("do", f"gpu, {rule}", f"{what}; {how}")


def _resources(profile: Profile) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Resources of jobs in general, and by rule of those that ask for a GPU, as the profiles set them."""
    common, own = dict(profile.get("default-resources", {})), profile.get("set-resources", {})
    return common, {rule: common | dict(own.get(rule, {})) for rule in RULES_ON_GPU}


def _partitions() -> list[Partition]:
    rows = [line.split("|") for line in _run("sinfo", "--noheader", "--format=%P|%l|%G")[1].splitlines()]
    merged: dict[str, Partition] = {}
    for marked, limit, offered in (row for row in rows if len(row) == 3):  # one row for each kind of node
        name = marked.rstrip("*")
        before = merged[name].gres if name in merged else ""
        gres = ",".join(each for each in (before, offered) if each not in ("", "(null)"))
        merged[name] = Partition(name, minutes(limit), gres, marked.endswith("*"))
    return list(merged.values())


def minutes(limit: str) -> float:
    """Read a time limit as SLURM writes it.

    Examples
    --------
    >>> [minutes(text) for text in ("infinite", "1-12:00:00", "4:00:00", "30:00")]
    [inf, 2160.0, 240.0, 30.0]
    """
    if not re.fullmatch(r"[\d:-]+", limit):
        return float("inf")
    days, _, clock = limit.rpartition("-")
    hours, least, seconds = ([0, 0, 0] + [int(part) for part in clock.split(":")])[-3:]
    return int(days or 0) * 1440 + hours * 60 + least + seconds / 60


def _min_job_age() -> int:
    """Seconds for which squeue remembers a job that has ended."""
    match = re.search(r"^MinJobAge\s*=\s*(\d+)", _run("scontrol", "show", "config")[1], re.MULTILINE)
    return int(match[1]) if match else 300


def _mentions(command: str, word: bytes) -> bool:
    """Whether a command is a script that mentions something near its beginning."""
    with Path(command).open("rb") as file:
        text = file.read(2000)
    return text.startswith(b"#!") and word in text


def _run(*command: str) -> tuple[bool, str]:
    """Run a command; return whether it went well, and what it printed, or why it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except subprocess.TimeoutExpired:
        return False, f"{command[0]} gives no answer within 5 s"
    if done.returncode:
        return False, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{command[0]} fails"
    return True, done.stdout
