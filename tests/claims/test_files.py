"""From stores to the three files."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dual_process.claims import files
from dual_process.claims.files import CLAIMS, evaluate_claims
from dual_process.store import write_store
from tests.builders import fading, grid, probe_dataset

OUTPUTS = {"json": "claims.json", "markdown": "claims.md", "csv": "claims.csv"}


@pytest.fixture
def store(tmp_path):
    dataset = probe_dataset(
        grid(schedule=["vanilla", "active-200"], seed=[0, 1]), score=lambda row, x, *_: fading(x, peak=0.9, end=0.3)
    )
    dataset = dataset.assign_coords(num_sequences=("evaluation", np.full(dataset.sizes["evaluation"], 500)))
    write_store(tmp_path / "one.zarr", {"": dataset.isel(run=[0, 1])}, {})
    write_store(tmp_path / "two.zarr", {"": dataset.isel(run=[2, 3])}, {})
    return [tmp_path / "one.zarr", tmp_path / "two.zarr"], dataset["run"].values.tolist()


def written(tmp_path, stores, runs, **options):
    outputs = {form: tmp_path / name for form, name in OUTPUTS.items()}
    evaluate_claims(stores, runs, "quick", outputs, **options)
    return json.loads(outputs["json"].read_text()), outputs["markdown"].read_text()


def identifier(module):
    return getattr(module, "ID", module.FIGURE)


def test_a_figure_that_is_not_drawn_has_a_row_all_the_same(tmp_path, store):
    stores, runs = store
    rows, text = written(tmp_path, stores, {"fig3": runs})
    assert len([row for row in rows if row["figure"] == "fig3"]) > 2
    for module in CLAIMS:
        if module.FIGURE != "fig3":
            (row,) = (row for row in rows if row["id"] == f"{identifier(module)}.all")
            assert (row["figure"], row["verdict"]) == (module.FIGURE, "not testable")
            missing = "checkpoints absent" if hasattr(module, "ABSENT") else "no grid"
            assert row["reason"].startswith(missing)
            assert f"| {module.FIGURE} | {module.__doc__.splitlines()[0]} | {missing}" in text


def test_a_table_of_some_figures_leaves_the_others_out(tmp_path, store):
    stores, runs = store
    rows, text = written(tmp_path, stores, {"fig3": runs}, complete=False)
    assert {row["figure"] for row in rows} == {"fig3"}
    assert "no grid" not in text


def test_values_have_intervals_and_the_scale(tmp_path, store):
    stores, runs = store
    rows, text = written(tmp_path, stores, {"fig3": runs[:3]})
    row = next(row for row in rows if row["id"].startswith("F3.vanilla.unseen.transient.two_way"))
    assert row["scale"] == "quick"
    assert row["value"] == pytest.approx(0.6)
    assert row["interval_low"] < 0.6 < row["interval_high"]
    assert "# Claims at scale quick" in text


def test_a_variable_that_no_run_has_is_said(tmp_path, store, monkeypatch):
    stores, runs = store
    module = SimpleNamespace(FIGURE="fig9", VARIABLES=("score", "brightness"), evaluate=None, __doc__="It glows.")
    monkeypatch.setattr(files, "CLAIMS", (module,))
    ((row,), _) = written(tmp_path, stores, {"fig9": runs})
    assert row["verdict"] == "not testable"
    assert "no run has brightness" in row["reason"]
    assert row["statement"] == "It glows."


def test_every_module_of_claims_is_listed():
    folder = Path(files.__file__).parent
    judging = {path.stem for path in folder.glob("*.py") if "\nFIGURE = " in path.read_text()}
    assert {module.__name__.rpartition(".")[2] for module in CLAIMS} == judging
    assert len({identifier(module) for module in CLAIMS}) == len(CLAIMS)
