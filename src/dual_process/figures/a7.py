"""Figure A7: what ambiguous types change under vanilla training, and where the part of speech can be read meanwhile.

Dataset of the probe store in, figure out. Columns: task by its ambiguity, distribution, and schedule where there are
several; upper rows: accuracy on classes as trained and exchanged, for head and tail; lower rows: probe accuracy by
layer. All over the same steps.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from dual_process.figures import curves, grids, heatmaps, probe_panels, style
from dual_process.figures.columns import pages, schedule_titles

VARIABLES = ("score", "probe_accuracy", "steps_since_reset")
PAIRS = (("val", "switch"), ("tail", "tail_switch"))
"""Evaluations drawn in one panel: classes as trained, and exchanged."""
PALETTE = {
    "val": style.COLOURS[0],
    "tail": style.COLOURS[0],
    "switch": style.COLOURS[3],
    "tail_switch": style.COLOURS[3],
}
PAIR_LABELS = {"val": "head", "tail": "tail"}
CURVE_LABELS = {"val": "classes as in training", "switch": "classes exchanged"}
MAX_COLUMNS = 4
ROW_HEIGHT = 0.92
CONDITION = ["ambiguity", "vocabulary", "task", "distribution", "schedule"]


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies and probe accuracies of all runs.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` is "accuracy", with ``evaluation`` and ``metric``, or "probe", with ``evaluation`` (what is
        probed) and ``layer``; one row per run and step, the number in ``value``.
    """
    names = [name for pair in PAIRS for name in pair]
    score = grids.score_frame(dataset, names)
    probe = probe_panels.probe_frame(dataset).rename(columns={"probed": "evaluation"})
    parts = [
        score.rename(columns={"accuracy": "value"}).assign(quantity="accuracy"),
        probe.assign(quantity="probe"),
    ]
    joined = pd.concat(parts, ignore_index=True)
    first = ["quantity", "run"]
    return joined[first + [name for name in joined if name not in (*first, "value")] + ["value"]]


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = _first_model(numbers)
    parts = pages(_conditions(shown), MAX_COLUMNS)
    num_rows = 2 * len(style.METRIC_LABELS) + 2 * shown["protocol"].nunique()
    height = num_rows * ROW_HEIGHT + (0.3 if shown["schedule"].nunique() == 1 else 0.6)
    figure = Figure(figsize=(style.WIDTH, height * len(parts) + 1.0), layout="constrained")
    for part, page in zip(figure.subfigures(len(parts), 1, squeeze=False)[:, 0], parts, strict=True):
        _draw_page(part, shown, page, num_columns=max(map(len, parts)))
    dashes = style.protocol_dashes(shown)
    handles = curves.colour_handles({name: PALETTE[name] for name in CURVE_LABELS}, CURVE_LABELS)
    handles += [*curves.protocol_handles(dashes), curves.chance_handle()]
    handles += [curves.early_handle()] if curves.has_early(shown) else []
    handles += probe_panels.mark_handles(_probed(shown))
    words = f"{curves.band_text(shown)}; {probe_panels.seeds_text(_probed(shown))}"
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title=words)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_page(figure: SubFigure, numbers: pd.DataFrame, page: Sequence[pd.Series], *, num_columns: int) -> None:
    """Draw all rows for some conditions, one a column."""
    protocols = style.protocol_order(numbers)
    curve_rows = [(metric, pair) for metric in style.METRIC_LABELS for pair in PAIRS]
    probe_rows = [(probed, protocol) for probed in probe_panels.PROBED for protocol in protocols]
    axes = figure.subplots(len(curve_rows) + len(probe_rows), num_columns, squeeze=False)
    limits, meshes = probe_panels.limits_of(_probed(numbers)), []
    for number, column in enumerate(axes.T):
        if number >= len(page):
            for panel in column:
                panel.set_axis_off()
            continue
        here = numbers[(numbers[CONDITION] == page[number]).all(axis=1)]
        column[0].set_title(_title(page[number], numbers))
        for (metric, pair), panel in zip(curve_rows, column, strict=False):
            _draw_pair(panel, here[(here["metric"] == metric) & here["evaluation"].isin(pair)], numbers)
        for (probed, protocol), panel in zip(probe_rows, column[len(curve_rows) :], strict=True):
            cell = _probed(here)
            cell = cell[(cell["probed"] == probed) & (cell["protocol"] == protocol)]
            meshes.append(probe_panels.draw_probe(panel, cell, limits=limits))
        column[-1].set_xlabel("training step")
    for (metric, pair), panel in zip(curve_rows, axes[:, 0], strict=False):
        panel.set_ylabel(f"{PAIR_LABELS[pair[0]]}\n{style.METRIC_LABELS[metric]}")
    for (probed, protocol), panel in zip(probe_rows, axes[len(curve_rows) :, 0], strict=True):
        where = f"\n{protocol}" if len(protocols) > 1 else ""
        panel.set_ylabel(f"probe, {PAIR_LABELS[probed]}{where}\nlayer")
    mesh = next((mesh for mesh in meshes if mesh is not None), None)
    if mesh is not None:
        heatmaps.colour_bar(figure, mesh, list(axes[len(curve_rows) :].flat), label="probe accuracy")


def _draw_pair(axes: Axes, numbers: pd.DataFrame, everything: pd.DataFrame) -> None:
    """Draw the curves of one metric, one pair of evaluations and one condition."""
    if numbers.empty:
        probe_panels.blank(axes, "not measured")
        return
    dashes = style.protocol_dashes(everything)
    curves.draw_curves(axes, numbers, y="value", hue="evaluation", palette=PALETTE, dashes=dashes)
    is_two_way = bool((numbers["metric"] == "two_way").all())
    curves.finish_panel(axes, last_step=numbers["step"].max(), chance=is_two_way)
    heatmaps.logarithmic_steps(axes, sorted(numbers["step"].unique()))


def _probed(numbers: pd.DataFrame) -> pd.DataFrame:
    return numbers[numbers["quantity"] == "probe"].rename(columns={"evaluation": "probed"})


def _first_model(numbers: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Restrict to the first model and training; tasks are what is compared."""
    keys = ["model", "training"]
    settings = numbers[keys].drop_duplicates().sort_values(keys)
    first = settings.iloc[0]
    words = ", ".join(f"{key} {first[key]}" for key in keys if settings[key].nunique() > 1)
    title = f"{words} (first of {len(settings)} settings)" if words else ""
    return numbers[(numbers[keys] == first).all(axis=1)], title


def _conditions(numbers: pd.DataFrame) -> list[list[pd.Series]]:
    """Conditions in order of ambiguity, vocabulary, task, distribution and schedule, in groups alike but for it."""
    unique = numbers[CONDITION].drop_duplicates()
    orders = {"distribution": style.distribution_order(numbers), "schedule": style.schedule_order(numbers)}
    for name, order in orders.items():
        unique[f"place of {name}"] = unique[name].map(order.index)
    unique = unique.sort_values(["ambiguity", "vocabulary", "task", *(f"place of {name}" for name in orders)])
    groups = unique.groupby(CONDITION[:-1], sort=False)
    return [[row for _, row in group[CONDITION].iterrows()] for _, group in groups]


def _title(condition: pd.Series, numbers: pd.DataFrame) -> str:
    """Ambiguity and distribution, and the vocabulary, task and schedule where they tell conditions apart."""
    words = f"ambiguity {np.round(condition['ambiguity'], 4):g}"
    if numbers["vocabulary"].nunique() > 1:
        words += f", {condition['vocabulary']} types"
    unique = numbers[CONDITION].drop_duplicates()
    if unique.drop(columns="task").duplicated().any():
        words += f", {condition['task']}"
    words += f"\n{style.distribution_labels(numbers)[condition['distribution']]}"
    schedules = schedule_titles(numbers, MAX_COLUMNS)
    return words + (f"\n{schedules[condition['schedule']]}" if len(schedules) > 1 else "")
