"""Figure A6: at which layer and step the part of speech can be read first, by distribution, under vanilla training.

Dataset of the probe store in, figure out. Columns: distribution, and schedule where there are several; rows: protocol
within what is probed; in a panel, layer over step, colour is the accuracy of a linear probe.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import curves, heatmaps, probe_panels, style
from dual_process.figures.columns import pages, schedule_titles

VARIABLES = ("probe_accuracy", "steps_since_reset")
MAX_COLUMNS = 5
LAYER_HEIGHT, LEAST_HEIGHT, LINE_HEIGHT = 0.17, 0.75, 0.12


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Probe accuracies of all runs on validation and tail, one row per run, step and layer."""
    return probe_panels.probe_frame(dataset)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    parts, protocols, titles = pages(_columns(shown), MAX_COLUMNS), style.protocol_order(shown), _titles(shown)
    present = [probed for probed in probe_panels.PROBED if (shown["probed"] == probed).any()]
    rows = [(page, probed, protocol) for page in parts for probed in present for protocol in protocols]
    height = max(LEAST_HEIGHT, LAYER_HEIGHT * shown["layer"].nunique()) + 0.1
    lines = max(words.count("\n") + 2 for words in titles.values())
    size = (style.WIDTH, height * len(rows) + 0.95 + (0.1 + LINE_HEIGHT * lines) * len(parts))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), max(map(len, parts)), squeeze=False)
    limits, meshes, lowest = probe_panels.limits_of(shown), [], {}
    for (page, probed, protocol), row in zip(rows, axes, strict=True):
        chosen = shown[(shown["probed"] == probed) & (shown["protocol"] == protocol)]
        for (distribution, schedule), panel in zip(page, row, strict=False):
            cell = chosen[(chosen["distribution"] == distribution) & (chosen["schedule"] == schedule)]
            meshes.append(probe_panels.draw_probe(panel, cell, limits=limits))
            if meshes[-1] is not None:
                lowest[distribution, schedule] = panel
            if (probed, protocol) == rows[0][1:]:
                panel.set_title(titles[distribution, schedule])
        for panel in row[len(page) :]:
            panel.set_axis_off()
        words = f"probed: {style.EVALUATION_LABELS.get(probed, probed)}"
        row[0].set_ylabel(words + (f"\n{protocol}" if len(protocols) > 1 else "") + "\nlayer")
    for panel in lowest.values():
        panel.set_xlabel("training step")
    mesh = next(mesh for mesh in meshes if mesh is not None)
    heatmaps.colour_bar(figure, mesh, list(axes.flat), label="probe accuracy (chance .5)")
    handles = probe_panels.mark_handles(shown)
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title=probe_panels.seeds_text(shown))
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _columns(numbers: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """Measured distributions and schedules, in groups of one distribution."""
    measured = set(zip(numbers["distribution"], numbers["schedule"], strict=True))
    schedules = style.schedule_order(numbers)
    return [
        [(name, schedule) for schedule in schedules if (name, schedule) in measured]
        for name in style.distribution_order(numbers)
    ]


def _titles(numbers: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Title of each column: the distribution, and the schedule if there are several."""
    labels, schedules = style.distribution_labels(numbers), schedule_titles(numbers, MAX_COLUMNS)
    several = len(schedules) > 1
    return {
        (name, schedule): labels[name] + (f"\n{schedules[schedule]}" if several else "")
        for name in labels
        for schedule in schedules
    }
