"""Where training and probing compute, on a machine with a GPU and without."""

import platform
import subprocess
import sys

import pytest
import torch

from dual_process import devices
from dual_process.devices import CPU, prepare_device, send, spare_bytes


@pytest.fixture
def _precision():
    precision = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(precision)


@pytest.mark.usefixtures("_precision")
@pytest.mark.parametrize(("available", "device", "precision"), [(False, "cpu", "high"), (True, "cuda:0", "highest")])
def test_the_first_gpu_is_taken_if_there_is_one_and_computes_in_float32(monkeypatch, available, device, precision):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    torch.set_float32_matmul_precision("high")  # as some containers want it, that is TF32
    assert prepare_device() == torch.device(device)
    assert torch.get_float32_matmul_precision() == precision


def test_on_the_cpu_nothing_is_copied_and_nothing_kept():
    tensor = torch.arange(3)
    assert send(tensor, CPU) is tensor
    assert spare_bytes(CPU) == 0


def test_a_quarter_of_the_free_memory_may_hold_copies(monkeypatch):
    monkeypatch.setattr(devices.torch.cuda, "mem_get_info", lambda device: (1000, 4000))
    assert spare_bytes(torch.device("cuda", 0)) == 250


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_copy_to_the_gpu_does_not_wait():
    device = prepare_device()
    torch.cuda._sleep(1 << 30)  # cycles, about half a second
    copied = send(torch.arange(1 << 20), device)
    assert not torch.cuda.current_stream().query()
    assert torch.equal(copied.cpu(), torch.arange(1 << 20))


FAULTS = """
import resource, sys
import numpy as np
from dual_process.devices import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def work():
    arrays = [np.ones(500_000) for _ in range(5)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an option of glibc")
def test_freed_memory_is_kept():
    faults = {}
    for what in ("keep", "leave"):
        done = subprocess.run([sys.executable, "-c", FAULTS, what], capture_output=True, text=True, check=True)
        faults[what] = int(done.stdout)
    assert faults["keep"] < 1000 < faults["leave"]
