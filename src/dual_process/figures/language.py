"""What the figures of the natural-language study share: which layer is structural, and which runs are shown.

Stores of measurements on language models in, tables and labels out. A run is one language model over training; its
corpus stands as the distribution, its series of checkpoints as the model.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dual_process.figures import curves, heatmaps, style

SETTING = ("task", "model", "training", "protocol")
STRUCTURAL_SHARE = 7 / 12
"""Depth of the layer on which the paper reads structural in-context learning: layer 7 of 12."""
END_SHARE = 0.1
"""The end of a run is this last share of its steps, as in the claims."""
LEGEND_COLUMNS = 4


def structural_layer(layers: int) -> int:
    """Layer of a model that stands where layer 7 of 12 stands.

    Examples
    --------
    >>> [structural_layer(layers) for layers in (2, 4, 6, 12)]
    [1, 2, 4, 7]
    """
    return round(STRUCTURAL_SHARE * layers)


def measured(dataset: xr.Dataset, variable: str, *, analysis: str) -> pd.DataFrame:
    """Tidy table of a variable over steps, its values in ``value``.

    Parameters
    ----------
    dataset
        Stores of measurements, joined along ``run``.
    variable
        Name; its dimensions become columns.
    analysis
        What measures it, for the error.

    Raises
    ------
    ValueError
        If no run has any value.
    """
    frame = curves.run_frame(curves.with_phase(dataset, variable), name="value")
    if frame.empty:
        raise ValueError(
            f"no run has {variable}, which the analysis {analysis} measures; give this figure other checkpoints"
        )
    whole = [name for name in ("layers", "layer", "block", "head", "trial") if name in frame]
    return frame.astype(dict.fromkeys(whole, int))


def first_setting(numbers: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Restrict to one series of checkpoints, training and protocol, so that a band is a spread over seeds alone.

    Returns
    -------
    numbers
        Rows of the first task, model and training by name, and of the first protocol in the usual order.
    title
        What is shown, if something is left out; else empty.
    """
    order = {name: place for place, name in enumerate(style.protocol_order(numbers))}
    keys = list(SETTING)
    settings = (
        numbers[keys]
        .drop_duplicates()
        .sort_values(keys, key=lambda column: column.map(order) if column.name == "protocol" else column)
    )
    first = settings.iloc[0]
    words = ", ".join(f"{key} {first[key]}" for key in keys if settings[key].nunique() > 1)
    title = f"{words} (first of {len(settings)} settings)" if words else ""
    return numbers[(numbers[keys] == first).all(axis=1)], title


def late(numbers: pd.DataFrame) -> pd.DataFrame:
    """Leave out what was measured early in a reset cycle, which would cut a heatmap into stripes."""
    return numbers[~(numbers[curves.PHASE] < numbers["period"] / 2)]


def draw_lines(axes: Axes, numbers: pd.DataFrame, palette: Mapping[str, str], *, hue: str = "curve") -> None:
    """Draw mean and band of ``value`` over steps, a line for each colour; a word where nothing was measured."""
    if numbers.empty:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=style.GREY)
        return
    dashes = {str(name): () for name in numbers["protocol"].unique()}
    curves.draw_curves(axes, numbers, y="value", hue=hue, palette=palette, dashes=dashes)
    axes.set(xlabel="", ylabel="")


def logarithmic(axes: Iterable[Axes], numbers: pd.DataFrame) -> None:
    """Make the step axis of some panels logarithmic over the steps of `numbers`, with step 0 marked at the left end."""
    steps = sorted(int(step) for step in numbers["step"].dropna().unique())
    smallest = min((step for step in steps if step > 0), default=1)
    ticks = [0] * (steps[0] == 0) + [10**power for power in range(10) if smallest <= 10**power <= steps[-1]]
    for panel in axes:
        heatmaps.logarithmic_steps(panel, steps)
        panel.set_xticks(ticks, [_step_words(tick) for tick in ticks])
        panel.minorticks_off()


def _step_words(step: int) -> str:
    """Step as a tick label, with k and M."""
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if step >= size:
            return f"{step // size}{letter}"
    return str(step)


def schedule_colours(numbers: pd.DataFrame) -> dict[str, str]:
    """Colour of each schedule: vanilla grey, all others well apart, since few of them meet in one panel."""
    kinds = numbers.drop_duplicates("schedule").set_index("schedule")["kind"]
    names = style.schedule_order(numbers)
    others = [name for name in names if kinds[name] != "vanilla"]
    chosen = dict(zip(others, style.colours(others), strict=True))
    return {name: chosen.get(name, style.GREY) for name in names}


def row_label(schedule: str, *words: str) -> str:
    """Label of a row of panels: the label of its schedule broken into short lines, and what is drawn."""
    lines = schedule.replace(", ", "\n").replace(" until ", "\nuntil ")
    return "\n".join(filter(None, [lines, *words]))


def reference_line(axes: Axes, level: float) -> None:
    """Draw a level that means nothing was learned."""
    axes.axhline(level, color=style.BLACK, linewidth=0.8, linestyle=":", zorder=0)


def reference_handle(words: str) -> Line2D:
    """Legend entry of `reference_line`."""
    return Line2D([], [], color=style.BLACK, linewidth=0.8, linestyle=":", label=words)


def mark_end(axes: Axes, numbers: pd.DataFrame) -> bool:
    """Mark the end of temporary forgetting by a triangle on the upper edge; say whether there is one."""
    ends = numbers["forget_until"].dropna().unique()
    for end in ends:
        axes.plot(end, 1, "v", color=style.GREY, markersize=4, transform=axes.get_xaxis_transform(), clip_on=False)
    return len(ends) > 0


def end_handle() -> Line2D:
    """Legend entry of `mark_end`."""
    return Line2D([], [], color=style.GREY, marker="v", markersize=4, linestyle="", label="end of forgetting")


def seeds_text(numbers: pd.DataFrame, *, what: str = "lines", spread: str = "; bands: minimum to maximum") -> str:
    """Say what lines or cells are means of, and what shows their spread."""
    units = {"seed": "seed", "trial": "trial"} if "trial" in numbers else {"seed": "seed"}
    words = []
    for column, word in units.items():
        counts = numbers.groupby("schedule")[column].nunique()
        low, high = int(counts.min()), int(counts.max())
        if high > 1:
            words.append(f"{high} {word}s" if low == high else f"{low} to {high} {word}s")
    if not words:
        return f"{what}: one seed"
    return f"{what}: mean over {' and '.join(words)}{spread}"


def add_legend(figure: Figure, handles: Sequence[Line2D], *, title: str, columns: int = LEGEND_COLUMNS) -> None:
    """Draw the legend below all panels."""
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), columns), title=title)
