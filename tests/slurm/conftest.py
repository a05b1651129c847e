"""Copies of the project on a one-node SLURM cluster, which all tests share."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import xarray as xr

from dual_process.store import open_store
from tests.slurm.cluster import COMMANDS, Cluster
from tests.workflow.conftest import Project, copy_project

IMPATIENT = Path(__file__).with_name("impatient.py")
PATIENCE = 900
"""Seconds after which nothing more is expected; many times what an idle machine takes."""
ONE_RUN = """
training: {steps: 2000, cohort_size: 1, checkpoints_every: 250, checkpoints_logarithmic: 2}
schedules: {active-100: {kind: active, period: 30}}
grids:
  main: &one {distributions: [zipf-1.5], schedules: [active-100], protocols: [reference], seeds: [3]}
  horizons: *one
  protocols: *one
"""
ONE = ("--configfile", "config/ci.yaml", "one.yaml", "--until", "probe_cohort")
"""The one run, up to its probes."""


@dataclass(frozen=True)
class ClusterProject(Project):
    """A copy of the project whose snakemake submits to a cluster."""

    cluster: Cluster
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        """Command line with the CPU profile; only waiting is shorter than a user's."""
        soon = ("--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "1")
        profile = ("--workflow-profile", "workflow/profiles/slurm", "--max-status-checks-per-second", "5")
        configuration = () if "--configfile" in arguments else ("--configfile", "config/ci.yaml")
        return [sys.executable, str(IMPATIENT), *profile, *soon, *configuration, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Environment that knows the cluster and imports the copy's own package."""
        path = f"{self.folder}/workflow/cluster/bin:{self.cluster.environment['PATH']}"  # as make does
        own = {"PYTHONPATH": str(self.folder / "src"), "OMP_NUM_THREADS": "1", "PATH": path}
        return self.cluster.environment | own

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start snakemake, and remember it for the end of the test."""
        self.started.append(super().start(*arguments))
        return self.started[-1]

    def snakemake(self, *arguments: str, fails: bool = False) -> str:
        """Run snakemake to its end; return all it printed."""
        failed = self.start(*arguments).wait(PATIENCE) != 0
        assert failed == fails, self.printed
        return self.printed

    @property
    def printed(self) -> str:
        """What the snakemake that `start` has started has printed so far."""
        return (self.folder / "started.log").read_text()

    def finish(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for a started snakemake to end well; return what it printed."""
        assert process.wait(PATIENCE) == 0, self.printed
        return self.printed

    def jobs(self, rule: str) -> dict[int, str]:
        """State of the SLURM jobs of a rule of this project, by job id, oldest first."""
        listed = self.cluster.query("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%Z|%k")
        rows = [line.split("|") for line in listed.splitlines()]
        return {int(i): state for i, state, folder, what in rows if folder == str(self.folder) and f"_{rule}" in what}

    def processes(self) -> dict[int, list[bytes]]:
        """Command lines of all processes at work in this project, by process id."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if (path / "cwd").readlink() == self.folder:
                    found[int(path.name)] = (path / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it has just ended
                continue
        return found

    def training_process(self) -> int:
        """Process id of the script that trains in this project, once its state has been saved for the first time."""
        eventually(lambda: any(self.folder.glob("results/ci/working/*/resume.safetensors")), "no state was saved")
        assert not any(self.folder.glob("results/ci/checkpoints/*")), "training was over too soon to show anything"
        (process,) = [
            process
            for process, words in self.processes().items()
            if words[-2:][0].endswith(b"train_cohort.py") and b"python" in words[0]
        ]
        return process

    def log(self, rule: str) -> str:
        """Log of the only job of a rule; empty before it has begun."""
        return "".join(path.read_text() for path in (self.folder / "results/ci/logs" / rule).glob("*.log"))

    def probes(self) -> xr.Dataset:
        """What has been measured, without the attributes that tell when and where."""
        (path,) = (self.folder / "results/ci/probes").glob("*.zarr")
        return open_store(path).drop_attrs()


def eventually(condition: Callable[[], bool], otherwise: str, seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


class Writes:
    """Counts how often each store came into being, by looking at its inode all the time."""

    def __init__(self, results: Path) -> None:
        self.results, self.inodes = results, dict[str, set[int]]()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            # Only what carries a final name: the scratch folders beside it begin with a dot.
            for path in [
                *self.results.glob("probes/[!.]*.zarr/zarr.json"),
                *self.results.glob("checkpoints/[!.]*/index.json"),
            ]:
                try:
                    self.inodes.setdefault(path.parent.name, set()).add(path.stat().st_ino)
                except FileNotFoundError:
                    continue

    def __enter__(self) -> "Writes":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def counts(self) -> dict[str, int]:
        """Times that each store was written."""
        return {name: len(inodes) for name, inodes in self.inodes.items()}


def started_cluster(database: Path | None = None) -> Iterator[Cluster]:
    """Start a cluster, hand it out, and take it down."""
    if os.geteuid() or not all(shutil.which(command) for command in COMMANDS):
        pytest.skip("needs root, and the commands of the packages slurm-wlm and munge")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # also when the tests are told to end, take it down
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # pytest's own folders are too long for munge's socket
    cluster = Cluster(folder, database)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a running cluster without accounting."""
    yield from started_cluster()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy in which one run was trained and probed on this machine, without SLURM and without trouble."""
    project = copy_project(tmp_path_factory.mktemp("undisturbed"))
    (project.folder / "one.yaml").write_text(ONE_RUN)
    project.snakemake(*ONE, "--cores", "1")
    return project


@pytest.fixture(scope="session")
def expected(undisturbed: Project) -> xr.Dataset:
    """Return the probes of the undisturbed run."""
    (path,) = (undisturbed.folder / "results/ci/probes").glob("*.zarr")
    return open_store(path).drop_attrs()


@pytest.fixture
def project(cluster: Cluster, undisturbed: Project, tmp_path: Path) -> Iterator[ClusterProject]:
    """Return a copy with the data set of the one run, nothing trained yet; its jobs are cancelled at the end."""
    folder = tmp_path / "project"
    shutil.copytree(undisturbed.folder, folder, symlinks=True)
    for path in folder.glob("results/ci/*"):
        if path.name != "datasets":
            shutil.rmtree(path)
    project = ClusterProject(folder, cluster)
    yield project
    for process in project.started:
        kill(process)
    if jobs := project.jobs(""):
        cluster.query("scancel", *map(str, jobs))


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a snakemake on the login node, without a word to its jobs; nothing happens if it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
