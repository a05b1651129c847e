"""Claims of figure A11: the more often a token was a query in training, the more its class is known by weight.

Probe store in, one claim per schedule, distribution, metric and protocol out: Spearman's correlation over tokens of
training queries and accuracy with exchanged classes. The uniform law is left out: its counts differ by chance alone.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from dual_process.claims.ranks import note_equal, rank_correlation
from dual_process.claims.verdict import Cell, Claim, Statement, cells, judge

FIGURE = "a11"
VARIABLES = ("token_accuracy", "training_queries")
METRICS = ("exact_match", "two_way")
MISSING = "no such runs, or no accuracy by token; needs rank_frequency_sequences and the analysis rank_frequency"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        if cell.law != "uniform"
        for metric in METRICS
        for kind in ("vanilla", "active", "temporary")
        for claim in _kind(cell, kind, metric)
    ]


def _kind(cell: Cell, kind: str, metric: str) -> Iterator[Claim]:
    statement = _statement(kind, metric)
    for schedule in cell.names(kind):
        values = _correlations(cell, schedule, metric)
        yield judge(
            cell,
            statement,
            [abs(value) for value in values] if kind == "active" else values,
            conditions=f"{schedule}, {metric}, over tokens at the end of training",
            schedule=None if kind == "vanilla" else schedule,
            note=note_equal(values, "") if values else MISSING,
        )


def _statement(kind: str, metric: str) -> Statement:
    words = "the rank correlation of training queries and accuracy with exchanged classes is"
    if kind == "vanilla":
        return Statement(f"A11.vanilla.falls.{metric}", f"Under vanilla training, {words} below -.3.", "<", -0.3)
    if kind == "active":
        return Statement(
            f"A11.active.flat.{metric}", f"Under active forgetting, {words} less than .1 in size.", "<", 0.1
        )
    return Statement(f"A11.temporary.falls.{metric}", f"Under temporary forgetting, {words} negative.", "<", 0.0)


def _correlations(cell: Cell, schedule: str, metric: str) -> list[float]:
    """Rank correlation of each seed of a schedule over the tokens that were asked."""
    place = cell.store.position("metric_by_token", metric)
    if place is None:
        return []
    names = cell.store.labels("schedule")
    accuracies = cell.store.dataset["token_accuracy"].transpose("run", "token", "metric_by_token").values
    counts = cell.store.dataset["training_queries"].transpose("run", "token").values
    found = []
    for row in cell.rows:
        accuracy, count = accuracies[row, :, place], counts[row]
        asked = np.isfinite(accuracy) & np.isfinite(count)
        if names[row] == schedule and asked.any():
            found.append(rank_correlation(count[asked], accuracy[asked]))
    return found
