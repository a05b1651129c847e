"""From probe stores to the files of a figure: numbers as csv, drawing as pdf and png."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

import matplotlib
import pandas as pd

from dual_process.figures.style import PDF_METADATA, paper_style
from dual_process.store import finished, open_runs


def draw_figure(
    figure: str, probes: Iterable[str | Path], runs: Iterable[str], outputs: Mapping[str, str | Path]
) -> None:
    """Draw one figure and save it in every wanted format.

    Parameters
    ----------
    figure
        Name of the figure and of its module here. A module without ``numbers`` is a drawing without data.
    probes
        Probe stores that hold the runs.
    runs
        Names of the runs to draw.
    outputs
        File by format; ``csv`` gets the numbers.

    Raises
    ------
    ValueError
        If none of the runs has a variable that the module names in ``VARIABLES``.
    """
    matplotlib.use("agg")
    module = import_module(f"dual_process.figures.{figure}")
    numbers = _numbers(module, probes, runs) if hasattr(module, "numbers") else None
    with paper_style():
        drawing = module.draw() if numbers is None else module.draw(numbers)
        for form, path in outputs.items():
            with finished(path) as partial:
                if form == "csv":
                    assert numbers is not None, f"{figure} draws no data, so its rule has no csv"
                    numbers.to_csv(partial, index=False)
                else:
                    drawing.savefig(partial, format=form, metadata=PDF_METADATA if form == "pdf" else None)


def _numbers(module: ModuleType, probes: Iterable[str | Path], runs: Iterable[str]) -> pd.DataFrame:
    """Load what the module needs, and nothing else, and let it choose what to draw."""
    dataset = open_runs(probes, runs, module.VARIABLES)
    missing = [name for name in module.VARIABLES if name not in dataset]
    if missing:
        raise ValueError(
            f"the runs of this figure have no {' and no '.join(missing)}; name the analysis that measures it in "
            f"probing.analyses, or give the figure other grids"
        )
    numbers: pd.DataFrame = module.numbers(dataset)
    return numbers
