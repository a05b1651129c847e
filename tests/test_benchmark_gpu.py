"""The benchmark of a GPU runs, on a CPU too, and trains the grid it says; no times are tested."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import gpu_grid
from benchmarks.gpu_grid import FIGURES, Grid, Journal, train_grid
from dual_process.checkpoints import INDEX
from dual_process.devices import CPU
from dual_process.probing import saving
from dual_process.probing.evaluation import Evaluations
from dual_process.runs import cohort_plan, runs_table
from dual_process.store import open_store
from dual_process.training.saving import TRY_AGAIN

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
STAMP = {"seconds": 1.0, "peak": 0}


def run(*options):
    """Run the command where no GPU is to be seen."""
    command = [sys.executable, "-m", "benchmarks.gpu", *options]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--grid",)])
def test_without_a_gpu_it_says_so_in_one_sentence(tmp_path, options):
    before = RESULTS.read_text()
    done = run(*options, "--folder", str(tmp_path / "gpu"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "benchmarks.gpu: PyTorch sees no GPU on this machine, so there is nothing to measure.\n"
    assert RESULTS.read_text() == before
    assert not (tmp_path / "gpu").exists()


@pytest.mark.slow
def test_smoke_measures_every_cohort_and_appends_nothing(tmp_path):
    before = RESULTS.read_text()
    done = run("--smoke", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows] == ["runs", "---", "1", "3", "1", "3"]
    assert {len(row) for row in rows} == {10}
    assert all(all(row) for row in rows)
    assert RESULTS.read_text() == before


@pytest.mark.slow
def test_a_start_with_a_time_limit_asks_for_another(tmp_path):
    done = run("--smoke", "--grid", "--minutes", "0.0001", "--folder", str(tmp_path))
    assert done.returncode == TRY_AGAIN, done.stderr
    assert done.stdout == ""


def test_the_grid_is_that_of_the_main_text():
    config = Grid(Path("unused")).config()
    members = [each for each in runs_table(config) if each.protocol == "reference"]
    assert len(members) == len(set(members)) == 72
    plan = cohort_plan(config, tuple(members))
    assert Counter(run.labels["distribution"] for run in plan.runs) == dict.fromkeys(
        ("uniform", "zipf-1.0001", "zipf-1.2", "zipf-1.5"), 18
    )
    assert Counter(run.schedule.kind for run in plan.runs) == {"vanilla": 12, "active": 12, "temporary": 48}
    ends = Counter(getattr(run.schedule, "forget_until", None) for run in plan.runs)
    assert ends == {None: 24, 2500: 12, 5000: 12, 10000: 12, 20000: 12}
    assert {getattr(run.schedule, "period", 1000) for run in plan.runs} == {1000}
    assert Counter(run.seed for run in plan.runs) == {0: 24, 1: 24, 2: 24}
    training = plan.optimisation
    assert (training.steps, training.batch_size, training.learning_rate) == (62_500, 128, 5e-5)
    assert (plan.model.layers, plan.runs[0].task.vocabulary, plan.protocol.train_unseen) == (6, 10_000, True)
    other = Grid(Path("unused"), precision="bfloat16", checkpoints_every=2_000).config().training
    assert (other.precision, other.checkpoints_every) == ("bfloat16", 2_000)


@pytest.mark.slow
def test_a_stopped_grid_goes_on_and_a_finished_one_is_left_alone(tmp_path, monkeypatch):
    measure, steps = Evaluations.measure, []

    def stopped(self, model, step):
        if len(steps) == 2:
            steps.append("stop")
            raise SystemExit(TRY_AGAIN)
        steps.append(step)
        return measure(self, model, step)

    monkeypatch.setattr(Evaluations, "measure", stopped)
    monkeypatch.setattr(saving, "EVERY", 0)
    grid = Grid(tmp_path, threads=1, tiny=True)
    with pytest.raises(SystemExit):
        train_grid(grid, CPU)
    assert [path.name for path in tmp_path.glob(f"checkpoints/*/{INDEX}")] == [INDEX]
    report = train_grid(grid, CPU)
    assert steps == [1, 20, "stop", 30, 40]
    assert "training, 72 runs x 40 steps" in report
    (store,) = (tmp_path / "probes").iterdir()
    assert str(store) in report
    score = open_store(store)["score"]
    assert (score.sizes["run"], score.sizes["step"]) == (72, 4)
    lacking = score.sel(evaluation="tail_switch", metric="loss").isnull().all("step")
    assert set(score["distribution"].values[lacking]) == {"uniform"}
    assert lacking.sum() == 18
    assert all((tmp_path / "figures" / f"{name}.png").stat().st_size > 10_000 for name in FIGURES)
    assert not (tmp_path / "checkpoints").exists() or not list((tmp_path / "checkpoints").iterdir())
    assert train_grid(grid, CPU) == report
    assert len(steps) == 5


def test_too_small_a_disk_is_seen_before_training(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(gpu_grid.shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
    with pytest.raises(SystemExit, match=r"4 checkpoints of 72 runs take 0\.0 GB, and .* has room for 0\.0 GB; make"):
        train_grid(Grid(tmp_path, threads=1, tiny=True), CPU)


def test_the_journal_adds_up_all_starts(tmp_path):
    path = tmp_path / "journal.jsonl"
    Journal(path).add("training", **STAMP, steps=30)
    journal = Journal(path)
    with pytest.raises(SystemExit), journal.timed("training") as numbers:
        numbers["steps"] = 12
        raise SystemExit(TRY_AGAIN)
    assert journal.total("training", "steps") == 42
    assert 1 < journal.total("training") < 60
    assert journal.of("probing") == []
