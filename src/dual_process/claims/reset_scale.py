"""Claims of the protocol's choices: which of them, such as the scale of a reset, change what forgetting does.

Probe store in, one claim per statement, schedule, distribution and protocol out; all of two-way accuracy at the end.
These claims are ours. Protocols are known by name: the base, from which the others differ in one choice; one that
resets to rows of standard deviation 1, as the published code does; and one that begins with such rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "reset_scale"
VARIABLES = ("score",)
BASES = ("unseen-negatives", "corrected")
"""Protocols to compare with; the first that is there counts."""
LARGE_RESET, LARGE_START = "reset-1", "initial-1"
WORDS = {"unseen": "unseen", "switch": "head-switch"}


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    claims: list[Claim] = []
    by_label: dict[str, dict[str, Cell]] = {}
    for cell in cells(dataset, FIGURE):
        by_label.setdefault(cell.label, {})[cell.protocol] = cell
    with_large = [group for group in by_label.values() if {LARGE_RESET, LARGE_START} & set(group)]
    for protocols in by_label.values():
        base = next((protocols[name] for name in BASES if name in protocols), None)
        for cell in protocols.values():
            claims += _active(cell)
            claims += _against_base(cell, base) if base is not None and base is not cell else []
    for protocols in with_large or list(by_label.values())[:1]:  # so that these claims are listed once at least
        claims += _large_rows(protocols)
    return claims


def _ends(cell: Cell, schedule: str, evaluation: str) -> dict[int, float]:
    return cell.ends("score", schedule, evaluation=evaluation, metric="two_way")


def _active(cell: Cell) -> Iterator[Claim]:
    """Whether unseen accuracy is kept, and whether forgetting is what keeps it."""
    (vanilla, *_) = cell.names("vanilla")
    for schedule in cell.names("active"):
        unseen = _ends(cell, schedule, "unseen")
        yield judge(
            cell,
            Statement(
                "reset.active.unseen.stays", "Under active forgetting, unseen accuracy ends at .9 or more.", ">=", 0.9
            ),
            list(unseen.values()),
            conditions=f"{schedule}, two_way",
            schedule=schedule,
        )
        yield judge(
            cell,
            Statement(
                "reset.active.unseen.above_vanilla",
                "Under active forgetting, unseen accuracy ends more than .05 above that of vanilla training.",
                ">",
                0.05,
            ),
            [own - other for own, other in combine(unseen, _ends(cell, vanilla, "unseen"))],
            conditions=f"{schedule} minus vanilla of the same seed, two_way",
            schedule=schedule,
        )


def _against_base(cell: Cell, base: Cell) -> Iterator[Claim]:
    """Compare the same schedule and seed under both protocols."""
    shared = [name for kind in ("vanilla", "active", "temporary") for name in cell.names(kind)]
    for schedule in shared:
        for evaluation, word in WORDS.items():
            pairs = combine(_ends(cell, schedule, evaluation), _ends(base, schedule, evaluation))
            if pairs:
                yield judge(
                    cell,
                    Statement(
                        f"reset.{evaluation}.as_base",
                        f"The choice moves {word} accuracy by less than .1 from that of protocol {base.protocol}.",
                        "<",
                        0.1,
                    ),
                    [abs(own - other) for own, other in pairs],
                    conditions=f"{schedule}, two_way; difference of the same seed, without sign",
                    schedule=schedule,
                )


def _large_rows(protocols: Mapping[str, Cell]) -> Iterator[Claim]:
    """With rows of standard deviation 1, forgetting cannot be told from no forgetting at all."""
    anyone = next(iter(protocols.values()))
    absent = replace(anyone, rows=(), protocol=LARGE_START)
    start, reset = protocols.get(LARGE_START, absent), protocols.get(LARGE_RESET, absent)
    (vanilla, *_) = start.names("vanilla")
    for schedule in reset.names("active"):
        for evaluation, word in WORDS.items():
            yield judge(
                start,
                Statement(
                    f"reset.large_rows.{evaluation}.without_forgetting",
                    f"Rows that begin with standard deviation 1 and are never reset end with {word} accuracy "
                    f"within .05 of rows that are reset to it.",
                    "<",
                    0.05,
                ),
                [
                    abs(own - other)
                    for own, other in combine(_ends(start, vanilla, evaluation), _ends(reset, schedule, evaluation))
                ],
                conditions=f"vanilla under {LARGE_START} against {schedule} under {LARGE_RESET}, same seed, two_way",
                schedule=schedule,
            )
