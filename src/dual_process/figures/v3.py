"""Figure V3: syllogisms over the training of a language model, with subjects that it knows and ones it never saw.

Stores of the syllogism task in, figure out. Columns: subjects; upper row: how often the answer is preferred to the
middle term; lower row: probability of both; colour: schedule. Bands go over seeds and trials.
"""

from typing import Literal

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dual_process.figures import curves, language, style
from dual_process.store import RUN_COLUMNS

VARIABLES = ("syllogism", "steps_since_reset")
EVALUATIONS = {"baseline": "subjects of the vocabulary (baseline)", "unseen": "subjects that are new rows (unseen)"}
PREFERRED = "answer_preferred"
PROBABILITIES: dict[str, tuple[Literal["-", "--"], str]] = {
    "answer_probability": ("-", "probability of the answer Z"),
    "middle_probability": ("--", "probability of the middle term Y"),
}
"""Line style and words of each metric of the lower row."""
HEIGHT = 4.4


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """All metrics of the syllogism task, one row per run, step, evaluation, metric and trial, in ``value``."""
    return frame(dataset, analysis="syllogisms")


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return draw_syllogisms(numbers, x="training step")


def frame(dataset: xr.Dataset, *, analysis: str) -> pd.DataFrame:
    """Tidy table of the syllogism task; see `numbers`."""
    table = language.measured(dataset, VARIABLES[0], analysis=analysis)
    return table[["evaluation", "metric", "trial", "run", *RUN_COLUMNS, "step", curves.PHASE, "value"]]


def draw_syllogisms(numbers: pd.DataFrame, *, x: str) -> Figure:
    """Draw both rows of panels for the first series of checkpoints.

    Parameters
    ----------
    numbers
        What `frame` returned.
    x
        Words of the step axis.
    """
    shown, title = language.first_setting(numbers)
    palette = language.schedule_colours(shown)
    figure = Figure(figsize=(style.WIDTH, HEIGHT), layout="constrained")
    axes = figure.subplots(2, len(EVALUATIONS), sharex=True, sharey="row", squeeze=False)
    for (evaluation, words), top, bottom in zip(EVALUATIONS.items(), *axes, strict=True):
        part = shown[shown["evaluation"] == evaluation]
        language.draw_lines(top, part[part["metric"] == PREFERRED], palette, hue="schedule")
        top.set(title=words, ylim=(-0.04, 1.04))
        language.reference_line(top, curves.CHANCE)
        for metric, (dashes, _) in PROBABILITIES.items():
            _draw_dashed(bottom, part[part["metric"] == metric], palette, dashes)
        bottom.set_xlabel(x)
    axes[0, 0].set_ylabel("share of prompts where\nanswer Z beats middle term Y")
    axes[1, 0].set_ylabel("probability of the next word")
    axes[1, 0].set_ylim(bottom=0)
    language.logarithmic(axes.flat, shown)
    language.add_legend(figure, _handles(shown), title=language.seeds_text(shown), columns=3)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_dashed(axes: Axes, numbers: pd.DataFrame, palette: dict[str, str], dashes: Literal["-", "--"]) -> None:
    """Draw curves in one line style."""
    before = len(axes.lines)
    language.draw_lines(axes, numbers, palette, hue="schedule")
    for line in axes.lines[before:]:
        if line.get_marker() in ("None", "", None):
            line.set_linestyle(dashes)


def _handles(numbers: pd.DataFrame) -> list[Line2D]:
    """Legend entries of colours, line styles and the reference line."""
    handles = curves.colour_handles(language.schedule_colours(numbers), style.schedule_labels(numbers))
    handles += [
        Line2D([], [], color=style.BLACK, linestyle=line, label=words) for line, words in PROBABILITIES.values()
    ]
    handles += [language.reference_handle("as many prompts one way as the other")]
    return handles + ([curves.early_handle()] if curves.has_early(numbers) else [])
