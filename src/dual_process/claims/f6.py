"""Claims of figure 6: vanilla training sets unseen rows apart and parts of speech too; forgetting keeps them together.

Probe store in, one claim per statement, distribution and protocol out. The thresholds are ours. What a linear
classifier tells of trained and unseen rows is claimed with figure 5; here stand centroids, norms and parts of speech.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, judge

FIGURE = "fig6"
VARIABLES = ("embedding_norm", "separability", "centroid_accuracy")
HIGH, LOW = 0.9, 0.6
RATIO = 1.25
"""Norms are apart from this ratio of the larger to the smaller mean on."""
TRAINED, UNSEEN = ("noun", "adjective"), ("unseen",)


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each protocol and distribution present."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        for part in (_centroids, _parts_of_speech, _norms)
        for claim in part(cell)
    ]


def _centroids(cell: Cell) -> Iterator[Claim]:
    for kind in ("active", "temporary"):
        for schedule in cell.names(kind):
            yield judge(
                cell,
                Statement(
                    f"F6.{kind}.seen_unseen.centroid.low",
                    f"Under {kind} forgetting, the accuracy of the nearest centroid on trained and unseen rows ends at "
                    ".6 or less.",
                    "<=",
                    LOW,
                ),
                list(cell.ends("centroid_accuracy", schedule, contrast="seen_unseen").values()),
                conditions=f"{schedule}, balanced accuracy",
                schedule=schedule,
            )


def _parts_of_speech(cell: Cell) -> Iterator[Claim]:
    for kind in ("vanilla", "active"):
        is_vanilla = kind == "vanilla"
        wanted = "at .9 or more under vanilla training" if is_vanilla else "at .6 or less under active forgetting"
        for schedule in cell.names(kind):
            yield judge(
                cell,
                Statement(
                    f"F6.{kind}.noun_adjective.{'high' if is_vanilla else 'low'}",
                    f"Separability of noun and adjective rows ends {wanted}.",
                    ">=" if is_vanilla else "<=",
                    HIGH if is_vanilla else LOW,
                ),
                list(cell.ends("separability", schedule, contrast="noun_adjective").values()),
                conditions=f"{schedule}, balanced accuracy of a linear classifier",
                schedule=None if is_vanilla else schedule,
            )


def _norms(cell: Cell) -> Iterator[Claim]:
    for kind in ("vanilla", "active"):
        is_vanilla = kind == "vanilla"
        wanted = "1.25 or more under vanilla training" if is_vanilla else "less than 1.25 under active forgetting"
        for schedule in cell.names(kind):
            pairs = combine(_mean_norms(cell, schedule, TRAINED), _mean_norms(cell, schedule, UNSEEN))
            yield judge(
                cell,
                Statement(
                    f"F6.{kind}.norms.{'apart' if is_vanilla else 'alike'}",
                    f"The mean norms of trained and of unseen rows end in a ratio (larger to smaller) of {wanted}.",
                    ">=" if is_vanilla else "<",
                    RATIO,
                ),
                [max(pair) / min(pair) for pair in pairs],
                conditions=f"{schedule}, last analysis step",
                schedule=None if is_vanilla else schedule,
                note=_larger(pairs),
            )


def _mean_norms(cell: Cell, schedule: str, roles: tuple[str, ...]) -> dict[int, float]:
    """Mean norm over the tokens of some roles at the last analysis step, by seed."""
    dataset = cell.dataset
    chosen = dataset.isel(run=dataset["schedule"].values.astype(object) == schedule)
    means = chosen["embedding_norm"].where(chosen["role"].isin(roles)).mean("token").transpose("run", "analysis_step")
    rows = {int(seed): row[np.isfinite(row)] for seed, row in zip(chosen["seed"].values, means.values, strict=True)}
    return {seed: float(row[-1]) for seed, row in rows.items() if len(row)}


def _larger(pairs: list[tuple[float, ...]]) -> str:
    """Say which of trained and unseen rows are longer, if all seeds agree."""
    longer = {trained > unseen for trained, unseen in pairs}
    return {True: "trained rows are longer", False: "unseen rows are longer"}[longer.pop()] if len(longer) == 1 else ""
