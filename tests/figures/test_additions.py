"""A schedule or a distribution added to the grids, by the configuration alone, appears in every figure of its grids."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from dual_process.blocks import EVALUATIONS
from dual_process.config import Config, load_config
from dual_process.runs import Run, figure_runs
from tests import builders
from tests.grid_data import planted, with_tokens
from tests.mechanism_data import with_geometry, with_heads, words

QUICK = Path(__file__).parents[2] / "config" / "config.yaml"
FIGURES = sorted(yaml.safe_load(QUICK.read_text())["figures"])
SCHEDULE, DISTRIBUTION = "active-37", "zipf-1.7"
SCHEDULE_LABEL, DISTRIBUTION_LABEL = "37", "1.7"


def with_additions(figure: str) -> Config:
    """Return the quick configuration with a new schedule and a new distribution in all grids of a figure."""
    data = yaml.safe_load(QUICK.read_text())
    data["schedules"][SCHEDULE] = {"kind": "active", "period": 37}
    data["distributions"][DISTRIBUTION] = {"law": "zipf", "alpha": 1.7}
    for name in data["figures"][figure]["grids"]:
        grid = data["grids"][name]
        grid["schedules"] = [*grid["schedules"], SCHEDULE]
        grid["distributions"] = [*grid["distributions"], DISTRIBUTION]
        grid["seeds"] = grid["seeds"][:1]
    return load_config(data)


def row(config: Config, run: Run) -> dict[str, Any]:
    """Coordinates of a run, as probing writes them."""
    task, model = config.tasks[run.task], config.models[run.model]
    return builders.run(
        distribution=run.distribution,
        schedule=run.schedule,
        protocol=run.protocol,
        seed=run.seed,
        task=run.task,
        model=run.model,
        layers=model.layers,
        training=run.training,
        vocabulary=getattr(task, "vocabulary", 0),
        ambiguity=getattr(task, "ambiguity", np.nan),
    )


def store(rows: list[dict[str, Any]]) -> xr.Dataset:
    """Everything that a figure may ask for, with some values."""
    dataset = planted(rows, lambda *_: 0.5, evaluations=EVALUATIONS, steps=(0, 500, 1000))
    rest = builders.probe_dataset(
        rows,
        steps=(0, 500, 1000),
        probe=lambda *_: 0.6,
        separability=lambda *_: 0.7,
        embedding=lambda row, roles: np.random.default_rng(0).normal(size=(len(roles), 2)),
    )
    dataset = dataset.assign({name: rest[name] for name in rest.data_vars if name != "score"})
    dataset = with_tokens(dataset, lambda row: np.arange(60.0), lambda row, counts, metric: counts / 60)
    dataset = with_geometry(dataset, centroid=lambda *_: 0.8, norm=lambda *_: 1.0)
    dataset = dataset.assign_coords(counting_accuracy=("run", np.full(len(rows), 0.5)))
    return with_heads(dataset, reading=lambda *_: 0.2, effect=lambda *_: -0.1)


@pytest.mark.parametrize("figure", FIGURES)
def test_additions_appear_in_numbers_and_drawing(figure: str) -> None:
    config = with_additions(figure)
    module = import_module(f"dual_process.figures.{figure}")
    dataset = store([row(config, run) for run in figure_runs(config, figure)])
    numbers = module.numbers(dataset[list(module.VARIABLES)])
    assert SCHEDULE in set(numbers["schedule"])
    assert DISTRIBUTION in set(numbers["distribution"])
    said = " | ".join(words(module.draw(numbers)))
    assert SCHEDULE_LABEL in said
    assert DISTRIBUTION_LABEL in said
