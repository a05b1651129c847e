"""Probing on another device than the CPU, as far as that can be tried without one; and on a GPU where there is one."""

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from dual_process.devices import CPU
from dual_process.probing import cohort as cohort_module
from dual_process.probing import evaluation as evaluation_module
from dual_process.probing.evaluation import Evaluations
from dual_process.probing.scores import LOGITS_AT_ONCE
from tests.pretend_device import ELSEWHERE, pretended_device
from tests.probing.conftest import probe


@pytest.fixture
def probe_elsewhere(monkeypatch):
    """Return a function that measures a cohort on the pretended device, with so much room for sets."""

    def measure(cohort: Any, room: int) -> tuple[xr.Dataset, int]:
        monkeypatch.setattr(cohort_module, "prepare_device", lambda: ELSEWHERE)
        monkeypatch.setattr(evaluation_module, "spare_bytes", lambda device: room)
        monkeypatch.setitem(LOGITS_AT_ONCE, ELSEWHERE.type, LOGITS_AT_ONCE["cpu"])
        with pretended_device() as device:
            return probe(cohort), sum(device.waits.values())

    return measure


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_it_measures_what_the_cpu_measures(trained, measured, probe_elsewhere, protocol):
    wanted = measured("zipf-1.5", protocol)
    found, _ = probe_elsewhere(trained("zipf-1.5", protocol), 1 << 30)
    xr.testing.assert_identical(found, wanted)


@pytest.mark.slow
def test_sets_are_copied_once_where_there_is_room(trained, probe_elsewhere):
    found, waits = zip(*(probe_elsewhere(trained("uniform", "corrected"), room) for room in (1 << 30, 0)), strict=True)
    xr.testing.assert_identical(*found)
    sets, steps = 6, 4
    assert waits[1] - waits[0] > 3 * sets * (steps - 1)


def test_kept_sets_are_no_larger_than_the_room(trained, monkeypatch):
    cohort = trained("uniform", "corrected")
    stores = [next(path for path in cohort.datasets if path.stem == run.dataset) for run in cohort.plan.runs]
    size = 8 * 50 * 7 * 8
    monkeypatch.setattr(evaluation_module, "spare_bytes", lambda device: size + 8 * 50 * 3 * 8)
    evaluations = Evaluations(cohort.probes, stores)
    monkeypatch.setattr(evaluation_module, "spare_bytes", lambda device: 0)
    without = Evaluations(cohort.probes, stores)
    for name in ("val", "switch"):
        for variable in ("input", "label", "choice"):
            first, again = evaluations.tensor(name, variable), evaluations.tensor(name, variable)
            assert (first.data_ptr() == again.data_ptr()) == (name == "val" and variable != "choice")
            assert torch.equal(first, without.tensor(name, variable))
            assert torch.equal(evaluations.tensor(name, variable, 7), first[:, :7])
    assert without.tensor("val", "input").data_ptr() != without.tensor("val", "input").data_ptr()
    assert without.device == CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_a_gpu_measures_what_the_cpu_measures(trained, monkeypatch, protocol):
    cohort = trained("zipf-1.5", protocol)
    on_gpu = probe(cohort)
    monkeypatch.setattr(cohort_module, "prepare_device", lambda: CPU)
    on_cpu = probe(cohort)
    for name in ("training_loss", "training_queries", "steps_since_reset"):
        np.testing.assert_array_equal(on_gpu[name], on_cpu[name])
    losses = [each["score"].sel(metric=["loss", "loss_copying", "loss_decision"]) for each in (on_gpu, on_cpu)]
    xr.testing.assert_allclose(*losses, rtol=1e-4)
    for name in ("score", "probe_accuracy", "separability", "centroid_accuracy", "ablation_effect", "token_accuracy"):
        apart = abs(on_gpu[name] - on_cpu[name])
        assert float(apart.mean()) < 2e-3, name  # rounding decides a few ties
    for name in ("embedding_coordinates", "embedding_norm", "embedding_drift", "attention_reading"):
        xr.testing.assert_allclose(on_gpu[name], on_cpu[name], rtol=1e-3, atol=1e-5)
