"""A cell of the probe store: the runs that a claim speaks of, and their curves.

Legend: a cell holds all schedules and seeds of one task, model, training variant, protocol and distribution; a curve
is one seed's measured values over steps, and its end is the mean over the last tenth of the steps.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.store import RUN_COLUMNS

END_SHARE = 0.1
"""The end of a run is this last share of its steps."""
SETTING = ("task", "model", "training")
SCHEDULE_COLUMNS = ("schedule", "period", "forget_until")


class Measurements:
    """A probe store as plain arrays: resampling asks for the same few curves thousands of times.

    Parameters
    ----------
    dataset
        Probe store.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self.dataset = dataset
        self._labels: dict[Hashable, np.ndarray] = {}
        self._positions: dict[Hashable, dict[Any, int]] = {}

    def labels(self, name: Hashable) -> np.ndarray:
        """Values of a coordinate."""
        if name not in self._labels:
            self._labels[name] = self.dataset.variables[name].values
        return self._labels[name]

    def position(self, dim: Hashable, label: object) -> int | None:
        """Where a label stands along a dimension; None if it is not there."""
        if dim not in self._positions:
            self._positions[dim] = {value: place for place, value in enumerate(self.labels(dim).tolist())}
        return self._positions[dim].get(label)


@dataclass(frozen=True)
class Cell:
    """The runs of one task, model, training variant, protocol and distribution.

    Parameters
    ----------
    store
        All runs.
    rows
        Which of its runs are in this cell.
    figure, protocol, distribution
        Names.
    law, alpha
        Kind of the distribution, and its exponent or NaN.
    label
        The distribution, with task, model and training variant where the whole store has several.
    """

    store: Measurements
    rows: tuple[int, ...]
    figure: str
    protocol: str
    distribution: str
    law: str
    alpha: float
    label: str

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Probe store of these runs alone."""
        return self.store.dataset.isel(run=list(self.rows))

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        names = (*SCHEDULE_COLUMNS, "kind", "seed")
        return {name: self.store.labels(name)[list(self.rows)].tolist() for name in names}

    @cached_property
    def _schedules(self) -> dict[str, list[tuple[str, float, float]]]:
        """Name, period and end of each schedule, in order, by kind."""
        by_kind: dict[str, dict[str, tuple[str, float, float]]] = {}
        for kind, *row in zip(self._columns["kind"], *(self._columns[name] for name in SCHEDULE_COLUMNS), strict=True):
            by_kind.setdefault(kind, {})[row[0]] = (str(row[0]), row[1], row[2])
        return {
            kind: sorted(rows.values(), key=lambda row: (_nan_last(row[2]), _nan_last(row[1])))
            for kind, rows in by_kind.items()
        }

    @cached_property
    def _members(self) -> dict[str, dict[int, int]]:
        """Row of each seed in the store, by schedule."""
        found: dict[str, dict[int, int]] = {}
        for row, name, seed in zip(self.rows, self._columns["schedule"], self._columns["seed"], strict=True):
            found.setdefault(name, {})[int(seed)] = row
        return found

    def schedules(self, kind: str) -> pd.DataFrame:
        """Schedules of one kind: ``schedule``, ``period`` and ``forget_until``, in order of the latter two."""
        return pd.DataFrame(self._schedules.get(kind, []), columns=list(SCHEDULE_COLUMNS))

    def names(self, kind: str) -> list[str]:
        """Names of the schedules of one kind; the kind itself if there is none, so that its claims are still listed."""
        return [name for name, _, _ in self._schedules.get(kind, [])] or [kind]

    def period(self, schedule: str) -> float:
        """Steps between the resets of a schedule; NaN if there are none, or no such runs."""
        return next((row[1] for rows in self._schedules.values() for row in rows if row[0] == schedule), float("nan"))

    def curves(self, variable: str, schedule: str, **where: object) -> dict[int, pd.Series]:
        """Measured curve over steps of each seed of a schedule.

        Parameters
        ----------
        variable
            Variable of the probe store, over ``step`` or ``analysis_step``.
        schedule
            Name of the schedule.
        where
            One label for each dimension besides run and step.

        Returns
        -------
        dict
            By seed; a seed without any measured step is left out, and so are all where no run has the variable.
        """
        return {seed: pd.Series(y, index=x) for seed, (x, y) in self._curves(variable, schedule, where).items()}

    def ends(self, variable: str, schedule: str, **where: object) -> dict[int, float]:
        """End of each seed's curve; see `curves` and `end`."""
        return {seed: _end(x, y) for seed, (x, y) in self._curves(variable, schedule, where).items()}

    def _curves(
        self, variable: str, schedule: str, where: Mapping[str, object]
    ) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        members = self._members.get(schedule, {})
        values = self.store.dataset.variables.get(variable)
        if values is None or not members:
            return {}
        place: dict[Hashable, Any] = {dim: self.store.position(dim, label) for dim, label in where.items()}
        if None in place.values():
            return {}
        (along,) = (dim for dim in values.dims if dim != "run" and dim not in where)
        x, table, found = self.store.labels(along), values.values, {}
        for seed, row in members.items():
            place["run"] = row
            y = table[tuple(place.get(dim, slice(None)) for dim in values.dims)].astype(float)
            measured = np.isfinite(y)
            if measured.any():
                found[seed] = (x[measured], y[measured])
        return found


def run_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the runs as a table, in the order of the runs."""
    return pd.DataFrame({name: dataset[name].values.astype(object) for name in RUN_COLUMNS}).infer_objects()


def cells(dataset: xr.Dataset, figure: str) -> Iterator[Cell]:
    """Split a probe store into cells, ordered by protocol, task, model, training variant and distribution."""
    store = Measurements(dataset)
    names = ("protocol", *SETTING, "law", "alpha", "distribution")
    columns = {name: store.labels(name).tolist() for name in names}
    several = [name for name in SETTING if len(set(columns[name])) > 1]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns.values(), strict=True)):
        groups.setdefault((*key[:-2], _nan_last(key[-2]), key[-1]), []).append(row)
    for _, members in sorted(groups.items()):
        one = {name: column[members[0]] for name, column in columns.items()}
        label = ",".join([one["distribution"], *(one[name] for name in several)])
        law, alpha = one["law"], float(one["alpha"])
        yield Cell(store, tuple(members), figure, one["protocol"], one["distribution"], law, alpha, label)


def _nan_last(value: float) -> tuple[bool, float]:
    """Order of a number that may be NaN; NaN equals NaN."""
    return (True, 0.0) if value != value else (False, value)


def end(curve: pd.Series) -> float:
    """Mean over the last tenth of the steps of a curve indexed by step."""
    return _end(curve.index.to_numpy(), curve.to_numpy())


def _end(steps: np.ndarray, values: np.ndarray) -> float:
    return float(values[steps >= (1 - END_SHARE) * steps.max()].mean())


def combine(*parts: Mapping[int, float]) -> list[tuple[float, ...]]:
    """Values of the seeds that all parts have: schedules are compared in pairs."""
    return [tuple(part[seed] for part in parts) for seed in sorted(set.intersection(*map(set, parts)))]
