"""What the figures of grids promise: csv and back to the same drawing, nothing clipped, readable text, full legends."""

from io import BytesIO, StringIO
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import a8, a9, a10, a11, a12, a14, a15, style
from tests.builders import fading
from tests.grid_data import STANDARD, grid, planted, with_tokens
from tests.mechanism_data import assert_readable

FIGURES = [a8, a9, a10, a11, a12, a14, a15]
NAMES: dict[ModuleType, dict[str, Any]] = {
    a8: {"vocabulary": [100, 10000], "ambiguity": [0.0]},
    a9: {"vocabulary": [100, 1000, 10000, 20000], "ambiguity": [0.0, 0.1], "schedule": ["vanilla", "active-200"]},
    a14: {"schedule": ["vanilla", "drift-0", "drift-0.01", "drift-0.25", "active-200"]},
}
EVALUATIONS = {a10: a10.EVALUATIONS, a12: tuple(a12.SETS)}
DISTRIBUTIONS = ["uniform", "zipf-1.0001", "zipf-1.5"]
LONG_NAMES = ["corrected", "reference", "unseen-negatives"]


def score(row: dict[str, Any], x: np.ndarray, evaluation: str, metric: str) -> np.ndarray:
    return fading(x, peak=0.9 - 0.1 * row["seed"], end=0.3)


def accuracy(row: dict[str, Any], counts: np.ndarray, metric: str) -> np.ndarray:
    return np.random.default_rng(row["seed"]).integers(0, 3, len(counts)) / 2


def make(module: ModuleType, protocols: list[str], distributions: list[str], seeds: int) -> xr.Dataset:
    schedules = ["vanilla", "active-200", "temporary-50-400", "temporary-50-600"]
    names = {"schedule": schedules} if module not in (a8,) else {}
    names |= NAMES.get(module, {}) | {"distribution": distributions, "protocol": protocols, "seed": range(seeds)}
    dataset = planted(grid(**names), score, evaluations=EVALUATIONS.get(module, STANDARD), steps=range(0, 1001, 250))
    dataset = with_tokens(dataset, lambda row: np.arange(60.0) ** 2, accuracy) if module is a11 else dataset
    return dataset[list(module.VARIABLES)]


def many(module: ModuleType) -> list[str]:
    """As few distributions as show all that the figure has."""
    return DISTRIBUTIONS[-2:] if module is a9 else DISTRIBUTIONS[-1:]


def png(figure: Figure) -> bytes:
    target = BytesIO()
    figure.savefig(target, format="png", dpi=50)
    return target.getvalue()


def legends(figure: Figure) -> list:
    return [legend for part in (figure, *figure.subfigs) for legend in part.legends]


@pytest.mark.parametrize("module", FIGURES)
def test_csv_read_again_draws_the_same(module: ModuleType) -> None:
    numbers = module.numbers(make(module, ["corrected", "reference"], ["zipf-1.5"], seeds=2))
    again = pd.read_csv(StringIO(numbers.to_csv(index=False)))
    with style.paper_style():
        assert png(module.draw(again)) == png(module.draw(numbers))


@pytest.mark.parametrize("module", FIGURES)
@pytest.mark.parametrize(("protocols", "seeds"), [(LONG_NAMES[:1], 1), (LONG_NAMES, 2)])
def test_nothing_is_clipped_and_all_text_is_readable(module: ModuleType, protocols: list[str], seeds: int) -> None:
    distributions = DISTRIBUTIONS if seeds == 1 else DISTRIBUTIONS[-1:]
    figure = module.draw(module.numbers(make(module, protocols, distributions, seeds)))
    assert_readable(figure)


@pytest.mark.parametrize("module", FIGURES)
def test_legends_name_protocols_seeds_and_what_is_compared(module: ModuleType) -> None:
    figure = module.draw(module.numbers(make(module, LONG_NAMES[:2], many(module), seeds=2)))
    words = {text.get_text() for legend in legends(figure) for text in legend.get_texts()}
    compared = {"validation", "tail", "head switch"} if module is a8 else {"vanilla", "active, every 200 steps"}
    assert words >= {*compared, "protocol corrected", "protocol reference", "chance (two-way)"}
    titles = " ".join(legend.get_title().get_text() for legend in legends(figure))
    assert "2 seeds" in titles
    assert "minimum to maximum" in titles


@pytest.mark.parametrize("module", FIGURES)
def test_one_seed_is_said(module: ModuleType) -> None:
    figure = module.draw(module.numbers(make(module, LONG_NAMES[:1], many(module), seeds=1)))
    assert "one seed" in " ".join(legend.get_title().get_text() for legend in legends(figure))
