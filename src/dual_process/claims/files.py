"""From probe stores to the table of claims."""

from collections.abc import Iterable, Mapping, Sequence
from inspect import getdoc
from pathlib import Path
from types import ModuleType

import xarray as xr

from dual_process.claims import (
    a2,
    a3,
    a6,
    a7,
    a8,
    a9,
    a10,
    a11,
    a12,
    a13,
    a14,
    a15,
    a16,
    dual_process_map,
    exact_and_two_way,
    f2,
    f3,
    f4,
    f5,
    f6,
    heads,
    phase_portrait,
    reset_scale,
    v1,
    v2,
    v3,
    v4,
)
from dual_process.claims.bootstrap import with_intervals
from dual_process.claims.table import to_csv, to_json, to_markdown
from dual_process.claims.verdict import ANY_PROTOCOL, Claim
from dual_process.store import finished, join_runs, open_store

CLAIMS: tuple[ModuleType, ...] = (
    *(f2, f3, f4, f5, f6),
    *(a2, a3, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16),
    *(v1, v2, v3, v4),
    *(heads, reset_scale, exact_and_two_way, phase_portrait, dual_process_map),
)
"""A module for each set of claims; a new one is listed here, and is in the table whether or not its figure is drawn.

Two modules of one figure need an ``ID`` each; ``ABSENT`` says in a module's own words why its figure has no runs.
"""


def evaluate_claims(
    probes: Iterable[str | Path],
    runs: Mapping[str, list[str]],
    scale: str,
    outputs: Mapping[str, str | Path],
    *,
    complete: bool = True,
) -> None:
    """Evaluate every claim on the runs of its figure.

    Parameters
    ----------
    probes
        Probe stores of all figures; each is opened once.
    runs
        Names of the runs of each figure.
    scale
        Name of the scale, recorded with each claim.
    outputs
        Files to write: ``json``, ``markdown`` and ``csv``.
    complete
        Give a figure without runs a row that says so; otherwise leave it out.
    """
    modules = [module for module in CLAIMS if complete or module.FIGURE in runs]
    variables = {name for module in modules for name in module.VARIABLES}
    stores = [open_store(path, variables=variables) for path in probes]
    found = [claim for module in modules for claim in _claims_of(module, stores, runs)]
    for form, write in {"json": to_json, "markdown": to_markdown, "csv": to_csv}.items():
        with finished(outputs[form]) as partial:
            partial.write_text(write(found, scale=scale))


def _claims_of(module: ModuleType, stores: Sequence[xr.Dataset], runs: Mapping[str, list[str]]) -> list[Claim]:
    """Judge the claims of one figure; a figure without runs or measurements has one row that says what is missing."""
    figure = module.FIGURE
    if figure not in runs:
        no_grid = f"no grid: this configuration does not draw {figure}; name its grids in figures"
        return [_not_testable(module, getattr(module, "ABSENT", no_grid))]
    dataset = join_runs(stores, runs[figure], module.VARIABLES)
    missing = [name for name in module.VARIABLES if name not in dataset]
    if missing:
        return [
            _not_testable(module, f"no run has {' or '.join(missing)}; see probing.analyses and the figure's grids")
        ]
    return with_intervals(module.evaluate, dataset, name=figure)


def _not_testable(module: ModuleType, reason: str) -> Claim:
    """Row for all claims of a figure, in the words of its module."""
    return Claim(
        id=f"{getattr(module, 'ID', module.FIGURE)}.all",
        figure=module.FIGURE,
        statement=(getdoc(module) or "").splitlines()[0],
        protocol=ANY_PROTOCOL,
        conditions="all claims of the figure",
        value=None,
        low=None,
        high=None,
        comparison=None,
        threshold=None,
        verdict="not testable",
        reason=reason,
    )
