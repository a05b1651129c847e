"""Lines of progress: what they say and how often they come."""

from types import SimpleNamespace

import pytest
import torch

from dual_process.training import progress
from dual_process.training.progress import Progress, clock, progress_line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (9.4, "0:09"),
        (59.6, "1:00"),
        (61, "1:01"),
        (3599.4, "59:59"),
        (3600, "1:00:00"),
        (3725, "1:02:05"),
        (360_000, "100:00:00"),
    ],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((250, 1000, 10.0, [1.5]), "step 250 of 1,000 (25%), 10.0 steps/s, 1:15 left, loss 1.500"),
        (
            (62_000, 62_500, 0.05, [1.0, 2.0, 4.5]),
            "step 62,000 of 62,500 (99%), 0.1 steps/s, 2:46:40 left, loss 2.500 (1.000 to 4.500)",
        ),
        ((0, 10, 0.0, [1.0]), "step 0 of 10 (0%), 0.0 steps/s, ? left, loss 1.000"),
    ],
)
def test_progress_line(values, text):
    assert progress_line(*values) == text


class Clock:
    """Time that goes on when told to."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def go(time, callback, *, first_step=0, steps=100, seconds_per_step=1.0, runs=1):
    """Train on the fake clock."""
    losses = torch.arange(1.0, runs + 1)
    module = SimpleNamespace(first_step=first_step, completed_steps=first_step, seeds=range(runs), run_losses=losses)
    callback.on_train_start(None, module)
    for step in range(first_step + 1, steps + 1):
        time.now += seconds_per_step
        module.completed_steps = step
        callback.on_train_batch_end(None, module, None, None, 0)
    callback.on_train_end(None, module)


def test_lines_come_at_a_bounded_rate_and_say_where_training_is(time, caplog):
    caplog.set_level("INFO", logger="dual_process")
    go(time, Progress(100, seconds=30))
    assert caplog.messages == [
        "training 1 run for 100 steps, from the start",
        "step 30 of 100 (30%), 1.0 steps/s, 1:10 left, loss 1.000",
        "step 60 of 100 (60%), 1.0 steps/s, 0:40 left, loss 1.000",
        "step 90 of 100 (90%), 1.0 steps/s, 0:10 left, loss 1.000",
        "trained 100 steps in 1:40",
    ]


@pytest.mark.parametrize("seconds_per_step", [0.001, 0.5, 20.0])
def test_no_two_lines_within_the_least_time(time, caplog, seconds_per_step):
    caplog.set_level("INFO", logger="dual_process")
    go(time, Progress(1000, seconds=5), steps=1000, seconds_per_step=seconds_per_step)
    lines = len(caplog.messages) - 2
    assert lines <= 1000 * seconds_per_step / 5
    assert lines >= 1000 * seconds_per_step / 5 / 5 - 1


def test_a_run_that_goes_on_counts_its_rate_from_there(time, caplog):
    caplog.set_level("INFO", logger="dual_process")
    go(time, Progress(1000, seconds=10), first_step=960, steps=1000, seconds_per_step=0.5, runs=3)
    assert caplog.messages == [
        "training 3 runs for 1,000 steps, from step 960",
        "step 980 of 1,000 (98%), 2.0 steps/s, 0:10 left, loss 2.000 (1.000 to 3.000)",
        "step 1,000 of 1,000 (100%), 2.0 steps/s, 0:00 left, loss 2.000 (1.000 to 3.000)",
        "trained 40 steps in 0:20",
    ]


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 5.0), (False, 30.0)])
def test_a_terminal_gets_more_lines_than_a_file(monkeypatch, terminal, seconds):
    monkeypatch.setattr(progress.sys, "stderr", SimpleNamespace(isatty=lambda: terminal))
    assert Progress(10).seconds == seconds
