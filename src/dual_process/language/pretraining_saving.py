"""Callbacks of pretraining that save and tell: checkpoints, the state from which a killed job goes on, and progress.

As in :mod:`dual_process.training.saving`, but for a model of transformers, whose checkpoints are ordinary folders.
"""

import logging
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from dual_process.checkpoints import RESUME, write_tensors
from dual_process.language.pretraining_module import PretrainingModule
from dual_process.language_runs import checkpoint_name
from dual_process.locks import Lease
from dual_process.store import finished

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What asks a job to end: a scheduler before and at its limits, cancellation, preemption, and Ctrl-C."""
TRY_AGAIN = 75
"""Exit code of a job that has saved its state and wants to be started again (EX_TEMPFAIL of sysexits.h)."""
SECONDS = 10.0
"""Least time between two lines of progress."""


class Checkpoints(lightning.Callback):
    """Saves model and tokenizer at given steps, before any reset that falls on the same step.

    Parameters
    ----------
    folder
        Working folder.
    steps
        When to save, in increasing order.
    tokenizer
        What a checkpoint needs beside the model.
    """

    def __init__(self, folder: Path, steps: Sequence[int], tokenizer: PreTrainedTokenizerFast) -> None:
        self.folder, self.steps, self.tokenizer = folder, steps, tokenizer
        self.losses = torch.full((len(steps),), torch.nan)
        """Mean loss since the checkpoint before, for each checkpoint."""
        self.loss_sum = torch.zeros(())
        self.loss_steps = torch.zeros((), dtype=torch.long)
        disable_progress_bar()  # a bar for each checkpoint of five megabytes

    def on_train_batch_end(
        self, trainer: Any, pl_module: PretrainingModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if the step is listed."""
        self.loss_sum += pl_module.loss.to(self.loss_sum.device)
        self.loss_steps += 1
        step = pl_module.completed_steps
        if step in self.steps:
            self.losses[self.steps.index(step)] = self.loss_sum / self.loss_steps
            self.loss_sum.zero_()
            self.loss_steps.zero_()
            with finished(self.folder / checkpoint_name(step)) as partial:
                pl_module.model.save_pretrained(partial)
                self.tokenizer.save_pretrained(partial)


class Resume(lightning.Callback):
    """Keeps the newest complete state of training, also when asked to end; goes last, after resets.

    Parameters
    ----------
    folder
        Working folder.
    every
        Steps between two states.
    checkpoints
        Whose running loss belongs to the state.
    lease
        Which must be ours whenever a state is saved.
    """

    def __init__(self, folder: Path, every: int, checkpoints: Checkpoints, lease: Lease | None = None) -> None:
        self.path, self.every, self.checkpoints, self.lease = folder / RESUME, every, checkpoints, lease
        self.signal: signal.Signals | None = None

    def on_train_batch_end(
        self, trainer: Any, pl_module: PretrainingModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if the step is due, and leave if a signal has come meanwhile.

        Raises
        ------
        SystemExit
            With a code that asks for another start.
        """
        if pl_module.completed_steps % self.every == 0 or self.signal:
            if self.lease:
                self.lease.check()
            write_tensors(self.path, self._state(pl_module), step=pl_module.completed_steps)
        if self.signal:
            step = f"{pl_module.completed_steps:,}"
            logger.warning(
                "asked to end by %s; saved after step %s, where the next start goes on", self.signal.name, step
            )
            raise SystemExit(TRY_AGAIN)

    def on_train_start(self, trainer: Any, pl_module: PretrainingModule) -> None:
        """Load the saved state, if there is one, and listen to signals.

        Lightning has put up its own handler, which would end training without a saved state and with success, and puts
        back the former ones when training ends.
        """
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._note)
        if not self.path.exists():
            return
        state = load_file(self.path)
        optimizer_state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in state.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".")
                optimizer_state.setdefault(int(index), {})[key] = tensor
        groups = pl_module.optimizer.state_dict()["param_groups"]
        pl_module.optimizer.load_state_dict({"state": optimizer_state, "param_groups": groups})
        with torch.no_grad():
            for name, tensor in self._own(pl_module).items():
                tensor.copy_(state[name])

    def _state(self, module: PretrainingModule) -> dict[str, Tensor]:
        """Weights, optimizer state and running loss."""
        entries = module.optimizer.state_dict()["state"].items()
        moments = {f"optimizer.{index}.{key}": each for index, values in entries for key, each in values.items()}
        return self._own(module) | moments

    def _own(self, module: PretrainingModule) -> dict[str, Tensor]:
        """Tensors of the state that are there from the start; a tied one has one name."""
        losses = {name: getattr(self.checkpoints, name) for name in ("losses", "loss_sum", "loss_steps")}
        return {f"model.{name}": parameter for name, parameter in module.model.named_parameters()} | losses

    def _note(self, number: int, frame: Any) -> None:
        self.signal = signal.Signals(number)


class Progress(lightning.Callback):
    """Logs step, rate, time left and loss.

    Parameters
    ----------
    steps
        Total number of steps.
    seconds
        Least time between two lines.
    """

    def __init__(self, steps: int, seconds: float = SECONDS) -> None:
        self.steps, self.seconds = steps, seconds
        self.shown, self.shown_step = 0.0, 0

    def on_train_start(self, trainer: Any, pl_module: PretrainingModule) -> None:
        """Say where training begins."""
        self.shown, self.shown_step = time.monotonic(), pl_module.first_step
        pieces = f"{pl_module.model.config.vocab_size:,}"
        start = f"from step {self.shown_step:,}" if self.shown_step else "from the start"
        logger.info("training for %s steps, %s, with %s word pieces", f"{self.steps:,}", start, pieces)

    def on_train_batch_end(
        self, trainer: Any, pl_module: PretrainingModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log a line if enough time has passed, or all is done."""
        now, step = time.monotonic(), pl_module.completed_steps
        if now - self.shown >= self.seconds or step == self.steps:
            rate = (step - self.shown_step) / max(now - self.shown, 1e-9)
            minutes, rest = divmod(round((self.steps - step) / rate), 60)
            done = f"step {step:,} of {self.steps:,} ({step / self.steps:.0%}), {rate:.1f} steps/s"
            logger.info("%s, %d:%02d left, loss %.3f", done, minutes, rest, float(pl_module.loss))
            self.shown, self.shown_step = now, step
