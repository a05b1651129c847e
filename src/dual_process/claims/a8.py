"""Claims of figure A8: without ambiguous tokens the switch is solved early and briefly, a large tail for longer.

Probe store in, claims out, separately for each protocol, task and Zipf law. The thresholds are ours; README, "Claims".
The paper's peak is at step 2,000 of 30,000; here a peak in the first quarter of a run is early, whatever its length.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, judge

FIGURE = "a8"
VARIABLES = ("score",)
METRICS = ("exact_match", "two_way")
PEAK = 0.1
STEEP_ALPHA, LARGE_VOCABULARY = 1.5, 10_000
NO_AMBIGUITY = "needs vanilla runs of a Zipf law and a task of ambiguity 0"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol present."""
    claims: list[Claim] = []
    protocols: dict[str, list[Cell]] = {}
    for cell in cells(dataset, FIGURE):
        protocols.setdefault(cell.protocol, []).append(cell)
    for members in protocols.values():
        plain = [cell for cell in members if cell.law == "zipf" and _first(cell, "ambiguity") == 0]
        for cell in plain or [replace(members[0], rows=(), label="zipf")]:
            claims += _switch(cell, "" if plain else NO_AMBIGUITY)
        steep = [cell for cell in plain if np.isclose(cell.alpha, STEEP_ALPHA)]
        large = [cell for cell in steep if _first(cell, "vocabulary") >= LARGE_VOCABULARY]
        for cell in large or [replace(members[0], rows=(), label=f"zipf-{STEEP_ALPHA}")]:
            claims += _tail(cell, "" if large else _too_small(steep))
    return claims


def _first(cell: Cell, name: str) -> float:
    """Value of a coordinate that all runs of a cell share."""
    return float(cell.store.labels(name)[cell.rows[0]])


def _too_small(steep: list[Cell]) -> str:
    needed = f"needs a vocabulary of {LARGE_VOCABULARY:,} or more, ambiguity 0 and exponent {STEEP_ALPHA}"
    present = sorted({_first(cell, "vocabulary") for cell in steep})
    return f"{needed}; there is {', '.join(f'{value:,.0f}' for value in present)}" if present else needed


def _switch(cell: Cell, note: str) -> Iterator[Claim]:
    curves = cell.curves("score", cell.names("vanilla")[0], evaluation="switch", metric="exact_match").values()
    yield judge(
        cell,
        Statement(
            "A8.vanilla.switch.peaks.exact_match",
            "Without ambiguous tokens, head-switch exact match rises to .1 or more under vanilla training.",
            ">=",
            PEAK,
        ),
        [curve.max() for curve in curves],
        conditions="vanilla, ambiguity 0, exact_match",
        note=note,
    )
    shares = [curve.idxmax() / curve.index.max() if curve.max() >= PEAK else np.nan for curve in curves]
    yield judge(
        cell,
        Statement(
            "A8.vanilla.switch.peaks_early.exact_match",
            "Without ambiguous tokens, head-switch exact match peaks in the first quarter of vanilla training.",
            "<=",
            0.25,
        ),
        shares,
        conditions="vanilla, ambiguity 0, exact_match; value: share of the run's steps",
        note=f"no peak of {PEAK:g} or more" if shares and np.isnan(shares).all() else note,
    )
    for metric in METRICS:
        ends = cell.ends("score", cell.names("vanilla")[0], evaluation="switch", metric=metric)
        yield judge(
            cell,
            Statement(
                f"A8.vanilla.switch.gone.{metric}",
                "Without ambiguous tokens, head-switch accuracy ends at .05 or less under vanilla training.",
                "<=",
                0.05,
            ),
            list(ends.values()),
            conditions=f"vanilla, ambiguity 0, {metric}",
            note=note,
        )


def _tail(cell: Cell, note: str) -> Iterator[Claim]:
    for metric in METRICS:
        where = {"evaluation": "tail", "metric": metric}
        peaks = cell.curves("score", cell.names("vanilla")[0], **where)
        ends = cell.ends("score", cell.names("vanilla")[0], **where)
        yield judge(
            cell,
            Statement(
                f"A8.vanilla.tail.falls.{metric}",
                "At exponent 1.5 and a vocabulary of 10,000 or more, without ambiguous tokens, tail accuracy ends .2 "
                "or more below its peak under vanilla training.",
                ">=",
                0.2,
            ),
            [peaks[seed].max() - value for seed, value in ends.items()],
            conditions=f"vanilla, ambiguity 0, {metric}",
            note=note,
        )
