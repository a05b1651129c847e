"""What a claim is, and how a verdict is reached from the values of the seeds.

Input is the probe store; output is a frozen :class:`Claim`. A claim that fails is a finding: nothing here
raises for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.store import RUN_COLUMNS

Comparison = Literal[">=", "<=", ">", "<"]
Verdict = Literal["holds", "fails", "not testable"]

END_SHARE = 0.1
"""The end of a run is this last share of its steps."""
DECIMALS = 6
"""Values are rounded to what single precision holds: an accuracy stored as .9 is .9."""
COMPARE = {">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less}


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, put to the test under one protocol.

    Parameters
    ----------
    id
        Stable name, such as "F3.vanilla.unseen.fades[zipf-1.0001]".
    figure
        Name of the figure that shows it.
    statement
        What is claimed, in words.
    protocol
        Protocol of the runs.
    conditions
        Runs and metric that were looked at.
    value
        Mean over seeds; None if there is none.
    low, high
        Smallest and largest seed.
    comparison, threshold
        The claim holds if `value` compares so with the threshold.
    verdict
        "holds", "fails" or "not testable".
    reason
        How the verdict came about.
    """

    id: str
    figure: str
    statement: str
    protocol: str
    conditions: str
    value: float | None
    low: float | None
    high: float | None
    comparison: Comparison
    threshold: float
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Statement:
    """What is claimed of a value.

    Parameters
    ----------
    name
        First part of the ids of its claims.
    text
        One sentence.
    comparison, threshold
        As in :class:`Claim`.
    """

    name: str
    text: str
    comparison: Comparison
    threshold: float


@dataclass(frozen=True)
class Cell:
    """The runs of one task, model, protocol and distribution.

    Parameters
    ----------
    dataset
        Probe store of these runs alone.
    figure, protocol, distribution
        Names.
    law, alpha
        Kind of the distribution, and its exponent or NaN.
    label
        The distribution, with task and model where the whole store has several.
    """

    dataset: xr.Dataset
    figure: str
    protocol: str
    distribution: str
    law: str
    alpha: float
    label: str

    def schedules(self, kind: str) -> pd.DataFrame:
        """Schedules of one kind: ``schedule``, ``period`` and ``forget_until``, in order of the latter two."""
        runs = run_table(self.dataset)
        runs = runs[runs["kind"] == kind].drop_duplicates("schedule")
        return runs[["schedule", "period", "forget_until"]].sort_values(["forget_until", "period"])

    def names(self, kind: str) -> list[str]:
        """Names of the schedules of one kind; the kind itself if there is none, so that its claims are still listed."""
        return [str(name) for name in self.schedules(kind)["schedule"]] or [kind]

    def curves(self, variable: str, schedule: str, **where: object) -> dict[int, pd.Series]:
        """Measured curve over steps of each seed of a schedule.

        Parameters
        ----------
        variable
            Variable of the probe store.
        schedule
            Name of the schedule.
        where
            One label for each dimension besides run and step.

        Returns
        -------
        dict
            By seed; a seed without any measured step is left out.
        """
        values = self.dataset[variable]
        if any(label not in values[dim].values for dim, label in where.items()):
            return {}
        table = values.sel(where).transpose("run", "step").values.astype(float)
        found = {}
        for index in np.flatnonzero(self.dataset["schedule"].values.astype(object) == schedule):
            curve = pd.Series(table[index], index=values["step"].values).dropna()
            if len(curve):
                found[int(self.dataset["seed"].values[index])] = curve
        return found

    def ends(self, variable: str, schedule: str, **where: object) -> dict[int, float]:
        """End of each seed's curve; see `curves` and `end`."""
        return {seed: end(curve) for seed, curve in self.curves(variable, schedule, **where).items()}


def run_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the runs as a table, in the order of the runs."""
    return pd.DataFrame({name: dataset[name].values.astype(object) for name in RUN_COLUMNS}).infer_objects()


def cells(dataset: xr.Dataset, figure: str) -> Iterator[Cell]:
    """Split a probe store into cells, ordered by protocol, task, model and distribution."""
    runs = run_table(dataset)
    several = [name for name in ("task", "model") if runs[name].nunique() > 1]
    for names, members in runs.groupby(["protocol", "task", "model", "law", "alpha", "distribution"], dropna=False):
        protocol, task, model, law, alpha, distribution = names
        extra = [str(dict(task=task, model=model)[name]) for name in several]
        chosen = dataset.isel(run=members.index.to_numpy())
        yield Cell(chosen, figure, protocol, distribution, law, float(alpha), ",".join([distribution, *extra]))


def end(curve: pd.Series) -> float:
    """Mean over the last tenth of the steps of a curve indexed by step."""
    return float(curve[curve.index >= (1 - END_SHARE) * curve.index.max()].mean())


def combine(*parts: Mapping[int, float]) -> list[tuple[float, ...]]:
    """Values of the seeds that all parts have: schedules are compared in pairs."""
    return [tuple(part[seed] for part in parts) for seed in sorted(set.intersection(*map(set, parts)))]


def judge(
    cell: Cell,
    statement: Statement,
    values: Sequence[float],
    *,
    conditions: str,
    schedule: str | None = None,
    note: str = "",
) -> Claim:
    """Reach a verdict by the mean over seeds.

    Parameters
    ----------
    cell
        The runs; they give the figure, the protocol and the label in the id.
    statement
        What is claimed.
    values
        One value per seed; NaN where a seed has none.
    conditions
        As in :class:`Claim`; the distribution is added in front.
    schedule
        Named in the id too.
    note
        What a reader should know besides, such as which schedule was the best.
    """
    finite = [round(value, DECIMALS) for value in values if np.isfinite(value)]
    value = low = high = None
    verdict: Verdict = "not testable"
    reason = note or "no such runs, or nothing measured in them"
    if finite:
        value, low, high = float(np.mean(finite)), float(min(finite)), float(max(finite))
        verdict = "holds" if COMPARE[statement.comparison](value, statement.threshold) else "fails"
        reason = f"mean over {len(finite)} seed{'s' if len(finite) > 1 else ''}" + (f"; {note}" if note else "")
    return Claim(
        id=f"{statement.name}[{cell.label}{',' + schedule if schedule else ''}]",
        figure=cell.figure,
        statement=statement.text,
        protocol=cell.protocol,
        conditions=f"{cell.label}; {conditions}",
        value=value,
        low=low,
        high=high,
        comparison=statement.comparison,
        threshold=statement.threshold,
        verdict=verdict,
        reason=reason,
    )
