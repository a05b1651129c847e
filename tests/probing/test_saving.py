"""Measurements that outlive their job."""

import pytest
import xarray as xr

from dual_process.probing import saving
from dual_process.probing.saving import GROUPS, Measurements


def measured(value: float) -> dict[str, xr.Dataset]:
    """All that is due at a checkpoint."""
    return {group: xr.Dataset({"score": ("run", [value, value + 1])}) for group in GROUPS}


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """Set the time, in seconds."""
    now = [100.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    return now


def test_what_was_saved_is_taken_up_and_what_was_not_is_measured_again(tmp_path, clock):
    job = Measurements(tmp_path)
    for step in (1, 2, 3):
        clock[0] += 40
        job.add(step, measured(step))
    next_job = Measurements(tmp_path)
    assert next_job.take_up([1, 2, 3, 4]) == 2
    assert [step in next_job for step in (1, 2, 3, 4)] == [True, True, False, False]
    for group in GROUPS:
        xr.testing.assert_equal(next_job[2][group], measured(2)[group])


def test_a_short_job_writes_nothing(tmp_path, clock):
    job = Measurements(tmp_path / "folder")
    clock[0] += 59
    job.add(1, measured(1))
    assert job.take_up([1]) == 1
    assert not (tmp_path / "folder").exists()


def test_without_a_folder_nothing_is_written(tmp_path, clock, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = Measurements(None)
    clock[0] += 1000
    job.add(1, measured(1))
    assert job.take_up([1, 2]) == 1
    xr.testing.assert_identical(job[1]["every"], measured(1)["every"])
    assert not list(tmp_path.iterdir())
