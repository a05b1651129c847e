"""Figure A8: when the switch and the tail are solved, by vocabulary and exponent, without ambiguous tokens.

Dataset of the probe store in, figure out. Rows: setting; columns: distribution; colour: evaluation. The two metrics are
side by side where they fit, else one below the other. Steps are on a logarithmic axis, since in-context learning peaks
early and the tail falls late.
"""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from dual_process.figures import curves, grids, style

VARIABLES = ("score", "steps_since_reset")
PALETTE = {"val": style.COLOURS[0], "tail": style.COLOURS[1], "switch": style.COLOURS[2]}
MAX_COLUMNS = 4
ROW_HEIGHT = 1.05
LEGEND_HEIGHT = 0.95


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all runs, one row per run, step, evaluation and metric."""
    return grids.score_frame(dataset, list(PALETTE))


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    distributions, labels = style.distribution_order(numbers), style.distribution_labels(numbers)
    metrics, is_wide = list(style.METRIC_LABELS), len(style.METRIC_LABELS) * len(distributions) <= MAX_COLUMNS
    settings = list(grids.settings(numbers))
    rows = [(metric, *setting) for metric in metrics for setting in settings]
    shape = (len(settings), len(metrics) * len(distributions)) if is_wide else (len(rows), len(distributions))
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * shape[0] + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    blocks = np.concatenate(np.hsplit(axes, len(metrics))) if is_wide else axes  # a row of axes for each of `rows`
    dashes = style.protocol_dashes(numbers)
    steps = numbers.loc[numbers["step"] > 0, "step"]
    for (metric, label, members), row in zip(rows, blocks, strict=True):
        for distribution, panel in zip(distributions, row, strict=True):
            cell = members[(members["metric"] == metric) & (members["distribution"] == distribution)]
            curves.draw_curves(panel, cell[cell["step"] > 0], hue="evaluation", palette=PALETTE, dashes=dashes)
            curves.finish_panel(panel, last_step=steps.max(), chance=metric == "two_way")
            if cell.empty:
                grids.not_measured(panel)
        row[0].set_ylabel(label if is_wide else f"{label}\n{style.METRIC_LABELS[metric]}")
    for index, (top, bottom) in enumerate(zip(axes[0], axes[-1], strict=True)):
        name = distributions[index % len(distributions)]
        has_tail = ((numbers["distribution"] == name) & (numbers["evaluation"] == "tail")).any()
        metric = f"\n{style.METRIC_LABELS[metrics[index // len(distributions)]]}" if is_wide else ""
        top.set_title(labels[name] + ("" if has_tail else " (no tail)") + metric)
        bottom.set_xlabel("training step")
    _logarithmic(axes[0, 0], first=steps.min(), last=steps.max())
    evaluations = {name: grids.EVALUATION_LABELS[name] for name in PALETTE}
    handles = curves.colour_handles(PALETTE, evaluations) + curves.protocol_handles(dashes) + [curves.chance_handle()]
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 4), title=curves.band_text(numbers)
    )
    figure.suptitle(grids.shared_words(numbers), fontsize=8)
    return figure


def _logarithmic(axes: Axes, *, first: float, last: float) -> None:
    """Make the shared axis of steps logarithmic."""
    axes.set_xscale("log")
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_minor_locator(NullLocator())
