"""Attention heads: what each reads at the first target, and what is lost without it, by forgetting schedule.

Dataset of the probe store in, figure out. A block of panels a distribution; columns: schedule. Upper rows: one a head,
the weight it gives to each part of the sequence; lower rows: one a probe set, the change of two-way accuracy when a
head is zeroed.
"""

from collections.abc import Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from dual_process.figures import curves, probe_panels, selection, style
from dual_process.figures.columns import WIDE, pages, schedule_titles
from dual_process.store import RUN_COLUMNS

VARIABLES = ("attention_reading", "ablation_effect", "steps_since_reset")
READING_SETS = ("unseen", "val")
"""Probe set on which attention is drawn: the first of these that was measured, else the first there is."""
SET_ORDER = ("val", "switch", "unseen")
PART_LABELS = {
    "after_copula": "token after the copula",
    "other_slot": "other token of the statement",
    "copula": "copula",
    "query": "query",
    "self": "itself",
    "other_masks": "other masks",
}
MAX_COLUMNS, MAX_HEADS, LEAST_HEADS = 6, 8, 3
"""Most schedules side by side, and most heads drawn over all distributions, but for the fewest in each of them."""
ROW_HEIGHT, ONLY_ROW_HEIGHT = 0.68, 0.85


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Attention and ablation of all heads, for the first task, model and training.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` is "reading", with ``part``, a mean attention weight, or "ablation", a difference of two-way
        accuracies; ``layer_index``, ``head``, ``probe_set``, ``step`` and ``value``; one row per run and cell.
        ``shown`` says what is left out.
    """
    chosen, title = selection.first_setting(dataset)
    names = {"reading": "attention_reading", "ablation": "ablation_effect"}
    parts = [
        curves.run_frame(selection.at_analysis_steps(chosen[name], chosen), name="value").assign(quantity=quantity)
        for quantity, name in names.items()
    ]
    joined = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    if joined.empty:
        raise ValueError(
            "no run has its attention heads measured; give this figure grids of a task whose sequences have named "
            "parts, with the analyses of attention and ablation"
        )
    where = ["layer_index", "head", "probe_set", "part", "step", curves.PHASE, "value"]
    return joined.reindex(columns=["quantity", "run", *RUN_COLUMNS, *where]).assign(shown=title)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    heads, names = _heads(numbers), style.distribution_order(numbers)
    parts = pages([[name] for name in style.schedule_order(numbers)], MAX_COLUMNS)
    blocks = [(name, page) for name in names for page in parts]
    num_rows = len(heads) + len(_sets(numbers))
    height = num_rows * (ROW_HEIGHT if len(blocks) > 1 else ONLY_ROW_HEIGHT) + 0.65
    figure = Figure(figsize=(style.WIDTH, height * len(blocks) + 1.3), layout="constrained")
    for part, (name, page) in zip(figure.subfigures(len(blocks), 1, squeeze=False)[:, 0], blocks, strict=True):
        _draw_block(part, numbers, name, page, num_columns=max(map(len, parts)))
        if len(names) > 1:
            part.suptitle(style.distribution_labels(numbers)[name], fontsize=8, fontweight="bold")
    _add_legend(figure, numbers)
    count = numbers[["layer_index", "head"]].drop_duplicates().shape[0]
    notes = [style.distribution_labels(numbers)[names[0]] if len(names) == 1 else "", numbers["shown"].iloc[0]]
    notes.append(f"{len(heads)} of {count} heads, by effect" if count > len(heads) else "")
    title = "; ".join(note for note in notes if isinstance(note, str) and note)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _add_legend(figure: Figure, numbers: pd.DataFrame) -> None:
    """Explain colours, dashes and bands below all panels."""
    heads, parts, dashes = _heads(numbers), _part_colours(numbers), style.protocol_dashes(numbers)
    labels = {name: PART_LABELS.get(name, name) for name in parts}
    handles = [_heading(f"attention at the first target, {_reading_set(numbers)}:")] if parts else []
    handles += curves.colour_handles(parts, labels)
    handles += [_heading("two-way accuracy without a head minus with it:")]
    handles += curves.colour_handles(_head_colours(heads), {name: name for name in _head_colours(heads)})
    handles += curves.protocol_handles(dashes)
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=curves.band_text(numbers))


def _draw_block(
    figure: SubFigure, numbers: pd.DataFrame, distribution: str, page: Sequence[str], *, num_columns: int
) -> None:
    """Draw all rows of one distribution for some schedules, one a column."""
    heads, sets, titles = _heads(numbers), _sets(numbers), schedule_titles(numbers, num_columns)
    axes = figure.subplots(len(heads) + len(sets), num_columns, squeeze=False)
    here = numbers[numbers["distribution"] == distribution]
    ablation = numbers[numbers["quantity"] == "ablation"]
    reading = here[(here["quantity"] == "reading") & (here["probe_set"] == _reading_set(numbers))]
    effects = (min(ablation["value"].min(), -0.05) * 1.1, max(ablation["value"].max(), 0.05) * 1.1)
    colours = {_head_name(head): colour for head, colour in zip(heads, _head_colours(heads).values(), strict=True)}
    for column, schedule in zip(axes.T, page, strict=False):
        column[0].set_title(titles[schedule], fontsize=7)
        for head, panel in zip(heads, column, strict=False):
            cell = _of_head(reading[reading["schedule"] == schedule], head)
            _draw_lines(panel, cell, numbers, hue="part", palette=_part_colours(numbers), limits=(0, 1.03))
        for name, panel in zip(sets, column[len(heads) :], strict=True):
            cell = ablation[ablation["distribution"].eq(distribution) & ablation["schedule"].eq(schedule)]
            cell = cell[cell["probe_set"] == name]
            cell = cell.assign(name=[_head_name(pair) for pair in zip(cell["layer_index"], cell["head"], strict=True)])
            _draw_lines(panel, cell[cell["name"].isin(colours)], numbers, hue="name", palette=colours, limits=effects)
            if panel.has_data():
                panel.axhline(0, color=style.GREY, linewidth=0.6, zorder=0)
        column[-1].set_xlabel("training step")
    for column in axes.T[len(page) :]:
        for panel in column:
            panel.set_axis_off()
    words = [*(f"{_head_name(head).replace(', ', ',' + chr(10))}\nweight" for head in heads)]
    words += [f"{style.EVALUATION_LABELS.get(name, name)}\nchange" for name in sets]
    for row, word in zip(axes, words, strict=True):
        row[0].set_ylabel(word)
        drawn = [panel for panel in row if panel.has_data()]
        for panel in drawn:
            panel.xaxis.set_major_locator(MaxNLocator(4 if num_columns <= WIDE else 2, integer=True))
            panel.tick_params(labelbottom=row[0] is axes[-1, 0], labelleft=panel is drawn[0])


def _draw_lines(
    axes: Axes,
    numbers: pd.DataFrame,
    everything: pd.DataFrame,
    *,
    hue: str,
    palette: dict[str, str],
    limits: tuple[float, float],
) -> None:
    """Draw one panel of curves over the analysis steps; those in one row have the same limits."""
    if numbers.empty:
        probe_panels.blank(axes, "not measured")
        return
    dashes = style.protocol_dashes(everything)
    curves.draw_curves(axes, numbers, y="value", hue=hue, palette=palette, dashes=dashes)
    curves.finish_panel(axes, last_step=everything["step"].max(), chance=False)
    axes.set_ylim(*limits)
    axes.yaxis.set(major_locator=MaxNLocator(3), major_formatter=ScalarFormatter())


def _heading(words: str) -> Line2D:
    return Line2D([], [], linestyle="", label=words)


def _of_head(numbers: pd.DataFrame, head: tuple[int, int]) -> pd.DataFrame:
    return numbers[(numbers["layer_index"] == head[0]) & (numbers["head"] == head[1])]


def _heads(numbers: pd.DataFrame) -> list[tuple[int, int]]:
    """Layer and number of each head drawn: all, or those whose ablation changes most."""
    effect = numbers["value"].abs().where(numbers["quantity"] == "ablation")
    most = max(LEAST_HEADS, MAX_HEADS // numbers["distribution"].nunique())
    mean = numbers.assign(effect=effect).groupby(["layer_index", "head"])["effect"].mean().fillna(0)
    return sorted((int(layer), int(head)) for layer, head in mean.nlargest(most).index)


def _head_name(head: tuple[int, int]) -> str:
    return f"layer {int(head[0])}, head {int(head[1])}"


def _head_colours(heads: Sequence[tuple[int, int]]) -> dict[str, str]:
    return dict(zip(map(_head_name, heads), style.ramp(len(heads)), strict=True))


def _sets(numbers: pd.DataFrame) -> list[str]:
    """Probe sets of the ablation, in order."""
    present = set(numbers.loc[numbers["quantity"] == "ablation", "probe_set"])
    return [name for name in SET_ORDER if name in present] + sorted(present - set(SET_ORDER))


def _reading_set(numbers: pd.DataFrame) -> str:
    present = sorted(set(numbers.loc[numbers["quantity"] == "reading", "probe_set"]))
    return next((name for name in (*READING_SETS, *present) if name in present), "")


def _part_colours(numbers: pd.DataFrame) -> dict[str, str]:
    present = set(numbers["part"].dropna())
    names = [name for name in PART_LABELS if name in present] + sorted(present - set(PART_LABELS))
    return dict(zip(names, style.colours(names), strict=True))
