"""Claims of figure V3: a language model solves syllogisms about subjects it never saw, until it forgets how.

Stores of the syllogism task in, claims out, for vanilla training, by how often the answer is more likely than the
middle term, the mean over trials. The paper's accuracy on unseen subjects ends between .3 and .47; that it ends low is
the claim, so only the upper bound counts. The last claims are ours.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.f2 import forgetting, forgetting_keeps
from dual_process.claims.verdict import Cell, Claim, Statement, cells, end, judge

FIGURE = "v3"
VARIABLES = ("syllogism",)
ABSENT = "checkpoints absent: this configuration names none for v3; see config/naturalistic.yaml"
PREFERRED = "answer_preferred"
CONDITIONS = "share of prompts that prefer the answer, mean over trials"


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each series of checkpoints."""
    return [claim for cell in cells(dataset, FIGURE) for part in (_vanilla, _forgetting) for claim in part(cell)]


def preferred(cell: Cell, schedule: str, evaluation: str) -> dict[int, pd.Series]:
    """How often the answer is preferred over training, mean over trials, by seed."""
    trials: dict[int, list[pd.Series]] = {}
    for trial in cell.store.labels("trial").tolist():
        where = {"evaluation": evaluation, "metric": PREFERRED, "trial": trial}
        for seed, curve in cell.curves("syllogism", schedule, **where).items():
            trials.setdefault(seed, []).append(curve)
    return {seed: pd.concat(curves, axis=1).mean(axis=1) for seed, curves in trials.items()}


def ends(cell: Cell, schedule: str, evaluation: str) -> dict[int, float]:
    """End of the curve of each seed."""
    return {seed: end(curve) for seed, curve in preferred(cell, schedule, evaluation).items()}


def _vanilla(cell: Cell) -> Iterator[Claim]:
    schedule = cell.names("vanilla")[0]
    baseline, unseen = (preferred(cell, schedule, name) for name in ("baseline", "unseen"))
    seeds = sorted(baseline.keys() & unseen.keys())
    peaks = {seed: unseen[seed].idxmax() for seed in seeds}
    yield judge(
        cell,
        Statement(
            "V3.vanilla.unseen.peaks_above_baseline",
            "At its peak, accuracy on unseen subjects is at least that on known ones.",
            ">=",
            0.0,
        ),
        [float(unseen[seed].max() - baseline[seed].get(peaks[seed], np.nan)) for seed in seeds],
        conditions=f"vanilla, unseen minus baseline at the peak of unseen, {CONDITIONS}",
        note=f"peak at step {', '.join(f'{step:,}' for step in peaks.values())}" if peaks else "",
    )
    yield judge(
        cell,
        Statement("V3.vanilla.unseen.ends_low", "Accuracy on unseen subjects ends at .47 or less.", "<=", 0.47),
        [end(curve) for curve in unseen.values()],
        conditions=f"vanilla, unseen, {CONDITIONS}",
    )
    yield judge(
        cell,
        Statement("V3.vanilla.baseline.learned", "Accuracy on known subjects ends above .85.", ">", 0.85),
        [end(curve) for curve in baseline.values()],
        conditions=f"vanilla, baseline, {CONDITIONS}",
    )


def _forgetting(cell: Cell) -> Iterator[Claim]:
    schedules = (*forgetting(cell), cell.names("vanilla")[0])
    yield from forgetting_keeps(
        cell,
        "V3",
        "accuracy on unseen subjects",
        {name: ends(cell, name, "unseen") for name in schedules},
        conditions=f"unseen, {CONDITIONS}",
    )
