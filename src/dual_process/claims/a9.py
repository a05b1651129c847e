"""Claims of figure A9: active forgetting keeps unseen tokens everywhere, and more types mean more in-context learning.

Probe store in, claims out, separately for each protocol and schedule, over all cells of the grid: tasks, models and
distributions. The thresholds are ours; README, "Claims".
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from dual_process.claims.ranks import in_words, note_equal, rank_correlation
from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "a9"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
KINDS = ("vanilla", "active")
FACTORS = {"vocabulary": "vocabularies", "ambiguity": "ambiguities"}
COMMON = ("model", "training", "distribution", *FACTORS)
"""What cells must share to be compared, besides the factor in question."""


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol present."""
    claims: list[Claim] = []
    protocols: dict[str, list[Cell]] = {}
    for cell in cells(dataset, FIGURE):
        protocols.setdefault(cell.protocol, []).append(cell)
    for members in protocols.values():
        for metric in METRICS:
            claims += _unseen_everywhere(members, metric)
            claims += [claim for factor in FACTORS for claim in _grows(members, factor, metric)]
    return claims


def _all(members: list[Cell]) -> Cell:
    """Stand-in that gives claims over several cells their label."""
    return replace(members[0], rows=(), label="all")


def _names(members: list[Cell], kind: str) -> list[str]:
    """Schedules of one kind in any of the cells; the kind itself if there is none."""
    kinds, names = (members[0].store.labels(name) for name in ("kind", "schedule"))
    found = dict.fromkeys(str(names[row]) for cell in members for row in cell.rows if kinds[row] == kind)
    return list(found) or [kind]


def _unseen_everywhere(members: list[Cell], metric: str) -> Iterator[Claim]:
    """Smallest end over the cells, by seed."""
    for schedule in _names(members, "active"):
        ends = {
            cell.label: found
            for cell in members
            if (found := cell.ends("score", schedule, evaluation="unseen", metric=metric))
        }
        enough = len(ends) > 1
        smallest = min(ends, key=lambda label: np.mean(list(ends[label].values()))) if enough else ""
        yield judge(
            _all(members),
            Statement(
                f"A9.active.unseen.stays_everywhere.{metric}",
                "Under active forgetting, unseen accuracy ends at .9 or more in every cell of the grid.",
                ">=",
                0.9,
            ),
            [min(values) for values in combine(*ends.values())] if enough else [],
            conditions=f"{schedule}, {metric}; value: minimum over cells of task, model and distribution",
            schedule=schedule,
            note=f"smallest of {len(ends)} cells: {smallest}" if enough else "needs active runs in two cells or more",
        )


def _grows(members: list[Cell], factor: str, metric: str) -> Iterator[Claim]:
    """Rank correlation of head-switch accuracy with a factor, mean over groups of cells that differ in it alone."""
    groups = _groups(members, factor)
    for kind in KINDS:
        for schedule in _names(members, kind):
            found: dict[int, list[float]] = {}
            used = []
            for levels, group in groups:
                ends = [cell.ends("score", schedule, evaluation="switch", metric=metric) for cell in group]
                seeds = sorted(set.intersection(*map(set, ends)))
                used += [levels] if seeds else []
                for seed in seeds:
                    found.setdefault(seed, []).append(rank_correlation(levels, [end[seed] for end in ends]))
            values = [_mean_of_defined(correlations) for correlations in found.values()]
            seen = in_words(sorted({level for levels in used for level in levels}))
            note = f"{len(used)} group{'s' if len(used) > 1 else ''} of cells, {FACTORS[factor]} {seen}"
            yield judge(
                _all(members),
                Statement(
                    f"A9.{kind}.switch.grows_with_{factor}.{metric}",
                    f"The larger the {factor}, the higher head-switch accuracy ends (rank correlation >= .5).",
                    ">=",
                    0.5,
                ),
                values,
                conditions=f"{schedule}, {metric}; value: mean over groups of cells that differ in {factor} alone",
                schedule=schedule,
                note=note_equal(values, note) if used else f"needs {schedule} runs of two {FACTORS[factor]}",
            )


def _groups(members: list[Cell], factor: str) -> list[tuple[list[float], list[Cell]]]:
    """Groups of cells that differ in nothing but the factor, with its levels; the first cell of each level."""
    found: dict[tuple[object, ...], dict[float, Cell]] = {}
    for cell in members:
        labels = {name: cell.store.labels(name)[cell.rows[0]] for name in COMMON}
        level = float(labels.pop(factor))
        if np.isfinite(level):  # a task without such a thing has no level
            found.setdefault(tuple(map(str, labels.values())), {}).setdefault(level, cell)
    return [(list(levels), list(levels.values())) for levels in found.values() if len(levels) > 1]


def _mean_of_defined(values: list[float]) -> float:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else float("nan")
