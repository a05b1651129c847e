"""What the callbacks that save write, and when."""

import os
import signal

import pytest
import pytorch_lightning as lightning
import torch
from safetensors.torch import load_file

from dual_process.checkpoints import RESUME, resumable_step
from dual_process.locks import Lease, LeaseLostError
from dual_process.training.saving import TRY_AGAIN
from tests.tiny import assert_same, make_cohort

SCHEDULES = ("vanilla", "active-4")


def test_checkpoints_are_the_weights_after_their_step(tmp_path, watch):
    before, _ = watch
    cohort = make_cohort(tmp_path, schedules=SCHEDULES)
    cohort.train()
    for step, state in cohort.checkpoints().items():
        assert state.keys() - before.weights[step].keys() == {"training_loss"}
        for name, tensor in before.weights[step].items():
            assert torch.equal(state[name], tensor)


def test_training_loss_is_the_mean_of_each_run_since_the_checkpoint_before(tmp_path, watch):
    _, after = watch
    cohort = make_cohort(tmp_path, schedules=SCHEDULES)
    cohort.train()
    last = 0
    for step, state in cohort.checkpoints().items():
        wanted = torch.stack([after.losses[s] for s in range(last + 1, step + 1)]).mean(0)
        torch.testing.assert_close(state["training_loss"], wanted)
        last = step
    assert last == 10
    assert not torch.equal(after.losses[10][0], after.losses[10][1])


@pytest.mark.parametrize("step", [2, 4, 9])
def test_the_resumable_state_is_that_after_resets(tmp_path, watch, add_callbacks, stopped, step):
    first, last = watch
    cohort = make_cohort(tmp_path, schedules=SCHEDULES)
    callback, error = stopped(step)
    add_callbacks([first], [last, callback])
    with pytest.raises(error):
        cohort.train(resume_every=1)
    assert resumable_step(cohort.working) == step
    state = load_file(cohort.working / RESUME)
    for name, tensor in last.weights[step].items():
        assert torch.equal(state.pop(f"model.{name}"), tensor)
    since = {2: [], 4: [3, 4], 9: [6, 7, 8, 9]}[step]  # the checkpoints are 1, 2, 5 and 10
    assert int(state.pop("loss.steps")) == len(since)
    wanted = sum((last.losses[s] for s in since), torch.zeros(2))
    torch.testing.assert_close(state.pop("loss.sum"), wanted)
    saved = sorted(state.pop(name).flatten().tolist() for name in list(state) if name.startswith("optimizer."))
    moments = last.moments[step].values()
    assert saved == sorted(tensor.flatten().tolist() for entry in moments for tensor in entry.values())
    assert not state


def test_states_are_written_at_multiples_only(tmp_path, add_callbacks, stopped):
    cohort = make_cohort(tmp_path)
    callback, error = stopped(9)
    add_callbacks([], [callback])
    with pytest.raises(error):
        cohort.train(resume_every=4)
    assert resumable_step(cohort.working) == 8


class SignalAt(lightning.Callback):
    """Sends this process a signal during a step, as a scheduler would."""

    def __init__(self, step, number):
        self.step, self.number = step, number

    def on_after_backward(self, trainer, pl_module):
        if pl_module.completed_steps == self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_step_at_hand_and_leaves_with_a_code_that_asks_for_another_start(
    tmp_path, add_callbacks, caplog, number
):
    undisturbed = make_cohort(tmp_path / "undisturbed", schedules=SCHEDULES)
    undisturbed.train()
    cohort = make_cohort(tmp_path / "disturbed", schedules=SCHEDULES)
    handler = signal.getsignal(number)
    add_callbacks([SignalAt(6, number)], [])
    with pytest.raises(SystemExit) as left:
        cohort.train(resume_every=100)
    assert left.value.code == TRY_AGAIN == os.EX_TEMPFAIL
    assert resumable_step(cohort.working) == 7
    assert f"asked to end by {number.name}; saved after step 7, where the next start goes on" in caplog.messages
    assert signal.getsignal(number) == handler
    add_callbacks([], [])
    cohort.train(resume_every=100)
    assert_same(cohort.checkpoints(), undisturbed.checkpoints())


def test_nothing_more_is_saved_once_another_process_has_taken_over(tmp_path, add_callbacks, monkeypatch):
    cohort = make_cohort(tmp_path)
    held = []
    take = Lease.try_to_take
    monkeypatch.setattr(Lease, "try_to_take", lambda lease: held.append(lease) or take(lease))

    class TakeOver(lightning.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            held[-1].lost = pl_module.completed_steps == 5

    add_callbacks([TakeOver()], [])
    with pytest.raises(LeaseLostError, match="another one has gone on with cohort-0123"):
        cohort.train(resume_every=1)
    assert resumable_step(cohort.working) == 4
    assert not cohort.output.exists()
