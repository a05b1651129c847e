"""Figures of grids: values at the end of training, names of settings, and how ends are drawn.

Probe store in, tidy table out; a setting is a task, model, training and schedule. Points are means over seeds and bars
go from the smallest to the largest seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from dual_process.figures import curves, style

END_SHARE = 0.1
"""The end of a run is this last share of its steps, as in the claims."""
SETTING = ["task", "model", "training", "schedule"]
EVALUATION_LABELS = style.EVALUATION_LABELS | {
    "tail": "tail",
    "unseen_mean": "unseen, mean of ten",
    "unseen_uniform": "unseen, U(0, 1)",
    "unseen_normal": "unseen, N(5, 5)",
}
MAX_DODGE = 0.06
MARKERS = "os^Dv"
"""Markers of the protocols, which tell them apart where a line has one point only."""


def score_frame(dataset: xr.Dataset, evaluations: Sequence[str]) -> pd.DataFrame:
    """Accuracies of all runs, whatever their schedule; see `curves.score_frame`."""
    kinds = sorted(set(dataset["kind"].values.astype(object)))
    return curves.score_frame(dataset, kinds=kinds, evaluations=evaluations)


def end_frame(dataset: xr.Dataset, evaluations: Sequence[str]) -> pd.DataFrame:
    """Mean accuracy over the last tenth of each run's steps.

    Returns
    -------
    pandas.DataFrame
        One row per run, evaluation and metric, the value in ``accuracy``.

    Raises
    ------
    ValueError
        If none of the runs has any of the evaluations.
    """
    present = [name for name in evaluations if name in dataset["evaluation"].values]
    score = dataset["score"].sel(evaluation=present, metric=list(style.METRIC_LABELS))
    frame = curves.run_frame(end_values(score), name="accuracy")
    if frame.empty:
        raise ValueError(
            f"no run has scores for {', '.join(evaluations[:4])}{', ...' if len(evaluations) > 4 else ''}; "
            f"add runs of a task with such evaluation sets to the grids of this figure"
        )
    return frame


def end_values(values: xr.DataArray) -> xr.DataArray:
    """Mean over the last tenth of the measured steps of each curve; the dimension `step` is gone."""
    last = (values.notnull() * values["step"]).max("step")
    return values.where(values["step"] >= (1 - END_SHARE) * last).mean("step")


def schedule_labels(numbers: pd.DataFrame) -> dict[str, str]:
    """Human label of each schedule; that of a drifting embedding says its probability."""
    unique = numbers.drop_duplicates("schedule").set_index("schedule")
    labels = style.schedule_labels(numbers)
    for name in labels:
        if unique.at[name, "kind"] == "drift":
            labels[name] = f"drift, p = {unique.at[name, 'probability']:g}"
    return labels


def settings(numbers: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Split into settings, each with a label, in lines, of what tells it from the others, the vocabulary always.

    Settings are ordered by schedule, ambiguity, vocabulary and layers.
    """
    rank = {name: index for index, name in enumerate(style.schedule_order(numbers))}
    unique = numbers.drop_duplicates(SETTING)
    unique = unique.assign(rank=unique["schedule"].map(rank))
    unique = unique.sort_values(["rank", "ambiguity", "vocabulary", "layers", *SETTING])
    labels = ["\n".join(words) for words in zip(*_words(unique), strict=True)]
    for label, (_, row) in zip(labels, unique.iterrows(), strict=True):
        own = f"{label}\ntask {row['task']}" if labels.count(label) > 1 else label
        yield own, numbers[(numbers[SETTING] == row[SETTING]).all(axis=1)]


def _words(unique: pd.DataFrame) -> list[list[str]]:
    """Columns of words that make up the labels of some settings."""
    words = [[f"v = {int(value):,}" for value in unique["vocabulary"]]]
    if unique["ambiguity"].nunique() > 1:
        words.append([ambiguity_label(value) for value in unique["ambiguity"]])
    if unique["schedule"].nunique() > 1:
        labels = schedule_labels(unique)
        words.append([labels[name].replace(", ", ",\n").replace(" until", "\nuntil") for name in unique["schedule"]])
    words += [list(unique[name].astype(str)) for name in ("model", "training") if unique[name].nunique() > 1]
    return words


def shared_words(numbers: pd.DataFrame) -> str:
    """Say what all settings have in common: schedule, ambiguity and model, as far as there is one."""
    words = list(schedule_labels(numbers).values()) if numbers["schedule"].nunique() == 1 else []
    words += [ambiguity_label(numbers["ambiguity"].iloc[0])] if numbers["ambiguity"].nunique() == 1 else []
    words += [f"model {numbers['model'].iloc[0]}"] if numbers["model"].nunique() == 1 else []
    return ", ".join(words)


def ambiguity_label(ambiguity: float) -> str:
    """Words for a share of ambiguous types."""
    return f"ambiguity \N{GREEK SMALL LETTER EPSILON} = {ambiguity:g}"


def short(value: float) -> str:
    """Two decimals without a leading zero: ".95", "-.30"; but "1" and "-1"."""
    text = f"{value:.2f}".replace("-0.00", "0.00")
    return text.removesuffix(".00") if abs(value) > 0.5 and text.endswith(".00") else text.replace("0.", ".", 1)


def draw_ends(
    axes: Axes,
    numbers: pd.DataFrame,
    *,
    x: str,
    order: Sequence[str],
    hue: str,
    palette: Mapping[str, str],
    dashes: Mapping[str, tuple[float, ...]],
) -> None:
    """Draw ends at evenly spaced places: mean over seeds as a point, range as a bar, a line per `hue` and protocol.

    Parameters
    ----------
    axes
        Where to draw.
    numbers
        Rows of `end_frame` with the columns `x` and `hue`.
    x, order
        Column of the places, and its values from left to right.
    hue, palette, dashes
        Column of the colours, the colours, and the line styles of the protocols.
    """
    markers = dict(zip(dashes, cycle(MARKERS), strict=False))
    groups = [(name, protocol) for name in palette for protocol in dashes]
    dodges = np.linspace(-MAX_DODGE, MAX_DODGE, len(groups)) if len(groups) > 1 else [0.0]
    for (name, protocol), dodge in zip(groups, dodges, strict=True):
        part = numbers[(numbers[hue] == name) & (numbers["protocol"] == protocol)]
        table = part.groupby(x)["accuracy"].agg(["mean", "min", "max"])
        places = [index for index, value in enumerate(order) if value in table.index]
        table = table.reindex([order[index] for index in places])
        centres = np.array(places) + dodge
        line = axes.plot(centres, table["mean"], marker=markers[protocol], markersize=2.8, color=palette[name])[0]
        if dashes[protocol]:
            line.set_dashes(dashes[protocol])
        axes.vlines(centres, table["min"], table["max"], colors=palette[name], linewidth=0.9)


def protocol_handles(dashes: Mapping[str, tuple[float, ...]]) -> list[Line2D]:
    """Legend entries of the line styles and markers of `draw_ends`; none for a single protocol."""
    handles = curves.protocol_handles(dashes)
    for handle, marker in zip(handles, cycle(MARKERS), strict=False):
        handle.set(marker=marker, markersize=2.8)
    return handles


def finish_ends(axes: Axes, labels: Sequence[str], *, chance: bool, rotation: float = 0) -> None:
    """Set limits, ticks and the chance line of a panel drawn by `draw_ends`."""
    axes.set(ylim=(-0.04, 1.04), xlim=(-0.4, len(labels) - 0.6))
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_xticks(range(len(labels)), labels, rotation=rotation, ha="right" if rotation else "center")
    if chance:
        axes.axhline(curves.CHANCE, color=style.BLACK, linewidth=0.8, linestyle=":", zorder=0)


def ends_text(numbers: pd.DataFrame) -> str:
    """Say what points and bars are."""
    counts = numbers.groupby([*SETTING, "distribution", "protocol"])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    if high == 1:
        return "points: end of training (last tenth of the steps), one seed"
    seeds = f"{high} seeds" if low == high else f"{low} to {high} seeds"
    return f"points: end of training (last tenth of the steps), mean over {seeds}; bars: minimum to maximum"


def not_measured(axes: Axes) -> None:
    """Say in an empty panel that it is empty because nothing was measured."""
    axes.text(0.5, 0.25, "not measured", transform=axes.transAxes, ha="center", color=style.GREY)
