"""What a cluster does to jobs: training goes on where it stopped, to the same bits, and writes no store twice."""

import os
import signal
from pathlib import Path

import pytest
import xarray as xr

from tests.slurm.conftest import ONE, ClusterProject, Writes, eventually, kill

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


CANCEL = ("scancel",)
"""As a user does: SIGTERM, and SIGKILL later."""
SIGNAL = ("scancel", "--signal=TERM")
"""As SLURM itself does ahead of the time limit, if asked by --signal=TERM@120."""


@pytest.mark.parametrize("command", [CANCEL, SIGNAL], ids=["cancelled", "signalled"])
def test_a_job_that_is_told_to_end_saves_and_is_sent_again(
    project: ClusterProject, expected: xr.Dataset, command: tuple[str, ...]
) -> None:
    with Writes(project.folder / "results/ci") as writes:
        snakemake = project.start(*ONE)
        project.training_process()
        (job,) = project.jobs("train_cohort")
        project.cluster.query(*command, str(job))
        printed = project.finish(snakemake)
    assert f"SLURM-job '{job}' failed" in printed
    assert list(project.jobs("train_cohort").values())[1:] == ["COMPLETED"]
    assert "from step" in project.log("train_cohort")
    xr.testing.assert_identical(project.probes(), expected)
    assert writes.counts() == dict.fromkeys(writes.counts(), 1)
    assert len(writes.counts()) == 2
    assert not list(project.folder.glob("results/ci/working/*/*"))


def test_a_job_that_is_killed_goes_on_from_its_last_state(project: ClusterProject, expected: xr.Dataset) -> None:
    with Writes(project.folder / "results/ci") as writes:
        snakemake = project.start(*ONE)
        project.training_process()
        (job,) = project.jobs("train_cohort")
        for process in project.processes():
            if f"SLURM_JOB_ID={job}\0".encode() in Path(f"/proc/{process}/environ").read_bytes():
                os.kill(process, signal.SIGKILL)
        printed = project.finish(snakemake)
    assert f"SLURM-job '{job}' failed" in printed
    step = int(project.log("train_cohort").split("from step ")[1].split()[0].replace(",", ""))
    assert step > 0
    assert step % 10 == 0  # resume_every: nobody had time to save
    xr.testing.assert_identical(project.probes(), expected)
    assert writes.counts() == dict.fromkeys(writes.counts(), 1)


def test_at_the_time_limit_the_job_is_sent_again_with_more(project: ClusterProject, expected: xr.Dataset) -> None:
    with Writes(project.folder / "results/ci") as writes:
        snakemake = project.start(*ONE, "--set-resources", "train_cohort:runtime=attempt")
        os.kill(project.training_process(), signal.SIGSTOP)  # SLURM wakes it for the signal at the limit
        printed = project.finish(snakemake)
    first, second = project.jobs("train_cohort")
    assert f"SLURM-job '{first}' failed, SLURM status is: 'TIMEOUT'" in printed
    assert "TimeLimit=00:02:00" in project.cluster.query("scontrol", "show", "job", str(second))
    assert "from step" in project.log("train_cohort")
    xr.testing.assert_identical(project.probes(), expected)
    assert writes.counts() == dict.fromkeys(writes.counts(), 1)


def test_a_preempted_job_is_requeued_and_goes_on(project: ClusterProject, expected: xr.Dataset) -> None:
    with Writes(project.folder / "results/ci") as writes:
        options = ("--default-resources", "slurm_partition=scavenge", "--set-resources", "train_cohort:gpu=1")
        snakemake = project.start(*ONE, *options)
        project.training_process()
        (job,) = project.jobs("train_cohort")
        submit = ("sbatch", "--partition=cpu", "--gpus=2", "--time=1", "--output=/dev/null", "--wrap=true")
        assert project.cluster.query(*submit)
        waiting = "Reason=BeginTime"
        eventually(lambda: waiting in project.cluster.query("scontrol", "show", "job", str(job)), "it was not requeued")
        # SLURM lets two minutes pass before it starts a requeued job
        project.cluster.query("scontrol", "update", f"JobId={job}", "StartTime=now")
        printed = project.finish(snakemake)
    assert "failed" not in printed  # no retry was needed
    assert "Restarts=1" in project.cluster.query("scontrol", "show", "job", str(job))
    assert "from step" in project.log("train_cohort")
    xr.testing.assert_identical(project.probes(), expected)
    assert writes.counts() == dict.fromkeys(writes.counts(), 1)


def test_a_second_start_waits_for_the_job_of_a_killed_first(project: ClusterProject, expected: xr.Dataset) -> None:
    with Writes(project.folder / "results/ci") as writes:
        first = project.start(*ONE)
        trainer = project.training_process()
        kill(first)
        os.kill(trainer, signal.SIGSTOP)  # until the second job has found it
        (orphan,) = project.jobs("train_cohort")
        second = project.start(*ONE)
        eventually(lambda: "waiting for it to end" in project.log("train_cohort"), "the second job did not wait")
        os.kill(trainer, signal.SIGCONT)
        project.finish(second)
    assert f"process {trainer} on {project.cluster.host}, SLURM job {orphan}) is at work" in project.log("train_cohort")
    assert "another process has finished these checkpoints meanwhile" in project.log("train_cohort")
    assert list(project.jobs("train_cohort").values()) == ["COMPLETED", "COMPLETED"]
    xr.testing.assert_identical(project.probes(), expected)
    assert writes.counts() == dict.fromkeys(writes.counts(), 1)


def test_ctrl_c_cancels_and_the_next_start_goes_on(project: ClusterProject, expected: xr.Dataset) -> None:
    with Writes(project.folder / "results/ci") as writes:
        first = project.start(*ONE)
        project.training_process()
        os.killpg(first.pid, signal.SIGINT)
        assert first.wait(60) != 0
        eventually(lambda: list(project.jobs("train_cohort").values()) == ["CANCELLED"], "the job was not cancelled")
        project.finish(project.start(*ONE))
    assert "from step" in project.log("train_cohort")
    xr.testing.assert_identical(project.probes(), expected)
    assert writes.counts() == dict.fromkeys(writes.counts(), 1)
