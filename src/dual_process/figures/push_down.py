"""Figures A2, A3 and A5: from which layers linear probes read linguistic labels and trees, over training.

Stores of push-down probes in, figure out. A panel a label or measure of trees: layer over step, colour is accuracy. The
last panels: accuracy of probes on each single attention head, for two blocks. All of the first schedule.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from dual_process.figures import curves, heatmaps, language, style
from dual_process.push_down_statistics import knee_steps
from dual_process.store import RUN_COLUMNS

VARIABLES = ("push_down", "structure", "head_push_down", "majority", "steps_since_reset")
PANELS = {
    "push_down": {
        "cpos": "part of speech, coarse",
        "fpos": "part of speech, fine",
        "ner": "named entity",
        "dep": "dependency relation",
        "phrase_start": "start of a phrase",
        "phrase_end": "end of a phrase",
    },
    "structure": {
        "unlabelled_attachment": "tree distance: attachment",
        "distance_spearman": "tree distance: rank correlation",
        "root_accuracy": "tree depth: root",
        "depth_spearman": "tree depth: rank correlation",
    },
}
"""Words of each label and measure, in drawing order, by variable."""
DIMENSIONS = {"push_down": "label", "structure": "measure", "head_push_down": "label"}
HEAD_LABEL = "dep"
HEAD_SHARES = (5 / 12, 11 / 12)
"""Depths of the two blocks whose heads are drawn: blocks 5 and 11 of 12."""
MAJORITY = "majority"
"""Variable over `run` and `label`: share of the most frequent class, which a probe that knows nothing reaches."""
NUM_COLUMNS = 3
LAYER_HEIGHT, LEAST_HEIGHT, LEGEND_HEIGHT = 0.12, 1.0, 1.3
JUMP_COLOUR = "#E8000B"
BOX: dict[str, Any] = {"fill": False, "edgecolor": "white", "linewidth": 0.9}
KNEE: dict[str, Any] = {"mfc": style.BLACK, "mec": "white", "mew": 0.6, "markersize": 3.2}
BOX_EFFECTS: list[patheffects.AbstractPathEffect] = [patheffects.withStroke(linewidth=2.0, foreground=style.BLACK)]


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Return accuracies of all probes, for all runs.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` is the variable of the store, ``name`` the label or measure, with ``layer``, or ``block`` and
        ``head``; ``step``; the value in ``value``; ``majority`` is the share of the most frequent class of a label.
    """
    majority = curves.run_frame(dataset[MAJORITY], name=MAJORITY).rename(columns={"label": "name"})
    parts = []
    for variable, dim in DIMENSIONS.items():
        table = language.measured(dataset, variable, analysis="push_down").rename(columns={dim: "name"})
        parts.append(table.assign(quantity=variable))
    joined = pd.concat(parts, ignore_index=True).merge(
        majority[["run", "name", MAJORITY]], on=["run", "name"], how="left"
    )
    where = ["layer", "block", "head", "step", curves.PHASE, MAJORITY, "value"]
    return joined[["quantity", "name", "run", *RUN_COLUMNS, *where]]


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = language.first_setting(numbers)
    schedules = style.schedule_order(shown)
    shown = shown[shown["schedule"] == schedules[0]]
    layered = language.late(shown).dropna(subset="layer").astype({"layer": int})
    panels = [(variable, name) for variable, words in PANELS.items() for name in words if _has(layered, variable, name)]
    heads = shown[(shown["quantity"] == "head_push_down") & (shown["name"] == HEAD_LABEL)]
    blocks = _head_blocks(heads)
    num_rows = -(-(len(panels) + len(blocks)) // NUM_COLUMNS)
    height = max(LEAST_HEIGHT, LAYER_HEIGHT * layered["layer"].nunique()) + 0.6
    figure = Figure(figsize=(style.WIDTH, height * num_rows + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(num_rows, NUM_COLUMNS, squeeze=False).ravel()
    for (variable, name), panel in zip(panels, axes, strict=False):
        cell = layered[(layered["quantity"] == variable) & (layered["name"] == name)]
        _draw_heatmap(figure, panel, cell, words=PANELS[variable][name])
    _draw_heads(list(axes[len(panels) :]), heads, blocks)
    for panel in axes[len(panels) + len(blocks) :]:
        panel.set_axis_off()
    label = style.schedule_labels(numbers)[schedules[0]]
    first = f"{label} (first of {len(schedules)} schedules)" if len(schedules) > 1 else label
    figure.suptitle("; ".join(filter(None, [first, title])), fontsize=8)
    _add_legend(figure, shown, heads)
    return figure


def _has(numbers: pd.DataFrame, variable: str, name: str) -> bool:
    return bool(((numbers["quantity"] == variable) & (numbers["name"] == name)).any())


def _draw_heatmap(figure: Figure, axes: Axes, numbers: pd.DataFrame, *, words: str) -> None:
    """Draw one label, with the largest jump between layers and the best layer of each step."""
    cells = numbers.pivot_table(index="layer", columns="step", values="value", aggfunc=["mean", "min", "max"])
    cells = cells.sort_index(ascending=False)
    table, spread = cells["mean"], (cells["max"] - cells["min"]).to_numpy()
    limits = (float(np.nanmin(table)), max(float(np.nanmax(table)), float(np.nanmin(table)) + 0.01))
    mesh = heatmaps.draw_over_steps(axes, table, limits=limits)
    edges = heatmaps.step_edges(list(table.columns))
    _mark_jumps(axes, table, edges)
    _mark_best(axes, table, edges)
    _mark_knees(axes, table)
    notes = [f"majority {_share(numbers[MAJORITY].iloc[0])}"] if numbers[MAJORITY].notna().any() else []
    notes += [f"seeds within {_share(float(np.nanmax(spread)))}"] if numbers["seed"].nunique() > 1 else []
    axes.set_title(f"{words}\n{', '.join(notes)}" if notes else words)
    axes.set_yticks(*_layer_ticks(table))
    axes.set(xlabel="training step", ylabel="layer")
    language.logarithmic([axes], numbers)
    bar = heatmaps.colour_bar(figure, mesh, [axes], label="")
    bar.ax.yaxis.set_major_locator(MaxNLocator(4))


def _share(value: float) -> str:
    """Two decimals without the zero in front."""
    return f"{value:.2f}".removeprefix("0")


def _layer_ticks(table: pd.DataFrame) -> tuple[list[float], list[str]]:
    """Every layer, or every second one of many, with the last one."""
    every = 1 if len(table) <= 8 else 2
    rows = [
        (place + 0.5, str(layer)) for place, layer in enumerate(table.index) if (table.index[0] - layer) % every == 0
    ]
    return [place for place, _ in rows], [label for _, label in rows]


def _mark_jumps(axes: Axes, table: pd.DataFrame, edges: np.ndarray) -> None:
    """Draw the boundary between the two adjacent layers between which accuracy rises most, a step function."""
    values = table.to_numpy(float)
    if len(values) < 2:
        return
    boundary = np.argmax(np.nan_to_num(values[:-1] - values[1:], nan=-np.inf), axis=0) + 1
    x, y = np.repeat(edges, 2)[1:-1], np.repeat(boundary, 2)
    axes.plot(x, y, color=JUMP_COLOUR, linewidth=1.3, solid_joinstyle="miter", label="jump")


def _mark_best(axes: Axes, table: pd.DataFrame, edges: np.ndarray) -> None:
    """Draw white boxes around the best layer of each step; neighbouring steps with the same best layer share one."""
    best = np.argmax(np.nan_to_num(table.to_numpy(float), nan=-np.inf), axis=0)
    starts = [0, *(np.flatnonzero(np.diff(best)) + 1)]
    for start, end in zip(starts, [*starts[1:], len(best)], strict=True):
        box = Rectangle((edges[start], best[start]), edges[end] - edges[start], 1, **BOX)
        box.set_path_effects(BOX_EFFECTS)
        axes.add_patch(box)


def _mark_knees(axes: Axes, table: pd.DataFrame) -> None:
    """Mark the step at which the curve of each layer lies highest above its chord, both axes linear."""
    knees = knee_steps(table.to_numpy(float).T, table.columns.to_numpy(float))
    for row, knee in enumerate(knees):
        if np.isfinite(knee):
            axes.plot(knee, row + 0.5, "o", **KNEE, clip_on=False)


def _draw_heads(panels: Sequence[Axes], numbers: pd.DataFrame, blocks: Sequence[int]) -> None:
    """Draw the heads of some blocks, ranked within each model: head 1 of two seeds would have nothing in common."""
    ranked, palette = _ranked(numbers), _rank_colours(numbers)
    values = numbers.loc[numbers["block"].isin(blocks), "value"]
    margin = max(0.05 * float(np.ptp(values)), 0.01) if len(values) else 0
    for block, panel in zip(blocks, panels, strict=False):
        language.draw_lines(panel, ranked[ranked["block"] == block], palette)
        language.logarithmic([panel], numbers)
        panel.set_ylim(values.min() - margin, values.max() + margin)
        panel.set_title(f"{PANELS['push_down'][HEAD_LABEL]}\nfrom single heads of block {block}")
        panel.set(xlabel="training step", ylabel="accuracy")


def _ranked(numbers: pd.DataFrame) -> pd.DataFrame:
    """Give each head its rank within its run and block, 1 for the most accurate at the end, in words in ``curve``."""
    last = numbers.groupby("run")["step"].transform("max")
    at_end = numbers[numbers["step"] >= (1 - language.END_SHARE) * last]
    keys = ["run", "block", "head"]
    rank = at_end.groupby(keys)["value"].mean().groupby(["run", "block"]).rank(ascending=False, method="first")
    ranked = numbers.merge(rank.rename("rank").reset_index(), on=keys)
    return ranked.assign(curve=ranked["rank"].map(_rank_name))


def _rank_name(rank: float) -> str:
    return "head 1 (best at the end)" if rank == 1 else f"head {int(rank)}"


def _rank_colours(numbers: pd.DataFrame) -> dict[str, str]:
    count = numbers["head"].nunique()
    return dict(zip([_rank_name(rank) for rank in range(1, count + 1)], style.ramp(count), strict=True))


def _head_blocks(numbers: pd.DataFrame) -> list[int]:
    """Blocks that stand where 5 and 11 of 12 stand; the nearest measured ones."""
    if numbers.empty:
        return []
    blocks, layers = np.array(sorted(numbers["block"].unique())), int(numbers["layers"].iloc[0])
    nearest = [int(blocks[np.argmin(np.abs(blocks - share * layers))]) for share in HEAD_SHARES]
    return list(dict.fromkeys(nearest))


def _add_legend(figure: Figure, numbers: pd.DataFrame, heads: pd.DataFrame) -> None:
    box = Patch(**BOX, label="best layer of the step")
    box.set_path_effects(BOX_EFFECTS)
    handles = [Line2D([], [], color=JUMP_COLOUR, linewidth=1.3, label="largest rise from a layer to the next"), box]
    handles += [Line2D([], [], marker="o", linestyle="", **KNEE, label="knee of a layer's curve over training")]
    palette = _rank_colours(heads)
    handles += curves.colour_handles(palette, {name: name for name in palette})
    columns = NUM_COLUMNS if len(palette) <= 4 else 5
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, title="\n".join(_legend_notes(numbers)))


def _legend_notes(numbers: pd.DataFrame) -> Iterator[str]:
    """Say what cells, colours and the notes in titles are."""
    words = language.seeds_text(numbers, what="cells (accuracy or correlation) and lines")
    yield words + (", cells late in a reset cycle" if curves.has_early(numbers) else "")
    notes = ["seeds within: largest range over seeds in a panel"] if numbers["seed"].nunique() > 1 else []
    notes += ["majority: share of the commonest class"] if numbers[MAJORITY].notna().any() else []
    if notes:
        yield "; ".join(notes)
