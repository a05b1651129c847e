"""The benchmark runs, does the same work on both sides, and counts operations rightly; no times are tested."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.floor import KernelTimes, count_operations, measure_kernels
from benchmarks.ours import WARM, Ours, Work
from benchmarks.pairs import Measured, Pair, ratios
from benchmarks.sides import check_same_work, make_reference, sequential_drawing
from dual_process.models import products

ROOT = Path(__file__).parents[1]
ROWS = [
    "training step",
    "training step, ours not compiled",
    "training step, our products in bfloat16",
    "evaluation set",
    "evaluation set of unseen tokens",
    "evaluation, five sets",
    "drawing 50,000 sequences",
    "whole run, projected",
    "whole run, our products in training in bfloat16",
    "peak memory",
    "first step of a job, compiled",
    "- where the compiled code is kept from before",
    "step with Lightning",
    "step in a bare loop",
    "Lightning's share of the step (median of the pairs)",
    "step of one sequence, v = 40, in a bare loop",
    "- products in bfloat16",
    "drawing and storing 1,000 sequences",
    "- on disk, evaluation sets included",
    "- peak memory of that job",
    "step, v = 40",
    "step, v = 100",
    "step, E = 1 (small size)",
    "step, E = 2 (small size)",
    "snakemake -n, 10 runs",
]


@pytest.fixture(scope="module")
def ours():
    return Ours(Work(vocabulary=40, layers=2, steps=1, evaluation_sequences=300))


@pytest.mark.slow
def test_smoke_prints_every_row_and_appends_nothing():
    results = ROOT / "benchmarks" / "RESULTS.md"
    before = results.read_text()
    command = [sys.executable, "-m", "benchmarks.bench", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line[:1] == "|"]
    assert [row[0] for row in cells if row[0] in ROWS] == ROWS
    assert all(all(row) for row in cells)
    assert "projection, not a measurement" in done.stdout
    assert results.read_text() == before


def test_both_sides_give_the_same_loss_and_exact_match(ours):
    check_same_work(ours, make_reference(ours), sequences=128)


@pytest.mark.parametrize("name", ["cls.predictions.bias", "bert.encoder.layer.1.output.dense.weight"])
def test_a_different_weight_is_noticed(ours, name):
    reference = make_reference(ours)
    with torch.no_grad():
        reference.model.state_dict()[name][:5] += 3
    with pytest.raises(RuntimeError, match="the sides differ"):
        check_same_work(ours, reference, sequences=128)


def test_counted_operations_are_those_that_torch_counts(ours, monkeypatch):
    monkeypatch.setattr(products, "ONEDNN", False)  # the counter does not know its operator
    ours.train_bare()  # so that the counter sees no first time
    with FlopCounterMode(display=False) as counter:
        ours.train_bare()
    steps = ours.work.steps + WARM
    assert counter.get_total_flops() == steps * count_operations(ours.work, ours.model.config.num_tokens)


def test_every_operation_of_a_context_is_measured_and_counted():
    with KernelTimes() as times:
        square = torch.eye(300)
        product = square @ square.T
    assert torch.equal(product, torch.eye(300))
    assert (times.kernels, times.views) == (2, 1)
    assert times.seconds > 0


def test_a_measured_context_takes_its_usual_course():
    def work():
        x = torch.linspace(0, 1, 5).exp_()
        torch.mul(x, 2, out=x)
        torch._foreach_add_([x], 1)
        return x

    with KernelTimes():
        watched = work()
    assert torch.equal(watched, work())


def test_kernels_of_a_step_are_more_in_lower_precision():
    work = Work(vocabulary=40, layers=1, steps=1, evaluation_sequences=20)
    single, half = (measure_kernels(work, precision) for precision in ("float32", "bfloat16"))
    assert half.kernels > single.kernels > 100
    assert min(single.seconds, half.seconds) > 0


def test_sequential_drawing_follows_the_task(ours):
    drawing, vocabulary = sequential_drawing(ours), ours.vocabulary()
    queries = set()
    for ids, labels in drawing.draw(300):
        adjective = ids[ids.index(vocabulary.copula) + 1]
        noun = next(token for token in ids[:3] if token not in (vocabulary.copula, adjective))
        assert labels == [-100] * 4 + [adjective, ids[3], ids[3]]
        assert ids[3] in (adjective, noun)
        assert ids[4:] == [vocabulary.mask] * 3
        assert {adjective, noun}.isdisjoint({vocabulary.nouns[0], vocabulary.adjectives[0]})
        queries.add((ids.index(vocabulary.copula), ids[3] == noun))
    assert queries == {(0, False), (0, True), (1, False), (1, True)}


def test_ratios_and_projection():
    assert ratios([Pair(6, 2), Pair(8, 1), Pair(5, 5)]) == (1, 3, 8)
    measured = Measured(1, step=[Pair(2, 1)], evaluation_all=[Pair(15, 0)], drawing=[Pair(0, 4)])
    assert measured.whole_run(measured.step) == [Pair(62_500 * 2 + 625 * 5 * 3, 62_500 + 8_000_000 * 4)]
