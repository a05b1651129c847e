"""From probe stores to the table of claims."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from dual_process.claims import f3, f4, f5
from dual_process.claims.table import to_csv, to_json, to_markdown
from dual_process.store import finished, open_runs

CLAIMS: tuple[ModuleType, ...] = (f3, f4, f5)
"""One module a figure of the paper; a new one is listed here."""


def evaluate_claims(
    probes: Iterable[str | Path], runs: Mapping[str, list[str]], scale: str, outputs: Mapping[str, str | Path]
) -> None:
    """Evaluate every claim on the runs of its figure.

    Parameters
    ----------
    probes
        Probe stores of all figures.
    runs
        Names of the runs of each figure.
    scale
        Name of the scale, recorded with each claim.
    outputs
        Files to write: ``json``, ``markdown`` and ``csv``.
    """
    paths = list(probes)
    found = [
        claim
        for module in CLAIMS
        if module.FIGURE in runs
        for claim in module.evaluate(open_runs(paths, runs[module.FIGURE]))
    ]
    for form, write in {"json": to_json, "markdown": to_markdown, "csv": to_csv}.items():
        with finished(outputs[form]) as partial:
            partial.write_text(write(found, scale=scale))
