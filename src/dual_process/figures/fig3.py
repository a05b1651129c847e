"""Figure 3: structural in-context learning fades without forgetting and stays with active forgetting.

Dataset of the probe store in, figure out. Rows: schedule within metric; columns: evaluation; colour: distribution.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import curves, style

VARIABLES = ("score", "steps_since_reset")
KINDS = ("vanilla", "active")
EVALUATIONS = ("unseen", "switch", "tail_switch")
ROW_HEIGHT = 1.25
MAX_CURVES_IN_WORDS = 3


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all vanilla and active runs, one row per run, step, evaluation and metric."""
    return curves.score_frame(dataset, kinds=KINDS, evaluations=EVALUATIONS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    rows = [(metric, name) for metric in style.METRIC_LABELS for name in style.schedule_order(shown)]
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(rows) + 0.9), layout="constrained")
    axes = figure.subplots(len(rows), len(EVALUATIONS), sharex=True, sharey=True, squeeze=False)
    palette, dashes = style.distribution_colours(shown), style.protocol_dashes(shown)
    schedules = shown.drop_duplicates("schedule").set_index("schedule")
    labels, last_step = style.schedule_labels(shown), shown["step"].max()
    resets_marked = False
    for (metric, schedule), row in zip(rows, axes, strict=True):
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            chosen = (shown["metric"] == metric) & (shown["schedule"] == schedule)
            cell = shown[chosen & (shown["evaluation"] == evaluation)]
            curves.draw_curves(panel, cell, hue="distribution", palette=palette, dashes=dashes)
            curves.finish_panel(panel, last_step=last_step, chance=metric == "two_way")
            resets_marked |= curves.mark_resets(panel, period=schedules.at[schedule, "period"], until=last_step)
        row[0].set_ylabel(f"{labels[schedule]}\n{style.METRIC_LABELS[metric]} accuracy")
    for evaluation, top, bottom in zip(EVALUATIONS, axes[0], axes[-1], strict=True):
        top.set_title(style.EVALUATION_LABELS[evaluation] + _without(shown, evaluation))
        bottom.set_xlabel("training step")
    handles = curves.colour_handles(palette, style.distribution_labels(shown)) + curves.protocol_handles(dashes)
    handles += [curves.chance_handle()] + ([curves.reset_handle()] if resets_marked else [])
    handles += [curves.early_handle()] if curves.has_early(shown) else []
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 4), title=curves.band_text(shown)
    )
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _without(numbers: pd.DataFrame, evaluation: str) -> str:
    """Words for the distributions that have no such evaluation."""
    measured = set(numbers.loc[numbers["evaluation"] == evaluation, "distribution"])
    missing = [label for name, label in style.distribution_labels(numbers).items() if name not in measured]
    if not missing:
        return ""
    if not measured:
        return " (none)"
    return f" (none for {', '.join(missing)})" if len(missing) <= MAX_CURVES_IN_WORDS else " (not for all)"
