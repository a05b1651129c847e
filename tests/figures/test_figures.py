"""What all figures promise: numbers to csv and back to the same drawing, nothing clipped, the same bytes each time."""

from io import BytesIO, StringIO
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import fig3, fig4, fig5, style
from tests.builders import fading, grid, probe_dataset, rising
from tests.mechanism_data import assert_readable

FIGURES = [fig3, fig4, fig5]
DISTRIBUTIONS = ["uniform", "zipf-1.0001", "zipf-1.5"]
SCHEDULES = ["vanilla", "active-200", "temporary-50-400", "temporary-50-600"]


def _probe(row: dict[str, Any], x: np.ndarray, layer: int, probed: str) -> np.ndarray:
    return 0.5 + 0.1 * (layer == 1) + rising(x, end=0.3 if probed == "val" else 0.1)


def _embedding(row: dict[str, Any], roles: np.ndarray) -> np.ndarray:
    angle = np.arange(len(roles))
    return np.stack([np.cos(angle) + 3 * (roles == "unseen"), np.sin(angle) + row["seed"]], axis=-1)


def make(protocols: list[str], distributions: list[str] = DISTRIBUTIONS, seeds: int = 2) -> xr.Dataset:
    return probe_dataset(
        grid(distribution=distributions, schedule=SCHEDULES, protocol=protocols, seed=range(seeds)),
        steps=range(0, 1001, 100),
        score=lambda row, x, *_: fading(x, peak=0.9 - 0.05 * row["seed"], end=0.3),
        probe=_probe,
        separability=lambda row, x, contrast: 0.75,
        embedding=_embedding,
    )


def render(figure: Figure, *, form: str = "png") -> bytes:
    target = BytesIO()
    metadata = style.PDF_METADATA if form == "pdf" else None
    figure.savefig(target, format=form, metadata=metadata, dpi=50)
    return target.getvalue()


@pytest.mark.parametrize("module", FIGURES)
def test_csv_read_again_draws_the_same(module: ModuleType) -> None:
    numbers = module.numbers(make(["corrected", "reference"], ["zipf-1.5"]))
    again = pd.read_csv(StringIO(numbers.to_csv(index=False)))
    with style.paper_style():
        assert render(module.draw(again)) == render(module.draw(numbers))


def test_pdf_is_the_same_each_time() -> None:
    numbers = fig3.numbers(make(["corrected"], ["zipf-1.5"], seeds=1))
    with style.paper_style():
        first, second = (render(fig3.draw(numbers), form="pdf") for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first


@pytest.mark.parametrize("module", FIGURES)
@pytest.mark.parametrize("protocols", [["corrected"], ["corrected", "reference", "trained-unseen"]])
def test_nothing_is_clipped_and_all_text_is_readable(module: ModuleType, protocols: list[str]) -> None:
    figure = module.draw(module.numbers(make(protocols)))
    assert_readable(figure)


@pytest.mark.parametrize("module", FIGURES)
def test_legend_names_what_is_there(module: ModuleType) -> None:
    figure = module.draw(module.numbers(make(["corrected", "reference"], ["uniform"])))
    legends = figure.legends + [legend for part in figure.subfigs for legend in part.legends]
    words = {text.get_text() for legend in legends for text in legend.get_texts()}
    compared = DISTRIBUTIONS[:1] if module is fig3 else ["vanilla", "active, every 200 steps"]
    assert words >= {*compared, "protocol corrected", "protocol reference"}
    titles = [legend.get_title().get_text() for legend in legends]
    assert "lines: mean over 2 seeds; bands: minimum to maximum" in titles
