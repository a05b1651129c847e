"""Claim of figure A16: after vanilla training, the rows of unseen and of trained tokens are two clouds.

Probe store in, one claim per distribution and protocol out: the balanced accuracy of the nearest centroid.
"""

import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, judge

FIGURE = "a16"
VARIABLES = ("centroid_accuracy",)
APART = Statement(
    "A16.vanilla.clouds_apart",
    "Under vanilla training, the nearest centroid tells trained from unseen rows with an accuracy that ends above .9.",
    ">",
    0.9,
)


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge the claim, separately for each protocol and distribution present."""
    return [_clouds(cell) for cell in cells(dataset, FIGURE)]


def _clouds(cell: Cell) -> Claim:
    ends = cell.ends("centroid_accuracy", cell.names("vanilla")[0], contrast="seen_unseen")
    return judge(cell, APART, list(ends.values()), conditions="vanilla, balanced accuracy")
