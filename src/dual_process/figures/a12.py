"""Figure A12: which tokens are known by weight, from the most to the least frequent types of a class.

Dataset of the probe store in, figure out. Accuracy at the end of training by rank bin, for unambiguous types with their
own and with exchanged classes and for ambiguous types. Rows: distribution within metric; colour: schedule.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import curves, grids, style

VARIABLES = ("score",)
NUM_BINS = 10
TOP, ALL = "top 20", "all"
GROUPS = {"own": "unambiguous, own class", "exchanged": "unambiguous, classes exchanged", "ambiguous": "ambiguous"}
PLACES = (TOP, *(f"bin {index + 1}" for index in range(NUM_BINS)), ALL)
"""Types from left to right: the first twenty of a class, its ten equal rank bins, all of them."""
SETS = {
    "top_twenty": ("own", TOP),
    "top_twenty_switch": ("exchanged", TOP),
    "unambiguous": ("own", ALL),
    "ambiguous": ("ambiguous", ALL),
    **{f"bin_{index}_unambiguous": ("own", PLACES[index + 1]) for index in range(NUM_BINS)},
    **{f"bin_{index}_unambiguous_switch": ("exchanged", PLACES[index + 1]) for index in range(NUM_BINS)},
    **{f"bin_{index}_ambiguous": ("ambiguous", PLACES[index + 1]) for index in range(NUM_BINS)},
}
"""Group of tokens and place of each evaluation set; the top twenty count ambiguous types too."""
ROW_HEIGHT = 1.15
LEGEND_HEIGHT = 1.1


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Ends of all runs, one row per run, evaluation and metric, with the ``group`` and ``place`` of the evaluation.

    Raises
    ------
    ValueError
        If no run has any evaluation set by frequency.
    """
    frame = grids.end_frame(dataset, list(SETS))
    if not frame["evaluation"].str.startswith("bin_").any():
        raise ValueError(
            "no run has scores for bin_0_unambiguous to bin_9_ambiguous; add a task with frequency_bins to the grids "
            "of this figure and these sets to probing.evaluations"
        )
    places = pd.DataFrame([SETS[name] for name in frame["evaluation"]], columns=["group", "place"], index=frame.index)
    return pd.concat([frame, places], axis=1)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    labels = style.distribution_labels(shown)
    rows = [(metric, name) for metric in style.METRIC_LABELS for name in style.distribution_order(shown)]
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(rows) + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(len(rows), len(GROUPS), sharex=True, sharey=True, squeeze=False)
    palette, dashes = style.schedule_colours(shown), style.protocol_dashes(shown)
    ticks = ["top\n20", *(str(index + 1) for index in range(NUM_BINS)), ALL]
    for (metric, distribution), row in zip(rows, axes, strict=True):
        for group, panel in zip(GROUPS, row, strict=True):
            chosen = (shown["metric"] == metric) & (shown["distribution"] == distribution)
            cell = shown[chosen & (shown["group"] == group)]
            for part in ([TOP], PLACES[1:-1], [ALL]):  # lines join the bins alone
                inside = cell[cell["place"].isin(part)]
                grids.draw_ends(panel, inside, x="place", order=PLACES, hue="schedule", palette=palette, dashes=dashes)
            grids.finish_ends(panel, ticks, chance=metric == "two_way")
            if cell.empty:
                grids.not_measured(panel)
        row[0].set_ylabel(f"{labels[distribution]}\n{style.METRIC_LABELS[metric]}")
    for group, top, bottom in zip(GROUPS.values(), axes[0], axes[-1], strict=True):
        top.set_title(group)
        bottom.set_xlabel("rank bin, most frequent types first")
    handles = curves.colour_handles(palette, grids.schedule_labels(shown)) + grids.protocol_handles(dashes)
    handles.append(curves.chance_handle())
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), title=grids.ends_text(shown))
    if title:
        figure.suptitle(title, fontsize=8)
    return figure
