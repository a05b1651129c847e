"""Figure 4: temporary forgetting, by the step N at which it ends, between the vanilla and the active reference.

Dataset of the probe store in, figure out. Rows: distribution within metric; columns: evaluation; colour: schedule.
"""

from collections.abc import Mapping

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dual_process.figures import curves, style

KINDS = ("vanilla", "active", "temporary")
EVALUATIONS = ("unseen", "switch", "tail_switch", "val")
ROW_HEIGHT = 1.05


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all vanilla, active and temporary runs, one row per run, step, evaluation and metric."""
    return curves.score_frame(dataset, kinds=KINDS, evaluations=EVALUATIONS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    metrics = [name for name in ("two_way", "exact_match") if name in set(shown["metric"])]
    rows = [(metric, name) for metric in metrics for name in style.distribution_order(shown)]
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots(len(rows), len(EVALUATIONS), sharex=True, sharey=True, squeeze=False)
    palette, dashes = style.schedule_colours(shown), style.protocol_dashes(shown)
    labels, last_step = style.distribution_labels(shown), shown["step"].max()
    ends = shown.drop_duplicates("schedule").set_index("schedule")["forget_until"].dropna()
    for (metric, distribution), row in zip(rows, axes, strict=True):
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            chosen = (shown["metric"] == metric) & (shown["distribution"] == distribution)
            cell = shown[chosen & (shown["evaluation"] == evaluation)]
            curves.draw_curves(panel, cell, hue="schedule", palette=palette, dashes=dashes)
            curves.finish_panel(panel, last_step=last_step, chance=metric == "two_way")
            if cell.empty:
                panel.text(0.5, 0.25, "not measured", transform=panel.transAxes, ha="center", color=style.GREY)
            else:
                _mark_ends(panel, ends, palette)
        row[0].set_ylabel(f"{labels[distribution]}\n{style.METRIC_LABELS[metric]}")
    for evaluation, top, bottom in zip(EVALUATIONS, axes[0], axes[-1], strict=True):
        top.set_title(style.EVALUATION_LABELS[evaluation], pad=9)
        bottom.set_xlabel("training step")
    handles = curves.colour_handles(palette, style.schedule_labels(shown)) + curves.protocol_handles(dashes)
    handles.append(curves.chance_handle())
    handles += [curves.early_handle()] if curves.has_early(shown) else []
    if len(ends):
        handles.append(
            Line2D([], [], color=style.BLACK, marker="v", markersize=3.5, linestyle="", label="end of forgetting N")
        )
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 3), title=curves.band_text(shown)
    )
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _mark_ends(axes: Axes, ends: pd.Series, palette: Mapping[str, str]) -> None:
    """Mark each end of forgetting by a triangle on the upper edge and a faint line, in the colour of its schedule."""
    for name, end in ends.items():
        colour = palette[str(name)]
        axes.axvline(end, color=colour, linewidth=0.6, alpha=0.45, zorder=0)
        axes.plot(end, 1.05, "v", color=colour, markersize=3.5, transform=axes.get_xaxis_transform(), clip_on=False)
