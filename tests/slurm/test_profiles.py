"""The profiles on a real scheduler, as users call them."""

import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from dual_process.costs import read_benchmarks
from tests.slurm.cluster import Cluster, unpack_database
from tests.slurm.conftest import ONE, ClusterProject, eventually, started_cluster
from tests.workflow.conftest import ROOT, Project, copy_project

pytestmark = pytest.mark.slurm


def doctor(project: ClusterProject, *arguments: str) -> tuple[int, str]:
    """Exit code and lines of the doctor in a project's folder."""
    command = [sys.executable, "-m", "dual_process.doctor", *arguments]
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.returncode, done.stdout


def test_the_whole_workflow_at_the_ci_scale(cluster: Cluster, tmp_path: Path) -> None:
    project = ClusterProject(copy_project(tmp_path).folder, cluster)
    few = ("--config", "training={cohort_size: 16}")  # each job costs ten seconds of one core
    project.snakemake(*few, "--", "all", "doctor")
    assert "Nothing to be done" in project.snakemake(*few)
    states = project.jobs("")
    assert set(states.values()) == {"COMPLETED"}
    assert "SLURM job" in (project.folder / "results/ci/doctor.txt").read_text()
    benchmarks = read_benchmarks(project.folder / "results/ci/benchmarks")
    assert len(benchmarks) == len(states)
    assert all(job.cores == 1 and job.hours > 0 for job in benchmarks)
    training = [job for job in benchmarks if job.rule == "train_cohort"]
    assert training
    assert all(job.gpus == (job.runs > 1) for job in training)


def test_the_gpu_profile_asks_for_one_gpu_and_few_cores(project: ClusterProject) -> None:
    project.edit("one.yaml", "schedules: [active-100]", "schedules: [vanilla, active-100]")  # a cohort of two
    project.start(*ONE, "--workflow-profile", "workflow/profiles/slurm-gpu")
    eventually(lambda: "RUNNING" in project.jobs("train_cohort").values(), "training did not start")
    (job,) = project.jobs("train_cohort")
    requested = shown(project, str(job))
    assert "TresPerJob=gres:gpu:1" in requested
    assert "CPUs/Task=4" in requested
    assert "MinMemoryNode=4000M" in requested
    assert "TimeLimit=12:00:00" in requested


@pytest.mark.parametrize("profile", ["slurm", "slurm-gpu"])
def test_the_doctor_is_content_with_the_profiles_and_names_what_is_off(project: ClusterProject, profile: str) -> None:
    code, printed = doctor(project, "--profile", profile, "--configfile", "config/ci.yaml")
    lines = {line.split()[1].rstrip(":"): line for line in printed.splitlines()}
    assert code == 0, printed
    assert "ok    job status: sacct does not answer (accounting is off), and squeue answers in its place" in printed
    assert "which the srun in PATH" in lines["slurm.conf"]
    assert "ok    partition: cpu exists" in printed
    assert ("partition cpu offers gpu:2" in printed) == (profile == "slurm-gpu")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("retries: 3", "default-resources: {slurm_partition: night}", "do    partition: 'night' does not exist"),
        ("retries: 3", "set-resources: {train_cohort: {gpu_model: a100}}", "asks for gpu:a100, but partition 'cpu'"),
    ],
)
def test_the_doctor_says_what_to_do(project: ClusterProject, key: str, value: str, words: str) -> None:
    project.edit("workflow/profiles/slurm-gpu/profile.yaml", key, value)
    code, printed = doctor(project, "--profile", "slurm-gpu", "--configfile", "config/ci.yaml")
    assert code == 1
    assert words in printed


def test_the_doctor_knows_what_make_and_the_cluster_put_right(project: ClusterProject) -> None:
    ours = (f"{project.cluster.folder}/bin", f"{project.folder}/workflow/cluster/bin")
    path = ":".join(folder for folder in project.environment["PATH"].split(":") if folder not in ours)
    command = [sys.executable, "-m", "dual_process.doctor", "--profile", "slurm"]
    environment = project.environment | {"PATH": path}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "do    slurm.conf: SLURM_CONF=" in done.stdout
    assert "warn  job status: sacct does not answer (accounting is off); slurm-status-command is squeue" in done.stdout
    project.edit("workflow/profiles/slurm/profile.yaml", "status-command: squeue", "status-command: sacct")
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    assert "do    job status: sacct does not answer" in done.stdout


@pytest.mark.slow
def test_a_scheduler_that_is_away_for_a_while_loses_no_job(project: ClusterProject) -> None:
    usual, folder = project.cluster.environment["PATH"], project.folder / "away"
    folder.mkdir()
    for name in ("squeue", "scontrol", "sacct"):
        count = folder / f"{name}.asked"
        wrapper = folder / name
        away = f'echo >> {count}\n[ "$(wc -l < {count})" -le 12 ] && exit 1\n'
        wrapper.write_text(f'#!/bin/sh\n{away}PATH={usual} exec {name} "$@"\n')
        wrapper.chmod(0o755)
    project.cluster.environment["PATH"] = f"{folder}:{usual}"
    try:
        project.snakemake(*ONE[:-1], "train_cohort")
    finally:
        project.cluster.environment["PATH"] = usual
    assert len((folder / "squeue.asked").read_text()) > 12


@pytest.fixture(scope="module")
def accounting(tmp_path_factory: pytest.TempPathFactory):
    root = unpack_database(tmp_path_factory.mktemp("database"))
    if not root:
        pytest.skip("needs the packages mariadb-server and slurmdbd, installed or to be had by apt-get download")
    yield from started_cluster(root)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["squeue", "sacct"])
def test_with_accounting_both_ways_to_ask_for_a_job_work(
    accounting: Cluster, undisturbed: Project, expected: xr.Dataset, tmp_path: Path, command: str
) -> None:
    project = ClusterProject(copy_project(tmp_path).folder, accounting)
    (project.folder / "one.yaml").write_bytes((undisturbed.folder / "one.yaml").read_bytes())
    project.snakemake(*ONE, "--slurm-status-command", command)
    xr.testing.assert_identical(project.probes(), expected)
    assert "COMPLETED" in accounting.query("sacct", "-X", "--noheader", "--format=State")
    code, printed = doctor(project, "--profile", "slurm", "--configfile", "config/ci.yaml")
    assert code == 0
    assert "ok    job status: sacct answers, squeue too" in printed


@pytest.mark.slow
@pytest.mark.parametrize("interrupted", [False, True])
def test_one_allocation_runs_everything_and_queues_itself_again(
    project: ClusterProject, expected: xr.Dataset, interrupted: bool
) -> None:
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    submit = ["sbatch", "--parsable", "--cpus-per-task=2", "workflow/cluster/one_allocation.sh", *ONE]
    done = subprocess.run(
        submit, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=True
    )
    job = done.stdout.strip()
    if interrupted:
        project.training_process()
        project.cluster.query("scancel", "--batch", "--signal=TERM", job)  # as --signal=B:TERM@300 does
        eventually(lambda: "Reason=BeginTime" in shown(project, job), "the job did not queue itself again")
        project.cluster.query("scontrol", "update", f"JobId={job}", "StartTime=now")
    eventually(lambda: "JobState=COMPLETED" in shown(project, job), "the allocation did not end well")
    xr.testing.assert_identical(project.probes(), expected)
    assert ("from step" in project.log("train_cohort")) == interrupted
    assert not list(project.folder.glob("results/ci/working/*/*"))


def shown(project: ClusterProject, job: str) -> str:
    """What SLURM tells of a job."""
    return project.cluster.query("scontrol", "show", "job", job)
