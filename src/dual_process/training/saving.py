"""Callbacks that save: the checkpoints to be probed, and the state from which a killed job goes on.

Both gather in a working folder outside Snakemake's declared outputs, because Snakemake deletes those before it
repeats a job; when training is done the folder is renamed into place.
"""

import logging
import signal
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from safetensors.torch import load_file
from torch import Tensor

from dual_process.checkpoints import RESUME, checkpoint_path, write_tensors
from dual_process.locks import Lease
from dual_process.training.module import CohortModule

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What asks a job to end: a scheduler before and at its limits, cancellation, preemption, and Ctrl-C."""
TRY_AGAIN = 75
"""Exit code of a job that has saved its state and wants to be started again (EX_TEMPFAIL of sysexits.h)."""


class Checkpoints(lightning.Callback):
    """Saves the model at given steps, before any reset that falls on the same step.

    Parameters
    ----------
    folder
        Working folder.
    steps
        When to save.
    num_runs
        Members of the cohort.

    Attributes
    ----------
    loss_sum
        Sum of the losses (R,) since the checkpoint before, where the model is: it leaves a GPU in files only.
    loss_steps
        How many steps are in it.
    """

    def __init__(self, folder: Path, steps: Iterable[int], num_runs: int) -> None:
        self.folder, self.steps = folder, frozenset(steps)
        self.loss_sum = torch.zeros(num_runs)
        self.loss_steps = torch.zeros((), dtype=torch.long)

    def on_train_start(self, trainer: Any, pl_module: CohortModule) -> None:
        """Move the running loss to where the model is."""
        self.loss_sum = self.loss_sum.to(pl_module.device)

    def on_train_batch_end(
        self, trainer: Any, pl_module: CohortModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if the step is listed."""
        self.loss_sum += pl_module.run_losses
        self.loss_steps += 1
        if pl_module.completed_steps in self.steps:
            step = pl_module.completed_steps
            loss = self.loss_sum / self.loss_steps
            state = pl_module.model.state_dict() | {"training_loss": loss}
            write_tensors(checkpoint_path(self.folder, step), state, step=step)
            self.loss_sum.zero_()
            self.loss_steps.zero_()


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
        self, trainer: Any, pl_module: CohortModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if the step is due, and leave if a signal has come meanwhile.

        Raises
        ------
        SystemExit
            With a code that asks for another start.
        """
        if pl_module.completed_steps % self.every == 0 or self.signal:
            self.save(pl_module)
        if self.signal:
            step = f"{pl_module.completed_steps:,}"
            logger.warning(
                "asked to end by %s; saved after step %s, where the next start goes on", self.signal.name, step
            )
            raise SystemExit(TRY_AGAIN)

    def save(self, module: CohortModule) -> None:
        """Write weights, optimizer state and running loss, atomically."""
        if self.lease:
            self.lease.check()
        state = {f"model.{name}": tensor for name, tensor in module.model.state_dict().items()}
        for index, entries in module.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": tensor for name, tensor in entries.items()}
        state |= {"loss.sum": self.checkpoints.loss_sum, "loss.steps": self.checkpoints.loss_steps}
        write_tensors(self.path, state, step=module.completed_steps)

    def on_train_start(self, trainer: Any, pl_module: CohortModule) -> None:
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
        pl_module.model.load_state_dict(_under("model.", state))
        optimizer_state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimizer.", state).items():
            index, key = name.split(".")
            optimizer_state.setdefault(int(index), {})[key] = tensor
        groups = pl_module.optimizer.state_dict()["param_groups"]
        pl_module.optimizer.load_state_dict({"state": optimizer_state, "param_groups": groups})
        self.checkpoints.loss_sum.copy_(state["loss.sum"])
        self.checkpoints.loss_steps.copy_(state["loss.steps"])

    def _note(self, number: int, frame: Any) -> None:
        self.signal = signal.Signals(number)


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
