"""Kills, bad configurations and second starts, with real processes."""

import os
import signal
import time
from pathlib import Path

import pytest
import xarray as xr

from dual_process.store import open_store
from tests.workflow.conftest import Project, copy_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("survival")]

ONE_RUN = """
training: {steps: 4000, cohort_size: 1, resume_every: 50, checkpoints_every: 500}
schedules: {active-100: {kind: active, period: 30}}
grids:
  main: {distributions: [zipf-1.5], schedules: [active-100], protocols: [reference], seeds: [3]}
  horizons: {distributions: [zipf-1.5], schedules: [active-100], protocols: [reference], seeds: [3]}
  protocols: {distributions: [zipf-1.5], schedules: [active-100], protocols: [reference], seeds: [3]}
"""
UNTIL_PROBES = ("--configfile", "config/ci.yaml", "one.yaml", "--cores", "1", "--until", "probe_cohort")


def with_one_run(project: Project) -> Project:
    (project.folder / "one.yaml").write_text(ONE_RUN)
    return project


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """Probes of a run that nobody killed."""
    project = with_one_run(copy_project(tmp_path_factory.mktemp("undisturbed")))
    project.snakemake(*UNTIL_PROBES)
    return open_store(probe_store(project))


def probe_store(project: Project) -> Path:
    (path,) = (project.folder / "results/ci/probes").glob("*.zarr")
    return path


def wait_for(project: Project, pattern: str) -> None:
    end = time.monotonic() + 60
    while not any(project.folder.glob(pattern)):
        assert time.monotonic() < end, f"{pattern} never appeared"
        time.sleep(0.005)


@pytest.mark.parametrize("victims", ["snakemake and its job", "snakemake alone"])
def test_killed_run_goes_on_bit_for_bit(project: Project, undisturbed: xr.Dataset, victims: str) -> None:
    with_one_run(project)
    process = project.start(*UNTIL_PROBES)
    wait_for(project, "results/ci/working/*/resume.safetensors")
    if victims == "snakemake alone":  # the job goes on as an orphan, beside the job of the next start
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(project.folder.glob("results/ci/checkpoints/*")), "killed too late to show anything"
    printed = project.snakemake(*UNTIL_PROBES)
    assert "another process" in printed if victims == "snakemake alone" else "from step" in printed
    xr.testing.assert_identical(open_store(probe_store(project)).drop_attrs(), undisturbed.drop_attrs())
    assert not list(project.folder.glob("results/ci/**/.partial*"))


def test_second_snakemake_stops_and_harms_nothing(project: Project, undisturbed: xr.Dataset) -> None:
    with_one_run(project)
    first = project.start(*UNTIL_PROBES)
    wait_for(project, "results/ci/working/*.lock")
    printed = project.snakemake(*UNTIL_PROBES, fails=True)
    assert "another snakemake is at work in this folder" in printed
    assert first.wait(timeout=120) == 0, (project.folder / "started.log").read_text()
    xr.testing.assert_identical(open_store(probe_store(project)).drop_attrs(), undisturbed.drop_attrs())


def test_a_job_that_fails_leaves_the_old_store(project: Project) -> None:
    name = "task~pos_distribution~zipf-1.5_training~standard_sampling~corrected_seed~0"
    store = project.folder / f"results/ci/datasets/{name}.zarr"
    arguments = ("--cores", "1", "--", str(store.relative_to(project.folder)))
    project.snakemake(*arguments)
    before = open_store(store, "training")
    script = project.folder / "workflow/scripts/make_dataset.py"
    script.write_text(script.read_text() + '\nraise OSError(28, "No space left on device")\n')
    assert "No space left on device" in project.snakemake(*arguments, fails=True)
    xr.testing.assert_identical(open_store(store, "training"), before)


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ("trainning: {steps: 3}", ["trainning", "not known"]),
        ("training: {steps: many}", ["training.steps", "many", "integer"]),
        ("tasks: {pos: {vocabulary: 101}}", ["tasks.pos.vocabulary", "101", "multiple of 2"]),
        (
            "schedules: {temporary-100-1000: {kind: temporary, period: 30, forget_until: 20}}",
            ["temporary-100-1000", "forget_until 20", "greater than period"],
        ),
        ("distributions: {two-level: {head_share: 1.5}}", ["two-level", "head_share", "1.5", "less than 1"]),
        ("grids: {main: {schedules: [passive]}}", ["grids.main.schedules", "passive", "defined under schedules"]),
    ],
)
def test_bad_configuration_ends_before_the_first_job(project: Project, overlay: str, words: list[str]) -> None:
    (project.folder / "bad.yaml").write_text(overlay)
    printed = project.snakemake("--configfile", "config/ci.yaml", "bad.yaml", "--cores", "1", fails=True)
    sentences = [line for line in printed.splitlines() if "config: " in line]
    assert len(sentences) == 1, printed
    assert all(word in sentences[0] for word in words), sentences[0]
    assert not (project.folder / "results").exists()
