"""Costs: files and lines as Snakemake writes them, and sizes of real files."""

import io
import json

import pytest

from dual_process import costs
from dual_process.config import load_config
from dual_process.costs import Job, cohort_sizes, disk_space, num_parameters, num_tokens, read_benchmarks, read_dry_run
from dual_process.resources import growing, trains_on_gpu
from tests.tiny import configuration, make_cohort

PLAIN = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"
EXTENDED = f"{PLAIN}\tjobid\trule_name\twildcards\tparams\tthreads\tcpu_usage\tresources\tinput_size_mb"
DRY_RUN = """Building DAG of jobs...
[Sat Nov 21 15:07:04 2026]
rule train_cohort:
    input: results/paper/datasets/a.zarr
    output: results/paper/checkpoints/task~pos_schedule~vanilla_seed~0_runs~18
    jobid: 41
    reason: Missing output files: results/paper/checkpoints/task~pos_schedule~vanilla_seed~0_runs~18
    wildcards: cohort=task~pos_schedule~vanilla_seed~0_runs~18
    threads: 4
    resources: tmpdir=/tmp, disk_mb=<TBD>, mem_mb=4000, mem=4 GB, slurm_extra=--signal=TERM@120, runtime=360, gpu=1
[Sat Nov 21 15:07:04 2026]
rule train_cohort:
    wildcards: cohort=task~pos_schedule~vanilla_seed~1
    resources: tmpdir=/tmp, mem_mb=8000, runtime=60
[Sat Nov 21 15:07:04 2026]
rule fig3:
    resources: tmpdir=/tmp, mem_mb=<TBD>, runtime=10
rule all:
    resources: tmpdir=/tmp, mem_mb=<TBD>
Job stats:
"""


@pytest.fixture
def benchmarks(tmp_path):
    """Make benchmark files: one plain, of which Snakemake measured only the time, and two extended ones."""
    (tmp_path / "train_cohort").mkdir()
    resources = {"mem_mb": 4000, "gpu": 1, "runtime": 720, "_cores": 4}
    for name, seconds in (("a_runs~18", 7200), ("b_runs~6", 3600)):
        more = f"0\ttrain_cohort\t{{}}\t{{'plan': '{json.dumps({'a': 1})}'}}\t4\t9.5\t{resources}\t{{}}"
        row = f"{seconds}.0\t2:00:00\t{seconds}.0\t1\t1\t1\t0.1\t0.1\t99.0\t1800.0\t{more}"
        (tmp_path / "train_cohort" / f"{name}.tsv").write_text(f"{EXTENDED}\n{row}\n")
    (tmp_path / "fig3.tsv").write_text(f"{PLAIN}\n36.0\t0:00:36\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    return tmp_path


def test_benchmark_files_are_read(benchmarks):
    assert read_benchmarks(benchmarks) == [
        Job("fig3", 0.01, 1, 0, 0.0, 0.0, 1),
        Job("train_cohort", 2.0, 4, 1, 7200 / 1024, 0.5, 18),
        Job("train_cohort", 1.0, 4, 1, 3600 / 1024, 0.5, 6),
    ]


def test_the_table_adds_up(benchmarks, capsys):
    assert costs.main([str(benchmarks)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == ["fig3", "1", "0.01", "0.00", "0.01", "0.00", "0.00"]
    assert rows[2] == ["train_cohort", "2", "12.00", "3.00", "2.00", "7.03", "1.00"]
    assert rows[3] == ["all", "3", "12.01", "3.00", "2.00", "7.03", "1.00"]


def test_nothing_run_yet_is_said(tmp_path, capsys):
    assert costs.main([str(tmp_path / "benchmarks")]) == 1
    assert "nothing has been run at this scale yet" in capsys.readouterr().err


def test_a_dry_run_is_read():
    assert read_dry_run(DRY_RUN.splitlines()) == [
        Job("train_cohort", 6.0, 4, 1, 4.0, 0.0, 18),
        Job("train_cohort", 1.0, 1, 0, 8.0, 0.0, 1),
        Job("fig3", 10 / 60, 1, 0, 0.0, 0.0, 1),
    ]


def test_the_plan_tells_cohorts_and_hours(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(DRY_RUN))
    assert costs.main(["--planned"]) == 0
    printed = capsys.readouterr().out
    assert "cohorts to train: 2, with 19 runs in all: 1 of 18, 1 of 1" in printed
    assert printed.splitlines()[-1].split() == ["all", "3", "25.17", "6.00", "6.00", "8.00"]


def test_a_finished_plan_says_so(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("Building DAG of jobs...\nNothing to be done\n"))
    assert costs.main(["--planned"]) == 0
    assert capsys.readouterr().out == "nothing to be done\n"


def test_cohorts_are_counted_by_size():
    jobs = [Job("train_cohort", 1, 1, 1, 1, runs=runs) for runs in (1, 18, 18)] + [Job("fig3", 1, 1, 0, 1)]
    assert cohort_sizes(jobs) == "cohorts to train: 3, with 37 runs in all: 2 of 18, 1 of 1"


@pytest.mark.parametrize(("attempt", "asked"), [(1, 720), (2, 1440), (3, 1440)])
def test_requests_grow_with_the_attempt(attempt, asked):
    assert growing(720, most=1440)(None, attempt) == asked


def test_the_parameters_are_those_of_the_checkpoints(tmp_path):
    models = {"bert": {"layers": 3, "width": 64, "feed_forward": 128, "dropout": 0.0}}
    cohort = make_cohort(tmp_path, models=models, tasks={"pos": {"vocabulary": 2000, "evaluation_sequences": 50}})
    cohort.train()
    settings = load_config(configuration(models=models, tasks={"pos": {"vocabulary": 2000}}))
    (checkpoint,) = list(cohort.checkpoints().values())[-1:]
    real = sum(tensor.numel() for tensor in checkpoint.values())
    estimate = num_parameters(settings.tasks["pos"], settings.models["bert"])
    assert num_tokens(settings.tasks["pos"]) == 2202
    assert estimate == pytest.approx(real, rel=0.15)  # under corrected the unseen tokens have no rows


def test_disk_space_counts_what_stays_and_what_goes(tmp_path):
    data = configuration()
    stays, at_most = disk_space(load_config(data))
    data["training"]["keep_checkpoints"] = True
    kept, same = disk_space(load_config(data))
    assert 0 < stays < at_most == same == kept


@pytest.mark.parametrize(("size", "gpus", "asks"), [(1, None, False), (16, None, True), (16, 0, False), (1, 1, True)])
def test_stacked_training_asks_for_a_gpu_unless_told_otherwise(size, gpus, asks):
    assert trains_on_gpu(load_config(configuration(training={"cohort_size": size, "gpus": gpus})).training) == asks
