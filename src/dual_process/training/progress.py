"""Progress that a person can read: whole lines, in the terminal and in the log file, at a bounded rate."""

import logging
import sys
import time
from typing import Any

import pytorch_lightning as lightning

from dual_process.training.module import CohortModule

logger = logging.getLogger(__name__)


class Progress(lightning.Callback):
    """Logs step, rate, time left and loss.

    Parameters
    ----------
    steps
        Total number of steps.
    seconds
        Least time between two lines; by default 5 in a terminal and 30 elsewhere.
    """

    def __init__(self, steps: int, seconds: float | None = None) -> None:
        self.steps = steps
        self.seconds = seconds if seconds is not None else (5.0 if sys.stderr.isatty() else 30.0)
        self.begun = self.shown = 0.0
        self.shown_step = 0

    def on_train_start(self, trainer: Any, pl_module: CohortModule) -> None:
        """Say where training begins."""
        self.begun = self.shown = time.monotonic()
        self.shown_step = pl_module.first_step
        runs = len(pl_module.seeds)
        start = f"from step {self.shown_step:,}" if self.shown_step else "from the start"
        logger.info("training %d run%s for %s steps, %s", runs, "s" if runs > 1 else "", f"{self.steps:,}", start)

    def on_train_batch_end(
        self, trainer: Any, pl_module: CohortModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log a line if enough time has passed."""
        now = time.monotonic()
        if now - self.shown >= self.seconds:
            step = pl_module.completed_steps
            rate = (step - self.shown_step) / (now - self.shown)
            logger.info("%s", progress_line(step, self.steps, rate, pl_module.run_losses.tolist()))
            self.shown, self.shown_step = now, step

    def on_train_end(self, trainer: Any, pl_module: CohortModule) -> None:
        """Say how long it took."""
        seconds = time.monotonic() - self.begun
        logger.info("trained %s steps in %s", f"{pl_module.completed_steps - pl_module.first_step:,}", clock(seconds))


def progress_line(step: int, steps: int, rate: float, losses: list[float]) -> str:
    """One line: step, share, rate, time left, and the loss (mean and range over the runs of a cohort)."""
    loss = f"loss {sum(losses) / len(losses):.3f}"
    if len(losses) > 1:
        loss += f" ({min(losses):.3f} to {max(losses):.3f})"
    left = clock((steps - step) / rate) if rate > 0 else "?"
    return f"step {step:,} of {steps:,} ({step / steps:.0%}), {rate:.1f} steps/s, {left} left, {loss}"


def clock(seconds: float) -> str:
    """Format a duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
