"""Figure 2: structural in-context learning of a language model over training, and what takes its place.

Stores of part-of-speech probes in, figure out. Rows: schedule; columns: accuracy of a linear probe on words that the
model has never seen, what the structural layer knows beyond layer 0, and preference for what the weights know.
"""

from collections.abc import Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dual_process.figures import curves, language, style
from dual_process.store import RUN_COLUMNS

VARIABLES = ("part_of_speech", "two_way", "steps_since_reset")
QUANTITIES = {
    "structural": ("structural in-context learning:\nunseen words", "probe accuracy", 0.5),
    "gain": ("gain over layer 0:\nstructural layer minus layer 0", "accuracy difference", 0.0),
    "preference": ("in-weights preference:\n1 \N{MINUS SIGN} accuracy, exchanged", "preference", 0.5),
}
"""Title and vertical axis of each column, and the level at which nothing is learned or preferred."""
STRUCTURAL, FIRST, TWO_WAY = "structural layer", "layer 0", "structural layer, two-way"
PALETTE = {
    STRUCTURAL: style.COLOURS[2],
    FIRST: style.BLACK,
    TWO_WAY: style.COLOURS[4],
    "head": style.COLOURS[0],
    "tail": style.COLOURS[1],
}
EXCHANGED = {"switch": "head", "tail_switch": "tail"}
ROW_HEIGHT, LEGEND_HEIGHT = 1.45, 1.05


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Return what the three columns show, for all runs.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` is "structural", "gain" or "preference"; ``curve`` is the layer and measure for the first, and
        "head" or "tail" for the others; ``step`` and ``value``; one row per run and point.
    """
    accuracy = language.measured(dataset, VARIABLES[0], analysis="part_of_speech")
    two_way = language.measured(dataset, VARIABLES[1], analysis="part_of_speech")
    deep, pairs = _structural(accuracy), _structural(two_way)
    first = accuracy[accuracy["layer"] == 0]
    keys = ["run", "step", "evaluation"]
    gain = deep.merge(first[[*keys, "value"]], on=keys, suffixes=("", "_first"))
    gain = gain.assign(value=gain["value"] - gain["value_first"])
    exchanged = deep[deep["evaluation"].isin(list(EXCHANGED))]
    parts = [
        deep[deep["evaluation"] == "unseen"].assign(quantity="structural", curve=STRUCTURAL),
        first[first["evaluation"] == "unseen"].assign(quantity="structural", curve=FIRST),
        pairs[pairs["evaluation"] == "unseen"].assign(quantity="structural", curve=TWO_WAY),
        gain[gain["evaluation"].isin(("head", "tail"))].assign(quantity="gain", curve=gain["evaluation"]),
        exchanged.assign(
            quantity="preference", curve=exchanged["evaluation"].map(EXCHANGED), value=1 - exchanged["value"]
        ),
    ]
    joined = pd.concat(parts, ignore_index=True)
    joined["value"] = joined["value"].round(curves.DECIMALS)
    return joined[["quantity", "curve", "run", *RUN_COLUMNS, "evaluation", "layer", "step", curves.PHASE, "value"]]


def _structural(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Rows of the structural layer of each model."""
    return accuracy[accuracy["layer"] == accuracy["layers"].map(language.structural_layer)]


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = language.first_setting(numbers)
    labels = style.schedule_labels(shown)
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(labels) + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(len(labels), len(QUANTITIES), sharex=True, sharey="col", squeeze=False)
    for (schedule, label), row in zip(labels.items(), axes, strict=True):
        _draw_row(row, shown[shown["schedule"] == schedule])
        row[0].set_ylabel(language.row_label(label if len(labels) > 1 else "", QUANTITIES["structural"][1]))
    for (words, _, _), top, bottom in zip(QUANTITIES.values(), axes[0], axes[-1], strict=True):
        top.set_title(words)
        bottom.set_xlabel("training step")
    language.logarithmic(axes.flat, shown)
    _add_legend(figure, shown)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_row(row: Sequence[Axes], numbers: pd.DataFrame) -> None:
    """Draw the three panels of one schedule."""
    for (quantity, (_, words, level)), panel in zip(QUANTITIES.items(), row, strict=True):
        language.draw_lines(panel, numbers[numbers["quantity"] == quantity], PALETTE)
        language.reference_line(panel, level)
        language.mark_end(panel, numbers)
        panel.set_ylabel(words)


def _add_legend(figure: Figure, numbers: pd.DataFrame) -> None:
    layers = int(numbers["layers"].iloc[0])
    deep = f"layer {language.structural_layer(layers)} of {layers}, the structural layer"
    words = {
        STRUCTURAL: deep,
        FIRST: "layer 0, the embedding output",
        TWO_WAY: "structural layer, which of both words",
        "head": "frequent words (head)",
        "tail": "rare words (tail)",
    }
    handles = curves.colour_handles(PALETTE, words)
    handles += [language.reference_handle("chance, no gain, no preference")]
    handles += [language.end_handle()] if numbers["forget_until"].notna().any() else []
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    language.add_legend(figure, handles, title=language.seeds_text(numbers), columns=3)
