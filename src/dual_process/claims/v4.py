"""Claims of figure V4: finetuning with probabilistic temporary forgetting brings syllogisms about unseen subjects back.

Stores of finetuning in, claims out, by how often the answer is more likely than the middle term, the mean over trials.
The paper's 2,000 steps become the whole finetuning: the start is the model before it, the end the mean over its last
tenth. The last claim is ours: vanilla finetuning on the same text should not do it.
"""

from collections.abc import Iterator

import xarray as xr

from dual_process.claims.f2 import forgetting_keeps
from dual_process.claims.v3 import CONDITIONS, ends, preferred
from dual_process.claims.verdict import Cell, Claim, Statement, cells, end, judge

FIGURE = "v4"
VARIABLES = ("syllogism",)
ABSENT = "checkpoints absent: this configuration names none for v4; see config/naturalistic.yaml"
NO_START = "no run was measured before finetuning, at step 0"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each series of checkpoints and finetuning."""
    return [claim for cell in cells(dataset, FIGURE) for part in (_probabilistic, _vanilla) for claim in part(cell)]


def _probabilistic(cell: Cell) -> Iterator[Claim]:
    for schedule in cell.names("probabilistic"):
        unseen, baseline = (preferred(cell, schedule, name) for name in ("unseen", "baseline"))
        known = [curve for curve in baseline.values() if curve.index[0] == 0]
        first = [float(curve.iloc[0]) for curve in unseen.values() if curve.index[0] == 0]
        missing = NO_START if unseen and not first else ""
        yield judge(
            cell,
            Statement(
                "V4.probabilistic.unseen.starts_low",
                "Before finetuning, accuracy on unseen subjects is below .05.",
                "<",
                0.05,
            ),
            first,
            conditions=f"{schedule}, unseen, step 0, {CONDITIONS}",
            schedule=schedule,
            note=missing,
        )
        yield judge(
            cell,
            Statement("V4.probabilistic.unseen.rises", "Accuracy on unseen subjects ends above .8.", ">", 0.8),
            [end(curve) for curve in unseen.values()],
            conditions=f"{schedule}, unseen, {CONDITIONS}",
            schedule=schedule,
        )
        yield judge(
            cell,
            Statement(
                "V4.probabilistic.baseline.kept",
                "Accuracy on known subjects ends within .12 of where it was before finetuning.",
                "<=",
                0.12,
            ),
            [abs(end(curve) - float(curve.iloc[0])) for curve in known],
            conditions=f"{schedule}, baseline; value: distance from step 0, {CONDITIONS}",
            schedule=schedule,
            note=missing,
        )


def _vanilla(cell: Cell) -> Iterator[Claim]:
    schedules = [str(name) for name in cell.schedules("probabilistic")["schedule"]]
    yield from forgetting_keeps(
        cell,
        "V4",
        "accuracy on unseen subjects after finetuning",
        {name: ends(cell, name, "unseen") for name in (*schedules, cell.names("vanilla")[0])},
        conditions=f"unseen, {CONDITIONS}",
    )
