"""Probe stores with planted geometry and attention, and what all figures promise, for tests of mechanism."""

from collections.abc import Callable, Sequence
from io import BytesIO, StringIO
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import style

PARTS = ("after_copula", "other_slot", "copula", "query", "self", "other_masks")
SETS = ("val", "switch", "unseen")
NUM_LAYERS = 2

Plant = Callable[..., Any]


def with_geometry(dataset: xr.Dataset, *, centroid: Plant, norm: Plant) -> xr.Dataset:
    """Add accuracies of centroids and lengths of rows.

    Parameters
    ----------
    dataset
        What `builders.probe_dataset` returned.
    centroid
        Planted value as a function of (run, steps, contrast).
    norm
        Planted norm as a function of (run, role); the drift is half of it, and NaN for unseen tokens.
    """
    rows, steps, roles = rows_of(dataset), dataset["step"].values, dataset["role"].values
    contrasts = dataset["contrast"].values
    accuracy = np.array(
        [[np.broadcast_to(centroid(row, steps, name), steps.shape) for name in contrasts] for row in rows]
    )
    lengths = np.array([[norm(row, role) for role in roles] for row in rows], float)
    lengths = np.repeat(lengths[:, None], dataset.sizes["analysis_step"], axis=1).astype(np.float32)
    where = ("run", "analysis_step", "token")
    return dataset.assign(
        centroid_accuracy=(("run", "step", "contrast"), np.moveaxis(accuracy, 1, 2).astype(np.float32)),
        embedding_norm=(where, lengths),
        embedding_drift=(where, np.where(roles == "unseen", np.nan, lengths / 2)),
    )


def with_heads(dataset: xr.Dataset, *, reading: Plant, effect: Plant, num_heads: int = 1) -> xr.Dataset:
    """Add attention and ablation.

    Parameters
    ----------
    dataset
        What `builders.probe_dataset` returned.
    reading
        Planted weight as a function of (run, steps, layer_index, head, probe_set, part).
    effect
        Planted change as a function of (run, steps, layer_index, head, probe_set).
    num_heads
        Heads in each of the two layers.
    """
    rows, x = rows_of(dataset), dataset["analysis_step"].values
    shape = (len(rows), len(x), NUM_LAYERS, num_heads, len(SETS))
    weights, effects = np.empty((*shape, len(PARTS)), np.float32), np.empty(shape, np.float32)
    for run, layer, head, name in np.ndindex(len(rows), NUM_LAYERS, num_heads, len(SETS)):
        effects[run, :, layer, head, name] = effect(rows[run], x, layer, head, SETS[name])
        for part, word in enumerate(PARTS):
            weights[run, :, layer, head, name, part] = reading(rows[run], x, layer, head, SETS[name], word)
    dims = ("run", "analysis_step", "layer_index", "head", "probe_set")
    coords = {
        "layer_index": np.arange(NUM_LAYERS),
        "head": np.arange(num_heads),
        "probe_set": np.array(SETS, dtype=object),
        "part": np.array(PARTS, dtype=object),
    }
    return dataset.assign_coords(coords).assign(
        attention_reading=((*dims, "part"), weights), ablation_effect=(dims, effects)
    )


def rows_of(dataset: xr.Dataset) -> list[dict[str, Any]]:
    """Coordinates of each run."""
    names = [name for name in dataset.coords if dataset[name].dims == ("run",)]
    return [{name: dataset[name].values[index] for name in names} for index in range(dataset.sizes["run"])]


def read_again(numbers: pd.DataFrame) -> pd.DataFrame:
    """Write a table of numbers as csv and read it."""
    return pd.read_csv(StringIO(numbers.to_csv(index=False)))


def render(figure: Figure) -> bytes:
    """Pixels of a figure."""
    target = BytesIO()
    figure.savefig(target, format="png", dpi=50)
    return target.getvalue()


def keeps_promises(module: ModuleType, dataset: xr.Dataset | None = None, *, again: bool = False) -> Figure:
    """Check that nothing is clipped, all text is readable and, if wanted, the csv draws the same; return the figure."""
    arguments = [] if dataset is None else [module.numbers(dataset[list(module.VARIABLES)])]
    figure = module.draw(*arguments)
    with style.paper_style():
        if again:
            assert render(module.draw(read_again(arguments[0]))) == render(figure)
    assert_readable(figure)
    return figure


def assert_readable(figure: Figure) -> None:
    """Check that a figure has the common width, that nothing is clipped, and that all text can be read."""
    with style.paper_style():
        figure.draw_without_rendering()
        tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert width == style.WIDTH
    assert min(tight.x0, tight.y0) >= -0.01
    assert tight.x1 <= width + 0.01
    assert tight.y1 <= height + 0.01
    assert min(text.get_fontsize() for text in texts(figure)) >= 7


def texts(figure: Figure) -> list[Any]:
    """All pieces of text that say something."""
    return [text for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")) if text.get_text()]


def words(figure: Figure) -> set[str]:
    """What all pieces of text say."""
    return {text.get_text() for text in texts(figure)}


def panels(figure: Figure) -> Sequence[Any]:
    """Axes that show something."""
    return [axes for axes in figure.axes if axes.axison]
