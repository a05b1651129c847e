"""Claims of figure 5: without forgetting, word embeddings hold the part of speech and set unseen tokens apart.

Probe store in, one claim per statement, distribution and protocol out. The thresholds are ours; README, "Claims".
"""

from collections.abc import Iterator

import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "fig5"
VARIABLES = ("probe_accuracy", "separability")
HIGH, LOW = 0.9, 0.6


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [claim for cell in cells(dataset, FIGURE) for part in (_probe, _separability) for claim in part(cell)]


def _probe(cell: Cell) -> Iterator[Claim]:
    where = {"layer": 0, "probed": "val"}
    for kind in ("vanilla", "active"):
        for schedule in cell.names(kind):
            ends = cell.ends("probe_accuracy", schedule, **where)
            yield _high_or_low(
                cell, kind, schedule, ends, name="probe_layer_0", quantity="The layer-0 part-of-speech probe"
            )
    for schedule in cell.names("temporary"):
        for active in cell.names("active"):
            pairs = combine(*(cell.ends("probe_accuracy", name, **where) for name in (schedule, active)))
            yield judge(
                cell,
                Statement(
                    "F5.temporary.probe_layer_0.above_active",
                    "The layer-0 part-of-speech probe ends higher under temporary than under active forgetting.",
                    ">",
                    0.0,
                ),
                [temporary - reference for temporary, reference in pairs],
                conditions=f"{schedule} minus {active} of the same seed, validation, layer 0",
                schedule=f"{schedule},{active}",
            )


def _separability(cell: Cell) -> Iterator[Claim]:
    for kind in ("vanilla", "active"):
        for schedule in cell.names(kind):
            ends = cell.ends("separability", schedule, contrast="seen_unseen")
            yield _high_or_low(
                cell, kind, schedule, ends, name="seen_unseen", quantity="Separability of trained and unseen rows"
            )


def _high_or_low(cell: Cell, kind: str, schedule: str, ends: dict[int, float], *, name: str, quantity: str) -> Claim:
    """At least `HIGH` under vanilla training, at most `LOW` under active forgetting."""
    is_vanilla = kind == "vanilla"
    wanted = "at .9 or more under vanilla training" if is_vanilla else "at .6 or less under active forgetting"
    return judge(
        cell,
        Statement(
            f"F5.{kind}.{name}.{'high' if is_vanilla else 'low'}",
            f"{quantity} ends {wanted}.",
            ">=" if is_vanilla else "<=",
            HIGH if is_vanilla else LOW,
        ),
        list(ends.values()),
        conditions=f"{schedule}, balanced accuracy" if name == "seen_unseen" else f"{schedule}, validation, layer 0",
        schedule=None if is_vanilla else schedule,
    )
