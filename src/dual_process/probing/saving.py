"""What has been measured of a cohort, saved now and then so that a killed job goes on."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from dual_process.store import open_store, write_store

EVERY = 60.0
"""Seconds between two writes: what a killed job loses at most, beside the checkpoint at hand."""
GROUPS = ("every", "some", "last")
"""What is measured at every checkpoint, at some and at the last."""

Measured = Mapping[str, xr.Dataset]
"""Datasets by group, of one checkpoint."""


class Measurements:
    """Measurements by step, those of a killed job among them.

    Parameters
    ----------
    folder
        Where they gather, a store for each step; None keeps them in memory alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._measured: dict[int, Measured] = {}
        self._unsaved: list[int] = []
        self._saved_at = time.monotonic()

    def take_up(self, steps: Sequence[int]) -> int:
        """Read what an earlier job has measured of these steps, and return of how many."""
        for step in steps:
            path = self._path(step)
            if path is not None and path.exists():
                self._measured[step] = {group: open_store(path, group) for group in GROUPS}
        return len(self._measured)

    def __contains__(self, step: int) -> bool:
        return step in self._measured

    def __getitem__(self, step: int) -> Measured:
        return self._measured[step]

    def add(self, step: int, measured: Measured) -> None:
        """Add what was measured at a step, and save if it is time to."""
        self._measured[step] = measured
        self._unsaved.append(step)
        if self.folder is not None and time.monotonic() - self._saved_at >= EVERY:
            self._save()

    def _save(self) -> None:
        for step in self._unsaved:
            path = self._path(step)
            assert path is not None, "the caller has a folder"
            write_store(path, self._measured[step], {})
        self._unsaved, self._saved_at = [], time.monotonic()

    def _path(self, step: int) -> Path | None:
        return None if self.folder is None else self.folder / f"step_{step:08d}.zarr"
