"""A look at the machine before anything is submitted: one line a check, with what to do where something is amiss.

``python -m dual_process.doctor [--profile NAME] [--site FILE] [--configfile FILE ...]`` (``make doctor``) looks at this
machine and, through its commands, at the cluster; the rule `doctor` looks at the machine on which its job runs.
"""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from dual_process.compiling import missing_tools
from dual_process.config import Config, ConfigError, load_config
from dual_process.costs import disk_space
from dual_process.doctor_slurm import check_slurm
from dual_process.findings import Finding
from dual_process.resources import trains_on_gpu

SHARED = ("nfs", "lustre", "gpfs", "beegfs", "ceph", "panfs", "wekafs", "pvfs", "orangefs", "afs", "glusterfs", "9p")
"""Beginnings of the names of file systems that several machines share."""


def check_python(constraints: Path) -> Iterator[Finding]:
    """Compare what is installed with the versions that the results were made with."""
    python = ".".join(map(str, sys.version_info[:3]))
    if not constraints.is_file():
        yield Finding("warn", "packages", f"{constraints} is not here, so versions cannot be compared")
        return
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", constraints.read_text(), re.MULTILINE))
    installed = {name: _version(name) for name in pins}
    needed = {re.split(r"[^\w.-]", line)[0] for line in requires("dual-process") or () if "extra ==" not in line}
    missing = sorted(name for name in needed if not _version(name))
    others = [f"{name} {found} for {pins[name]}" for name, found in installed.items() if found not in ("", pins[name])]
    if missing:
        how = "pip install --constraint constraints.txt --editable ."
        yield Finding("do", "packages", f"{', '.join(missing)} not installed; in the environment: {how}")
    elif others:
        few = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        yield Finding("warn", "packages", f"not the versions of constraints.txt: {few}; numbers may differ slightly")
    else:
        yield Finding("ok", "packages", f"python {python}, and {sum(map(bool, installed.values()))} packages as pinned")


def check_torch(*, gpu: bool) -> Iterator[Finding]:
    """Say which devices torch sees; `gpu` if training asks for one."""
    try:
        import torch  # noqa: PLC0415  # a doctor must be able to say that it is missing
    except ImportError as error:
        yield Finding("do", "torch", f"cannot be imported ({error}); see the line on packages")
        return
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    threads = f"torch {torch.__version__} with {torch.get_num_threads()} threads"
    if names:
        yield Finding("ok", "torch", f"{threads}, GPUs: {', '.join(names)}")
    elif gpu:
        here = "no GPU on this machine; training asks for one"
        yield Finding("warn", "torch", f"{threads}; {here} (a login node may have none: run the rule doctor as a job)")
    else:
        yield Finding("ok", "torch", f"{threads}, no GPU and none needed")


def check_compiler(settings: Config) -> Iterator[Finding]:
    """Look for what compiled training and probing need, if they are asked for."""
    on_cpus = [each for each in settings.trainings.values() if not trains_on_gpu(each)]
    if not any(each.compile or settings.probing.compile for each in on_cpus):
        return
    missing = missing_tools()
    if missing:
        what, do = " and ".join(missing), "install it, or set compile to false in training and probing"
        yield Finding("do", "compiler", f"{what} cannot be found, but the configuration says compile: true; {do}")
    else:
        yield Finding("ok", "compiler", "what compiling needs is here")


def check_disk(results: Path, settings: Config) -> Iterator[Finding]:
    """Compare free space with what the grid needs, and say whether other machines see it."""
    folder = next(path for path in (results, *results.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free / 1e9
    kept, at_most = disk_space(settings)
    need = f"all figures of the configuration need {kept:.1f} GB, and {at_most:.1f} GB if all checkpoints exist at once"
    if free < kept:
        yield Finding("do", "disk", f"{free:.1f} GB free in {folder}, but {need}; free some, or use --directory")
    elif free < at_most:
        yield Finding(
            "warn", "disk", f"{free:.1f} GB free in {folder}; {need}; draw one figure after the other, or lower `jobs`"
        )
    else:
        yield Finding("ok", "disk", f"{free:.1f} GB free in {folder}; {need}")


def check_shared(results: Path, *, needed: bool) -> Iterator[Finding]:
    """Say whether results lie where other nodes see them."""
    folder = next(path for path in (results.absolute(), *results.absolute().parents) if path.exists())
    kind = file_system(folder.resolve())
    if kind.startswith(SHARED) or (kind.startswith("fuse.") and kind != "fuse.overlayfs"):
        yield Finding("ok", "shared folder", f"{folder} is on {kind}")
    elif needed:
        what = "compute nodes of another machine cannot see it; work in a folder that all nodes share"
        yield Finding("warn", "shared folder", f"{folder} is on {kind or 'an unknown file system'}: {what}")
    else:
        yield Finding(
            "ok", "shared folder", f"{folder} is on {kind or 'an unknown file system'}, and need not be shared"
        )


def file_system(path: Path, table: str | None = None) -> str:
    """Type of the file system that holds a path, from Linux's table of mounts; empty if that is not known.

    Parameters
    ----------
    path
        Absolute, without links.
    table
        Text of ``/proc/self/mountinfo``, which is read if this is left out.
    """
    try:
        lines = (Path("/proc/self/mountinfo").read_text() if table is None else table).splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        mount, rest = line.split(" - ", 1)
        point = Path(mount.split()[4].replace("\\040", " "))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), rest.split()[0]
    return kind


def read_settings(files: Iterable[Path], profiles: Iterable[Mapping[str, Any]]) -> Config:
    """Merge configuration files as Snakemake does, and the `config` entries of profiles over them."""
    import yaml  # noqa: PLC0415  # comes with snakemake, whose absence the doctor must survive

    merged: dict[str, Any] = {}
    for path in files:
        _update(merged, yaml.safe_load(path.read_text()))
    for profile in profiles:
        for entry in profile.get("config", []):
            key, value = entry.split("=", 1)
            _update(merged, {key: yaml.safe_load(value)})
    return load_config(merged)


def read_profiles(profile: str, site: str) -> list[dict[str, Any]]:
    """Read the site's own file and the profile, in rising precedence; those without a name are left out."""
    import yaml  # noqa: PLC0415

    paths = [Path(site)] if site else []
    if profile:
        folder = Path(profile) if Path(profile).is_dir() else Path("workflow/profiles") / profile
        paths.append(folder / "profile.yaml")
    return [yaml.safe_load(path.read_text()) for path in paths]


@dataclass(frozen=True)
class Machine:
    """What is to be looked at on the machine itself.

    Parameters
    ----------
    settings
        The checked configuration.
    cluster
        Whether jobs will run on other machines.
    """

    settings: Config
    cluster: bool = False

    def findings(self) -> Iterator[Finding]:
        """Check python, torch, the compiler if one is needed, disk and the folder of results."""
        results = Path("results") / self.settings.scale
        yield from check_python(Path("constraints.txt"))
        yield from check_torch(gpu=trains_on_gpu(self.settings.training))
        yield from check_compiler(self.settings)
        yield from check_disk(results, self.settings)
        yield from check_shared(results, needed=self.cluster)


def report(settings: Config, path: str | Path) -> None:
    """Write what is found on this machine, as the job of a rule does on a node."""
    job = f"SLURM job {os.environ['SLURM_JOB_ID']} on " if "SLURM_JOB_ID" in os.environ else ""
    lines = [f"{job}{os.uname().nodename}", *map(str, Machine(settings, cluster=bool(job)).findings())]
    Path(path).write_text("\n".join(lines) + "\n")


def main(arguments: list[str]) -> int:
    """Print all findings; return 1 if there is something to do before a start."""
    parser = argparse.ArgumentParser(prog="python -m dual_process.doctor", description="Checks before a start.")
    parser.add_argument("--profile", default="", help="profile to be used, such as slurm or slurm-gpu")
    parser.add_argument("--site", default="", help="copy of site.example.yaml to be used")
    parser.add_argument("--configfile", nargs="*", default=[], type=Path, help="overlays, as for snakemake")
    options = parser.parse_args(arguments)
    try:
        profiles = read_profiles(options.profile, options.site)
        settings = read_settings([Path("config/config.yaml"), *options.configfile], profiles)
    except (ConfigError, OSError, ImportError) as error:
        findings = [Finding("do", "configuration", str(error))]
    else:
        merged = {key: value for profile in profiles for key, value in profile.items()}
        findings = list(Machine(settings, cluster=merged.get("executor") == "slurm").findings())
        findings += check_slurm(merged, gpu=trains_on_gpu(settings.training))
    for finding in findings:
        print(finding)
    return int(any(finding.verdict == "do" for finding in findings))


def _version(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return ""


def _update(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        if isinstance(value, Mapping) and isinstance(target.get(key), dict):
            _update(target[key], value)
        else:
            target[key] = value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
