"""From stores to files: what a figure loads, what it says when something is missing, and which files it writes."""

import sys
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures.files import draw_figure
from dual_process.store import write_store
from tests.builders import grid, probe_dataset, rising

seen: dict[str, Any] = {}


def plain(*_: Any) -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    return figure


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    seen["variables"], seen["dims"] = set(dataset.data_vars), set(dataset.dims)
    return pd.DataFrame({"value": [0.5, 0.25]})


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Importable module of a figure that shows nothing in particular."""
    module = ModuleType("dual_process.figures.fig0")
    module.VARIABLES, module.numbers, module.draw = ("score",), numbers, plain
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def stores(tmp_path):
    """Two runs whose vocabularies differ."""
    paths = []
    for vocabulary, num_tokens in ((100, 60), (1000, 80)):
        rows = grid(vocabulary=[vocabulary])
        dataset = probe_dataset(rows, score=lambda row, x, *_: rising(x, end=0.5), num_tokens=num_tokens)
        paths.append(tmp_path / f"{vocabulary}.zarr")
        write_store(paths[-1], {"": dataset}, {})
    return paths, [row["run"] for vocabulary in (100, 1000) for row in grid(vocabulary=[vocabulary])]


def outputs(tmp_path, *forms: str) -> dict:
    return {form: tmp_path / f"figure.{form}" for form in forms}


def test_all_files_are_written_from_the_wanted_variables_alone(tmp_path, figure, stores):
    files = outputs(tmp_path, "pdf", "png", "csv")
    draw_figure("fig0", *stores, files)
    assert seen["variables"] == {"score"}
    assert "token" not in seen["dims"]
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert files["csv"].read_text() == "value\n0.5\n0.25\n"


def test_a_drawing_without_data_needs_no_stores(tmp_path, figure):
    del figure.numbers
    files = outputs(tmp_path, "pdf", "png")
    draw_figure("fig0", [], [], files)
    assert all(path.exists() for path in files.values())


def test_a_variable_that_no_run_has_is_one_sentence(tmp_path, figure, stores):
    figure.VARIABLES = ("score", "brightness")
    with pytest.raises(ValueError, match=r"have no brightness; name the analysis .* in probing\.analyses"):
        draw_figure("fig0", *stores, outputs(tmp_path, "png", "csv"))
    assert not (tmp_path / "figure.png").exists()
