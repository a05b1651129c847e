"""Claims of figure A15: those of figure 4, for further settings of temporary forgetting."""

from dataclasses import replace

import xarray as xr

from dual_process.claims import f4
from dual_process.claims.verdict import Claim

FIGURE = "a15"
VARIABLES = f4.VARIABLES


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of figure 4 on the runs of this figure."""
    return [
        replace(claim, figure=FIGURE, id=claim.id.replace("F4.", "A15.", 1), reason=_of_this_figure(claim.reason))
        for claim in f4.evaluate(dataset)
    ]


def _of_this_figure(reason: str) -> str:
    return reason.replace(f"the grids of {f4.FIGURE} ", f"the grids of {FIGURE} ")
