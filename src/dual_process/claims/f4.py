"""Claims of figure 4: temporary forgetting gives a dual process, in weights for the head and in context for the rest.

Probe store in, claims out, separately for each protocol. The thresholds are ours; README, "Claims". Where a claim
says that some N exists, the best schedule is named in the reason, and the value is its smallest margin.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "fig4"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol present."""
    claims = []
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells(dataset, FIGURE):
        setting = cell.label.removeprefix(cell.distribution)
        groups.setdefault((cell.protocol, setting), []).append(cell)
        for metric in METRICS:
            claims += [_dual_process(cell, metric)] if cell.law != "uniform" else []
            claims += _rises_with_end(cell, metric)
    claims += [_between(members) for members in groups.values()]
    return claims


def _dual_process(cell: Cell, metric: str) -> Claim:
    """Smallest of three margins, by seed, for the schedule at which their mean is largest."""
    candidates = {}
    for schedule in cell.names("temporary"):
        unseen, tail, head = (
            cell.ends("score", schedule, evaluation=evaluation, metric=metric)
            for evaluation in ("unseen", "tail_switch", "switch")
        )
        candidates[schedule] = [min(u - 0.9, t - 0.8, 0.5 - h) for u, t, h in combine(unseen, tail, head)]
    best, margins = _best(candidates)
    return judge(
        cell,
        Statement(
            f"F4.temporary.dual_process.{metric}",
            "Some temporary schedule ends with unseen >= .9, tail-switch >= .8 and head-switch <= .5 accuracy.",
            ">=",
            0.0,
        ),
        margins,
        conditions=f"temporary, {metric}; value: smallest of the three margins",
        note=f"best of {len(candidates)}: {best}" if margins else "",
    )


def _between(members: list[Cell]) -> Claim:
    """Above vanilla in unseen accuracy and below active in head-switch accuracy, at the best distribution and N."""
    candidates = {}
    for cell in members:
        for row in cell.schedules("temporary").itertuples():
            active = _active_of_period(cell, row.period)
            parts = combine(
                cell.ends("score", row.schedule, evaluation="unseen", metric="two_way"),
                cell.ends("score", cell.names("vanilla")[0], evaluation="unseen", metric="two_way"),
                cell.ends("score", active, evaluation="switch", metric="exact_match"),
                cell.ends("score", row.schedule, evaluation="switch", metric="exact_match"),
            )
            candidates[f"{row.schedule} at {cell.distribution}, against {active}"] = [
                min(unseen - vanilla, head - own) for unseen, vanilla, head, own in parts
            ]
    best, margins = _best(candidates)
    setting = members[0].label.removeprefix(members[0].distribution)
    return judge(
        replace(members[0], label=f"any{setting}"),
        Statement(
            "F4.temporary.between",
            "For some temporary schedule, unseen two-way accuracy ends .2 or more above vanilla's "
            "while head-switch exact match ends .2 or more below active's.",
            ">=",
            0.2,
        ),
        margins,
        conditions="vanilla, active and temporary of the same seed; value: smaller of the two differences",
        note=f"best of {len(candidates)}: {best}" if margins else "",
    )


def _active_of_period(cell: Cell, period: float) -> str:
    """Return the active schedule of the same period, else the first one."""
    active = cell.schedules("active")
    same = active.loc[active["period"] == period, "schedule"]
    return str(same.iloc[0]) if len(same) else cell.names("active")[0]


def _best(candidates: dict[str, list[float]]) -> tuple[str, list[float]]:
    """Name and values with the largest mean; empty values if no candidate has any."""
    measured = {name: values for name, values in candidates.items() if values}
    if not measured:
        return "", []
    name = max(measured, key=lambda name: np.mean(measured[name]))
    return name, measured[name]


def _rises_with_end(cell: Cell, metric: str) -> Iterator[Claim]:
    """Rank correlation of head-switch accuracy with N, for each period that has several N."""
    temporary = cell.schedules("temporary")
    groups = {period: rows for period, rows in temporary.groupby("period") if len(rows) > 1}
    for period, rows in groups.items() or [(None, temporary[:0])]:
        ends = [cell.ends("score", str(name), evaluation="switch", metric=metric) for name in rows["schedule"]]
        until = rows["forget_until"].to_list()
        values = [_rank_correlation(until, head) for head in combine(*ends)] if len(ends) > 1 else []
        note = (
            f"N {', '.join(str(int(end)) for end in until)}" if len(ends) > 1 else "needs two values of N of one period"
        )
        note += "; accuracies are equal" if values and np.isnan(values).all() else ""
        yield judge(
            cell,
            Statement(
                f"F4.temporary.switch_rises_with_end.{metric}",
                "The later forgetting stops, the higher head-switch accuracy ends (rank correlation >= .8).",
                ">=",
                0.8,
            ),
            values,
            conditions=f"temporary{'' if period is None else f', every {period:g} steps'}, {metric}",
            schedule=None if period is None else f"every-{period:g}",
            note=note,
        )


def _rank_correlation(x: list[float], y: tuple[float, ...]) -> float:
    """Spearman's correlation; NaN if `y` is constant."""
    if len(set(y)) < 2:
        return float("nan")
    return float(np.corrcoef(pd.Series(x).rank(), pd.Series(y).rank())[0, 1])
