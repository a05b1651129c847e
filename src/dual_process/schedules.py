"""When an embedding is forgotten and when a checkpoint is due: pure functions of the step.

A step is a number of completed optimizer steps, counted from 1. At a step the order is: optimizer step, checkpoint
(so that evaluation comes before a reset), reset (as in the published code).
"""

from collections.abc import Iterable

import numpy as np

from dual_process.blocks import Active, Probabilistic, Schedule, Temporary, Training


def is_reset(schedule: Schedule, step: int) -> bool:
    """Whether the whole embedding is re-initialised after optimizer step `step`.

    Active forgetting resets at every multiple of the period; temporary forgetting at those strictly below
    `forget_until`, so that period 1000 and forget_until 5000 give four resets.
    """
    match schedule:
        case Active(period=period):
            return step > 0 and step % period == 0
        case Temporary(period=period, forget_until=until):
            return step > 0 and step % period == 0 and step < until
    return False


def replacement_probability(schedule: Schedule, step: int) -> float:
    """Chance that a token of the batch of the step after `step` has its row replaced for that step."""
    if isinstance(schedule, Probabilistic) and (schedule.forget_until is None or step < schedule.forget_until):
        return schedule.probability
    return 0.0


def reset_steps(schedule: Schedule, steps: int) -> list[int]:
    """All resets within the first `steps` steps, in order."""
    period = getattr(schedule, "period", steps + 1)
    return [step for step in range(period, steps + 1, period) if is_reset(schedule, step)]


def steps_since_reset(schedule: Schedule, steps: int, at: Iterable[int]) -> np.ndarray:
    """Steps that have passed since the last reset strictly before each step of `at`; NaN where there was none."""
    resets = np.array(reset_steps(schedule, steps), dtype=float)
    at = np.asarray(list(at), dtype=float)
    index = np.searchsorted(resets, at) - 1
    return np.where(index >= 0, at - np.append(resets, np.nan)[index], np.nan)


def checkpoint_steps(training: Training, schedules: Iterable[Schedule]) -> list[int]:
    """Steps at which a cohort is saved: logarithmic, then linear, the last, and some after resets.

    All members of a cohort are saved together, so the result is the union over their schedules.
    """
    steps = set(range(training.checkpoints_every, training.steps + 1, training.checkpoints_every))
    end = min(training.checkpoints_every, training.steps)
    steps |= {int(step) for step in np.geomspace(1, end, training.checkpoints_logarithmic).round()}
    for schedule in schedules:
        resets = reset_steps(schedule, training.steps)
        chosen = (
            {resets[int(i)] for i in np.linspace(0, len(resets) - 1, training.checkpoints_resets)} if resets else set()
        )
        steps |= {reset + offset for reset in chosen for offset in training.checkpoints_after_reset}
    return sorted(step for step in steps | {training.steps} if 1 <= step <= training.steps)


def learning_rate(training: Training, step: int) -> float:
    """Learning rate of optimizer step `step`, counted from 1: constant, or linear up and then linear down to zero.

    The linear form is that of ``transformers.get_linear_schedule_with_warmup`` (as in the published autoregressive
    study).
    """
    if training.learning_rate_schedule == "constant":
        return training.learning_rate
    completed, warmup = step - 1, round(training.warmup * training.steps)
    if completed < warmup:
        return training.learning_rate * completed / warmup
    return training.learning_rate * (training.steps - completed) / (training.steps - warmup)
