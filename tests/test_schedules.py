"""When resets and checkpoints happen, against the schedules of the published code."""

import numpy as np
import pytest
import torch
from transformers import get_linear_schedule_with_warmup

from dual_process.blocks import Active, Probabilistic, Temporary, Training, Vanilla
from dual_process.schedules import (
    checkpoint_steps,
    is_reset,
    learning_rate,
    replacement_probability,
    reset_steps,
    steps_since_reset,
)

VANILLA = Vanilla(kind="vanilla")


def active(period):
    return Active(kind="active", period=period)


def temporary(period, until):
    return Temporary(kind="temporary", period=period, forget_until=until)


@pytest.mark.parametrize(
    ("schedule", "steps", "count", "first", "last"),
    [
        (VANILLA, 62_500, 0, None, None),
        (active(1000), 62_500, 62, 1000, 62_000),
        (active(1000), 1000, 1, 1000, 1000),
        (active(1000), 999, 0, None, None),
        (temporary(1000, 5000), 62_500, 4, 1000, 4000),
        (temporary(10, 500), 62_500, 49, 10, 490),
        (temporary(10, 1000), 62_500, 99, 10, 990),
        (temporary(10, 1500), 62_500, 149, 10, 1490),
        (temporary(10, 2000), 62_500, 199, 10, 1990),
        (temporary(250, 500), 62_500, 1, 250, 250),
        (temporary(250, 2000), 62_500, 7, 250, 1750),
        (temporary(1000, 2500), 62_500, 2, 1000, 2000),
        (temporary(1000, 10_000), 62_500, 9, 1000, 9000),
        (temporary(1000, 20_000), 62_500, 19, 1000, 19_000),
        (temporary(1000, 1001), 62_500, 1, 1000, 1000),
        (temporary(1000, 5000), 2500, 2, 1000, 2000),
        (Probabilistic(kind="probabilistic", probability=0.1), 62_500, 0, None, None),
    ],
    ids=str,
)
def test_resets(schedule, steps, count, first, last):
    resets = reset_steps(schedule, steps)
    assert len(resets) == count
    assert resets == [step for step in range(steps + 1) if is_reset(schedule, step)]
    if count:
        assert (resets[0], resets[-1]) == (first, last)
        assert set(np.diff(resets)) <= {schedule.period}


def test_resets_are_those_of_the_published_condition():
    assert reset_steps(temporary(1000, 5000), 62_500) == [1000, 2000, 3000, 4000]
    for period, until in [(3, 10), (3, 9), (1, 2), (7, 100), (10, None)]:
        schedule = active(period) if until is None else temporary(period, until)
        expected = [s for s in range(1, 121) if s % period == 0 and (until is None or s < until)]
        assert reset_steps(schedule, 120) == expected


@pytest.mark.parametrize(
    ("until", "chances"), [(None, {0: 0.25, 4: 0.25, 5: 0.25, 10**6: 0.25}), (5, {0: 0.25, 4: 0.25, 5: 0, 10**6: 0})]
)
def test_replacement_stops_at_forget_until(until, chances):
    schedule = Probabilistic(kind="probabilistic", probability=0.25, forget_until=until)
    assert {step: replacement_probability(schedule, step) for step in chances} == chances


@pytest.mark.parametrize("schedule", [VANILLA, active(2), temporary(2, 5)], ids=str)
def test_only_probabilistic_forgetting_replaces_rows(schedule):
    assert [replacement_probability(schedule, step) for step in range(6)] == [0.0] * 6


def test_steps_since_reset_count_from_the_reset_before_since_evaluation_comes_first():
    found = steps_since_reset(temporary(10, 25), 100, [1, 9, 10, 11, 19, 20, 21, 30, 100])
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, 1, 9, 10, 1, 10, 80])


def test_steps_since_reset_of_active_forgetting_are_never_zero():
    found = steps_since_reset(active(4), 12, range(1, 13))
    np.testing.assert_array_equal(found, [np.nan] * 4 + [1, 2, 3, 4] * 2)


@pytest.mark.parametrize("schedule", [VANILLA, Probabilistic(kind="probabilistic", probability=0.5)], ids=str)
def test_without_resets_there_are_no_steps_since(schedule):
    assert np.isnan(steps_since_reset(schedule, 100, [1, 50, 100])).all()


def training(**changes):
    defaults = {"steps": 100, "checkpoints_logarithmic": 0, "checkpoints_every": 1000}
    return Training(**defaults | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [100]),
        ({"checkpoints_every": 30}, [30, 60, 90, 100]),
        ({"checkpoints_every": 50}, [50, 100]),
        ({"checkpoints_logarithmic": 3}, [1, 10, 100]),
        ({"checkpoints_logarithmic": 5}, [1, 3, 10, 32, 100]),
        ({"checkpoints_logarithmic": 1}, [1, 100]),
        ({"checkpoints_logarithmic": 3, "checkpoints_every": 40}, [1, 6, 40, 80, 100]),
        ({"steps": 1, "checkpoints_logarithmic": 20}, [1]),
    ],
    ids=str,
)
def test_logarithmic_linear_and_last_checkpoints(changes, expected):
    assert checkpoint_steps(training(**changes), [VANILLA]) == expected


@pytest.mark.parametrize(
    ("schedules", "after", "resets", "expected"),
    [
        ([VANILLA], (1, 5), 3, [100]),
        ([active(20)], (1, 5), 3, [21, 25, 61, 65, 100]),  # resets 20, 60 and 100; what would follow 100 is cut
        ([active(20)], (1,), 2, [21, 100]),
        ([active(20)], (1,), 0, [100]),
        ([active(20)], (), 3, [100]),
        ([active(20)], (1,), 99, [21, 41, 61, 81, 100]),
        ([temporary(10, 40)], (2,), 3, [12, 22, 32, 100]),
        ([temporary(10, 40), active(50), VANILLA], (2,), 3, [12, 22, 32, 52, 100]),
    ],
    ids=str,
)
def test_checkpoints_after_resets_are_the_union_over_schedules(schedules, after, resets, expected):
    changes = {"checkpoints_after_reset": after, "checkpoints_resets": resets}
    assert checkpoint_steps(training(**changes), schedules) == expected


def test_checkpoints_at_the_papers_size_are_sorted_unique_and_within_range():
    config = Training(
        steps=62_500, checkpoints_every=500, checkpoints_logarithmic=40, checkpoints_after_reset=(50, 990)
    )
    steps = checkpoint_steps(config, [VANILLA, active(1000), temporary(1000, 5000)])
    assert steps == sorted(set(steps))
    assert all(type(step) is int for step in steps)
    assert (steps[0], steps[-1]) == (1, 62_500)
    assert {500, 1000, 62_000, 1050, 1990, 4050, 4990} <= set(steps)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
def test_linear_learning_rate_is_that_of_transformers(warmup):
    config = training(learning_rate=0.3, learning_rate_schedule="linear", warmup=warmup)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    theirs = get_linear_schedule_with_warmup(optimizer, round(warmup * config.steps), config.steps)
    for step in range(1, config.steps + 1):
        assert learning_rate(config, step) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()


def test_constant_learning_rate_is_constant():
    assert {learning_rate(training(learning_rate=0.3), step) for step in (1, 50, 100)} == {0.3}
