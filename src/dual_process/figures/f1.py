"""Figure 1: schematic of structural in-context and in-weights learning under three schedules. No data.

The curves are made up; they show what is claimed, not what was measured.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dual_process.figures import style

VARIABLES: tuple[str, ...] = ()
STRATEGIES = {
    "structural in-context learning\n(unseen tokens)": style.COLOURS[3],
    "in-weights learning\n(frequent tokens)": style.COLOURS[0],
}
TITLES = {
    "vanilla": "vanilla training:\nstructure is learned, then lost",
    "active": "active forgetting:\nstructure stays, weights learn little",
    "temporary": "temporary forgetting:\nboth, one after the other",
}
HEIGHT = 2.35
RESETS_ACTIVE, RESETS_TEMPORARY = np.linspace(0.1, 0.9, 9), np.linspace(0.1, 0.5, 5)

Floats = NDArray[np.float64]


@style.paper_style()
def draw() -> Figure:
    """Draw the schematic."""
    figure = Figure(figsize=(style.WIDTH, HEIGHT), layout="constrained")
    time = np.linspace(0, 1, 400)
    panels = figure.subplots(1, len(TITLES), sharex=True, sharey=True)
    for (schedule, title), panel in zip(TITLES.items(), panels, strict=True):
        for (name, colour), curve in zip(STRATEGIES.items(), curves_of(schedule, time), strict=True):
            panel.plot(time, curve, color=colour, linewidth=2, label=name)
        panel.set(title=title, xlim=(0, 1), ylim=(0, 1.08), xticks=[], yticks=[], xlabel="training time")
    _mark_resets(panels[1], RESETS_ACTIVE)
    _mark_resets(panels[2], RESETS_TEMPORARY)
    panels[0].set_ylabel("strength of strategy")
    handles, labels = panels[0].get_legend_handles_labels()
    resets = panels[1].get_lines()[-1]
    figure.legend(
        [*handles, resets],
        [*labels, "reset of the embedding"],
        loc="outside lower center",
        ncols=3,
        title="schematic, not data",
    )
    return figure


def curves_of(schedule: str, time: Floats) -> tuple[Floats, Floats]:
    """Made-up strength of structural in-context and of in-weights learning, from 0 to 1, over `time` from 0 to 1."""
    rise = _sigmoid(time, centre=0.16, width=0.035)
    late = {"vanilla": 0.45, "active": 0.45, "temporary": 0.68}[schedule]
    change = _sigmoid(time, centre=late, width=0.06)
    structural = {"vanilla": rise * (1 - 0.95 * change), "active": rise, "temporary": rise}[schedule]
    weights = {"vanilla": 0.97, "active": 0.12, "temporary": 0.9}[schedule] * change
    return 0.95 * structural, weights


def _sigmoid(time: Floats, *, centre: float, width: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(time - centre) / width)))


def _mark_resets(axes: Axes, times: Floats) -> None:
    axes.plot(times, np.full_like(times, 0.03), "|", color=style.GREY, markersize=5)
