"""Figure A9: ends of training over ambiguity, vocabulary, distribution and layers, with and without forgetting.

Dataset of the probe store in, figure out. Top: heatmaps of two-way accuracy, ambiguity against vocabulary, one row of
panels per distribution, schedule and protocol, for the model with the most tasks. Below: ends against the distribution,
for the setting with the most of them, and against the layers of the model, likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure, SubFigure

from dual_process.figures import curves, grids, heatmaps, style

VARIABLES = ("score",)
EVALUATIONS = ("unseen", "switch", "tail_switch")
HEATMAP_METRIC = "two_way"
CELL_HEIGHT, PANEL_HEIGHT, HEATMAP_EDGES = 0.28, 0.3, 0.9
MAX_LETTERS = 18
"""Tick labels with more letters in all are turned."""
LINE_HEIGHT, LINE_LEGEND_HEIGHT = 1.25, 0.8


@dataclass(frozen=True)
class Lines:
    """A row of panels of ends: the column along x, its values and their labels, and what is shown."""

    column: str
    order: Sequence[str]
    labels: Sequence[str]
    xlabel: str
    numbers: pd.DataFrame


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Ends of all runs, one row per run, evaluation and metric."""
    return grids.end_frame(dataset, EVALUATIONS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    lines = [part for part in (_by_distribution(numbers), _by_model(numbers)) if len(part.order) > 1]
    cells = _heatmap_cells(numbers, forced=not lines)
    rows = _heatmap_rows(cells)
    num_ambiguities = cells["ambiguity"].nunique()
    heights = [(CELL_HEIGHT * num_ambiguities + PANEL_HEIGHT) * len(rows) + HEATMAP_EDGES] if rows else []
    heights += [len(lines) * len(style.METRIC_LABELS) * LINE_HEIGHT + LINE_LEGEND_HEIGHT] if lines else []
    figure = Figure(figsize=(style.WIDTH, sum(heights)), layout="constrained")
    parts = list(figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])
    if rows:
        _draw_heatmaps(parts[0], cells, rows)
    if lines:
        _draw_lines(parts[-1], lines)
    return figure


def _heatmap_cells(numbers: pd.DataFrame, *, forced: bool) -> pd.DataFrame:
    """Rows of the model and training with the most tasks, and of the distributions that several tasks have.

    Two tasks of the same vocabulary and ambiguity would share a cell; the first by name is taken.
    """
    cells = numbers[numbers["metric"] == HEATMAP_METRIC]
    cells = cells[_commonest(cells, ["model", "training"], "task")]
    firsts = cells.sort_values("task").drop_duplicates(["vocabulary", "ambiguity"])["task"]
    cells = cells[cells["task"].isin(firsts)]
    num_tasks = cells.groupby("distribution")["task"].transform("nunique")
    return cells if forced else cells[num_tasks > 1]


def _commonest(numbers: pd.DataFrame, keys: list[str], counted: str) -> pd.Series:
    """Whether a row has those values of `keys` for which there are most values of `counted`."""
    counts = numbers.groupby(keys)[counted].nunique()
    best = dict(zip(keys, counts.idxmax(), strict=True))
    return (numbers[keys] == pd.Series(best)).all(axis=1)


def _heatmap_rows(cells: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Label and cells of each row of heatmaps."""
    labels, schedules = style.distribution_labels(cells), grids.schedule_labels(cells)
    protocols = style.protocol_order(cells)
    groups = dict(list(cells.groupby(["distribution", "schedule", "protocol"])))
    return [
        (", ".join([labels[name], schedules[schedule], *([protocol] if len(protocols) > 1 else [])]), group)
        for name in labels
        for schedule in schedules
        for protocol in protocols
        if (group := groups.get((name, schedule, protocol))) is not None
    ]


def _draw_heatmaps(figure: SubFigure, cells: pd.DataFrame, rows: list[tuple[str, pd.DataFrame]]) -> None:
    axes = figure.subplots(len(rows), len(EVALUATIONS), sharex=True, sharey=True, squeeze=False)
    ambiguities = sorted(cells["ambiguity"].unique(), reverse=True)
    vocabularies = sorted(cells["vocabulary"].unique())
    several_seeds = cells["seed"].nunique() > 1
    for (label, group), row in zip(rows, axes, strict=True):
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            here = group[group["evaluation"] == evaluation].groupby(["ambiguity", "vocabulary"])["accuracy"]
            mean, low, high = (
                stat.unstack().reindex(index=ambiguities, columns=vocabularies)
                for stat in (here.mean(), here.min(), here.max())
            )
            mean.index = [f"{value:g}" for value in mean.index]
            mean.columns = [f"{int(value):,}" for value in mean.columns]
            ranges = low.map(grids.short) + "\N{EN DASH}" + high.map(grids.short)
            mesh = heatmaps.draw_cells(panel, mean, limits=(0, 1), notes=ranges if several_seeds else None)
        row[0].set_ylabel("ambiguity \N{GREEK SMALL LETTER EPSILON}")
        row[0].set_title(label, loc="left", fontsize=7, pad=3)
    for evaluation, top, bottom in zip(EVALUATIONS, axes[0], axes[-1], strict=True):
        above = {"xytext": (0, 15), "textcoords": "offset points", "ha": "center", "fontsize": 8}
        top.annotate(grids.EVALUATION_LABELS[evaluation], (0.5, 1), xycoords="axes fraction", **above)
        bottom.set_xlabel("vocabulary v")
    heatmaps.colour_bar(figure, mesh, list(axes.flat), label=f"{style.METRIC_LABELS[HEATMAP_METRIC]} accuracy")
    first = cells.iloc[0]
    seeds = f"; mean, minimum\N{EN DASH}maximum over {cells['seed'].nunique()} seeds" if several_seeds else "; one seed"
    figure.suptitle(f"end of training, model {first['model']}, training {first['training']}{seeds}", fontsize=8)
    if _has_gaps(rows, len(ambiguities) * len(vocabularies)):
        figure.legend(handles=[heatmaps.missing_handle()], loc="outside lower center")


def _has_gaps(rows: list[tuple[str, pd.DataFrame]], num_cells: int) -> bool:
    """Whether some row of panels lacks a cell."""
    wanted = len(EVALUATIONS) * num_cells
    return any(len(group.drop_duplicates(["evaluation", "vocabulary", "ambiguity"])) < wanted for _, group in rows)


def _by_distribution(numbers: pd.DataFrame) -> Lines:
    """Ends against the distribution, for the task, model and training with the most distributions."""
    shown = numbers[_commonest(numbers, ["task", "model", "training"], "distribution")]
    names = style.distribution_order(shown)
    laws = shown.drop_duplicates("distribution").set_index("distribution")
    labels = [f"{laws.at[name, 'alpha']:g}" if laws.at[name, "law"] == "zipf" else name for name in names]
    xlabel = "distribution (Zipf: exponent \N{GREEK SMALL LETTER ALPHA})"
    return Lines("distribution", names, labels, xlabel, shown)


def _by_model(numbers: pd.DataFrame) -> Lines:
    """Ends against the layers of the model, for the task, distribution and training with the most models."""
    shown = numbers[_commonest(numbers, ["task", "distribution", "training"], "model")]
    models = shown.drop_duplicates("model").sort_values(["layers", "model"])
    names = [str(name) for name in models["model"]]
    is_alone = models["layers"].nunique() == len(models)
    labels = [str(int(layers)) for layers in models["layers"]] if is_alone else names
    return Lines("model", names, labels, "layers" if is_alone else "model", shown)


def _draw_lines(figure: SubFigure, lines: list[Lines]) -> None:
    rows, last = [(part, metric) for part in lines for metric in style.METRIC_LABELS], list(style.METRIC_LABELS)[-1]
    axes = figure.subplots(len(rows), len(EVALUATIONS), sharey=True, squeeze=False)
    everything = pd.concat([part.numbers for part in lines])
    palette, dashes = style.schedule_colours(everything), style.protocol_dashes(everything)
    for (part, metric), row in zip(rows, axes, strict=True):
        is_crowded = sum(map(len, part.labels)) > MAX_LETTERS
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            chosen = (part.numbers["metric"] == metric) & (part.numbers["evaluation"] == evaluation)
            grids.draw_ends(
                panel,
                part.numbers[chosen],
                x=part.column,
                order=part.order,
                hue="schedule",
                palette=palette,
                dashes=dashes,
            )
            grids.finish_ends(panel, part.labels, chance=metric == "two_way", rotation=45 * is_crowded)
            panel.tick_params(labelbottom=metric == last)
            panel.set_xlabel(part.xlabel if metric == last else "")
        row[0].set_ylabel(f"{_constant(part)}\n{style.METRIC_LABELS[metric]}")
    for evaluation, panel in zip(EVALUATIONS, axes[0], strict=True):
        panel.set_title(grids.EVALUATION_LABELS[evaluation])
    handles = curves.colour_handles(palette, grids.schedule_labels(everything)) + grids.protocol_handles(dashes)
    handles.append(curves.chance_handle())
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 3), title=grids.ends_text(everything)
    )


def _constant(lines: Lines) -> str:
    """Say what all points of some panels have in common."""
    first = lines.numbers.iloc[0]
    words = f"v = {int(first['vocabulary']):,}, \N{GREEK SMALL LETTER EPSILON} = {first['ambiguity']:g}"
    if lines.column == "distribution":
        return f"{words}\nmodel {first['model']}"
    return f"{words}\n{style.distribution_labels(lines.numbers)[first['distribution']]}"
