"""Figure A13: structural in-context learning at every layer of a language model, and how often words were seen.

Stores of part-of-speech probes in, figure out. Columns: schedule; upper rows: accuracy on unseen words by layer and
step, and its range over seeds; below: how many nouns and adjectives occur how often in the training text.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure, SubFigure

from dual_process.figures import curves, heatmaps, language, style
from dual_process.figures.columns import schedule_titles
from dual_process.store import RUN_COLUMNS

VARIABLES = ("part_of_speech", "types_by_count", "steps_since_reset")
MAX_COLUMNS = 4
LAYER_HEIGHT, LEAST_HEIGHT, HISTOGRAM_HEIGHT = 0.13, 1.0, 1.9
RANGE_MAP = "Greys"
BAR_LABELS = {"mean": "accuracy\n(white: .5)", "range": "largest minus\nsmallest seed"}
CENTRE = 0.5
"""The colour of the upper row is neutral at chance."""


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Return accuracy on unseen words at every layer, and numbers of types by training count, for all runs.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` is "unseen", with ``layer`` and ``step``, or "types", with ``role`` and the upper edge ``count``;
        the value is in ``value``.
    """
    accuracy = language.measured(dataset, VARIABLES[0], analysis="part_of_speech")
    accuracy = accuracy[accuracy["evaluation"] == "unseen"].assign(quantity="unseen")
    types = curves.run_frame(dataset["types_by_count"].astype(float), name="value").assign(quantity="types")
    joined = pd.concat([accuracy, types], ignore_index=True).astype({"layers": int})
    where = ["layer", "step", curves.PHASE, "role", "count", "value"]
    return joined[["quantity", "run", *RUN_COLUMNS, *where]]


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = language.first_setting(numbers)
    accuracy, types = (shown[shown["quantity"] == name] for name in ("unseen", "types"))
    accuracy = language.late(accuracy).astype({"layer": int})
    schedules = style.schedule_order(accuracy)
    pages = [schedules[start : start + MAX_COLUMNS] for start in range(0, len(schedules), MAX_COLUMNS)]
    heights = [_height(accuracy)] * len(pages) + [HISTOGRAM_HEIGHT]
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 0.2), layout="constrained")
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, page in zip(parts[:-1], pages, strict=True):
        _draw_layers(part, accuracy, page)
    _draw_types(parts[-1].subplots(), types)
    words = "probe accuracy on unseen words, " + language.seeds_text(
        accuracy, what="upper row", spread="; lower row: range"
    )
    words += ", late in a reset cycle" if curves.has_early(shown) else ""
    figure.suptitle("; ".join(filter(None, [title, words])), fontsize=8)
    return figure


def _rows(numbers: pd.DataFrame) -> list[str]:
    """Mean over seeds, and their range where there are several."""
    return ["mean", "range"] if numbers.groupby("schedule")["seed"].nunique().max() > 1 else ["mean"]


def _height(numbers: pd.DataFrame) -> float:
    return max(LEAST_HEIGHT, LAYER_HEIGHT * numbers["layer"].nunique()) * len(_rows(numbers)) + 0.7


def _draw_layers(figure: SubFigure, numbers: pd.DataFrame, schedules: Sequence[str]) -> None:
    """Draw the panels of some schedules, one a column."""
    rows, titles = _rows(numbers), schedule_titles(numbers, len(schedules))
    axes = figure.subplots(len(rows), len(schedules), squeeze=False)
    tables = {name: _tables(numbers[numbers["schedule"] == name]) for name in style.schedule_order(numbers)}
    for kind, row in zip(rows, axes, strict=True):
        limits = _limits(kind, [table[kind] for table in tables.values()])
        colour_map = RANGE_MAP if kind == "range" else f"{heatmaps.DIVERGING}_r"
        meshes: list[QuadMesh] = []
        for name, panel in zip(schedules, row, strict=True):
            meshes.append(heatmaps.draw_over_steps(panel, tables[name][kind], limits=limits, colour_map=colour_map))
        row[0].set_ylabel("layer")
        heatmaps.colour_bar(figure, meshes[0], list(row), label=BAR_LABELS[kind])
        language.logarithmic(row, numbers)
    for name, top, bottom in zip(schedules, axes[0], axes[-1], strict=True):
        top.set_title(titles[name])
        bottom.set_xlabel("training step")


def _tables(numbers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Mean and range over seeds, shape (layer, step), the last layer on top."""
    cells = numbers.pivot_table(index="layer", columns="step", values="value", aggfunc=["mean", "min", "max"])
    cells = cells.sort_index(ascending=False)
    return {"mean": cells["mean"], "range": cells["max"] - cells["min"]}


def _limits(kind: str, tables: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """Colour limits: symmetric about chance for accuracies, from 0 for ranges."""
    values = np.concatenate([table.to_numpy().ravel() for table in tables])
    if kind == "range":
        return 0.0, max(float(np.nanmax(values)), 0.05)
    reach = max(float(np.nanmax(np.abs(values - CENTRE))), 0.05)
    return CENTRE - reach, CENTRE + reach


def _draw_types(axes: Axes, numbers: pd.DataFrame) -> None:
    """Draw the histogram of training counts; it belongs to the text, so it is the same for every run and exact."""
    table = numbers.pivot_table(index="count", columns="role", values="value").fillna(0)
    table = table[(table > 0).any(axis=1)]
    roles = [name for name in style.ROLE_COLOURS if name in table]
    for place, role in enumerate(roles):
        x = np.arange(len(table)) + (place - (len(roles) - 1) / 2) * 0.4
        label = f"{role}s ({int(table[role].sum()):,} types)"
        axes.bar(x, table[role], width=0.4, color=style.ROLE_COLOURS[role], label=label)
    axes.set_yscale("symlog", linthresh=1, linscale=0.5)
    ticks = [10**power for power in range(6) if 10**power <= table.max(axis=None)]
    axes.set_yticks(ticks, list(map(str, ticks)))
    axes.set_xticks(np.arange(len(table)), [_counts(int(edge)) for edge in table.index], rotation=35)
    axes.set(xlabel="times seen in the training text", ylabel="word types", title="training counts of the words")
    axes.set_ylim(0)
    axes.legend()


def _counts(edge: int) -> str:
    """Counts of a bin that ends at a power of two."""
    return str(edge) if edge <= 2 else f"{edge // 2 + 1}\N{EN DASH}{edge}"
