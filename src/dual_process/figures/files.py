"""From probe stores to the files of a figure: numbers as csv, drawing as pdf and png."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

import matplotlib

from dual_process.figures.style import PDF_METADATA, paper_style
from dual_process.store import finished, open_runs


def draw_figure(
    figure: str, probes: Iterable[str | Path], runs: Iterable[str], outputs: Mapping[str, str | Path]
) -> None:
    """Draw one figure and save it in every wanted format.

    Parameters
    ----------
    figure
        Name of the figure and of its module here.
    probes
        Probe stores that hold the runs.
    runs
        Names of the runs to draw.
    outputs
        File by format; ``csv`` gets the numbers.
    """
    matplotlib.use("agg")
    module = import_module(f"dual_process.figures.{figure}")
    numbers = module.numbers(open_runs(probes, runs))
    with paper_style():
        drawing = module.draw(numbers)
        for form, path in outputs.items():
            with finished(path) as partial:
                if form == "csv":
                    numbers.to_csv(partial, index=False)
                else:
                    drawing.savefig(partial, format=form, metadata=PDF_METADATA if form == "pdf" else None)
