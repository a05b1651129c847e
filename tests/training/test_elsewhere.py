"""Training on another device than the CPU, as far as that can be tried without one; and on a GPU where there is one."""

from collections.abc import Callable, Sequence

import pytest
import pytorch_lightning as lightning
import torch
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.strategies import SingleDeviceStrategy

from dual_process import trainer as trainer_module
from dual_process.devices import CPU
from dual_process.models import losses, products
from dual_process.models.stacked import StackedLayerNorm
from dual_process.training import data as data_module
from tests.pretend_device import ELSEWHERE, pretended_device
from tests.tiny import SCHEDULES, Cohort, assert_same, make_cohort

BLOCK = SCHEDULES | {"drift-0.3": {"kind": "drift", "probability": 0.3}}
RESETS = (3, 4, 6, 8)
TRAINING = {"steps": 12, "checkpoints_every": 5, "checkpoints_logarithmic": 0}


class Accelerator(CPUAccelerator):
    """Lightning's handle on the pretended device."""

    def setup_device(self, device: torch.device) -> None:
        pass


class Waits(lightning.Callback):
    """Notes how often the CPU has waited when a step is done."""

    def __init__(self, waits: dict[str, int]) -> None:
        self.waits, self.seen = waits, [0]

    def on_train_batch_end(self, *_: object) -> None:
        self.seen.append(sum(self.waits.values()))

    @property
    def of_steps(self) -> dict[int, int]:
        """Waits of each step but the first, whose beginning nobody saw."""
        return {
            step + 1: now - before for step, (before, now) in enumerate(zip(self.seen, self.seen[1:], strict=False))
        }


@pytest.fixture
def train_elsewhere(monkeypatch, add_callbacks) -> Callable[..., Waits]:
    """Return a function that trains a cohort on the pretended device and returns what the CPU has waited for."""
    build = lightning.Trainer

    def on_device(**options: object) -> lightning.Trainer:
        accelerator = Accelerator()
        strategy = SingleDeviceStrategy(device=ELSEWHERE)
        return build(**options | {"accelerator": accelerator, "strategy": strategy})

    def train(cohort: Cohort, before: Sequence[lightning.Callback] = (), **options: int) -> Waits:
        monkeypatch.setattr(lightning, "Trainer", on_device)
        with pretended_device() as device:
            waits = Waits(device.waits)
            add_callbacks(list(before), [waits])
            cohort.train(**options)
        return waits

    return train


@pytest.fixture
def kernels_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the CPU compute in the way of other devices, bit for bit; its own differs by rounding."""
    monkeypatch.setattr(products, "ONEDNN", False)
    monkeypatch.setattr(losses, "_on_a_cpu", losses._by_softmax)
    monkeypatch.setattr(StackedLayerNorm, "forward", StackedLayerNorm._together)


@pytest.mark.usefixtures("kernels_of_a_gpu")
@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_a_cohort_becomes_what_it_becomes_on_the_cpu(tmp_path, train_elsewhere, protocol):
    options = {"schedules": tuple(BLOCK), "schedules_block": BLOCK, "protocol": protocol, "training": TRAINING}
    here, there = (make_cohort(tmp_path / name, **options) for name in ("here", "there"))
    here.train()
    waits = train_elsewhere(there).of_steps
    assert_same(there.checkpoints(), here.checkpoints())
    quiet = [step for step in waits if step > 1 and step not in (*RESETS, *there.checkpoints())]
    assert quiet == [2, 7, 9, 11]
    assert all(waits[step] <= 1 for step in quiet)  # that of the model, for the list of its target positions
    assert all(waits[step] > 1 for step in there.checkpoints())


@pytest.mark.usefixtures("kernels_of_a_gpu")
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, train_elsewhere, add_callbacks, stopped):
    options = {"schedules": tuple(SCHEDULES), "training": TRAINING}
    here, there = (make_cohort(tmp_path / name, **options) for name in ("here", "there"))
    here.train()
    callback, error = stopped(7)
    with pytest.raises(error):
        train_elsewhere(there, [callback], resume_every=3)
    train_elsewhere(there)
    assert_same(there.checkpoints(), here.checkpoints())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_a_gpu_trains_what_the_cpu_trains(tmp_path, monkeypatch, watch, protocol):
    _, after = watch
    options = {"schedules": tuple(BLOCK), "schedules_block": BLOCK, "protocol": protocol, "training": TRAINING}
    here, there = (make_cohort(tmp_path / name, **options) for name in ("here", "there"))
    there.train()
    rows = {step: after.weights[step]["word_embedding.weight"].cpu() for step in RESETS}
    for module in (trainer_module, data_module):
        monkeypatch.setattr(module, "prepare_device", lambda: CPU)
    here.train()
    for step, due in {3: 2, 4: 1, 6: 2, 8: 1}.items():
        assert torch.equal(rows[step][due], after.weights[step]["word_embedding.weight"][due])
    for step, state in here.checkpoints().items():
        for name, tensor in state.items():
            if not name.endswith("key.bias"):  # it has no gradient but rounding noise, which AdamW then scales up
                torch.testing.assert_close(there.checkpoints()[step][name], tensor, rtol=0, atol=2e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_run_stopped_on_a_gpu_goes_on_as_if_it_had_not_been(tmp_path, add_callbacks, stopped):
    options = {"schedules": tuple(SCHEDULES), "training": TRAINING}
    here, there = (make_cohort(tmp_path / name, **options) for name in ("here", "there"))
    here.train()
    callback, error = stopped(7)
    add_callbacks([callback], [])
    with pytest.raises(error):
        there.train(resume_every=3)
    add_callbacks([], [])
    there.train()
    for step, state in here.checkpoints().items():
        for name, tensor in state.items():
            torch.testing.assert_close(there.checkpoints()[step][name], tensor, rtol=0, atol=1e-5)
