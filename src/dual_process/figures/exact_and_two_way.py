"""How much of the fall of exact match is lost copying, and how much is a lost choice between noun and adjective.

Dataset of the probe store in, figure out. All is measured on unseen tokens. A row of panels is a distribution and a
protocol, columns are metrics, colour is the schedule. Exact match needs both: that the tokens of the context can be
produced at all (copied) and that the right one of the two is chosen (two-way).
"""

from collections.abc import Mapping

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dual_process.figures import curves, grids, style

VARIABLES = ("score", "steps_since_reset")
EVALUATION = "unseen"
ACCURACIES = {
    "exact_match": "exact match",
    "copied": "copied",
    "two_way": "two-way",
    "exact_match_same_group": "exact within unseen",
}
LOSSES: dict[str, tuple[float, ...]] = {"loss_copying": (), "loss_decision": (3, 1)}
LOSS_LABELS = {"loss_copying": "loss of copying", "loss_decision": "loss of the choice"}
ROW_HEIGHT = 1.05
SMALLEST_LOSS = 1e-3
"""Lower end of the loss axis, in nats per target."""


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Metrics of unseen tokens, one row per run, step and metric; ``value`` is an accuracy or a loss in nats.

    Raises
    ------
    ValueError
        If none of the runs was evaluated on unseen tokens.
    """
    metrics = [name for name in (*ACCURACIES, *LOSSES) if name in dataset["metric"].values]
    if EVALUATION not in dataset["evaluation"].values:
        raise ValueError("no run was evaluated on unseen tokens; add `unseen` to probing.evaluations")
    score = curves.with_phase(dataset, "score").sel(evaluation=EVALUATION, metric=metrics)
    frame = curves.run_frame(score, name="value")
    if frame.empty:
        raise ValueError("no run has scores for unseen; add runs of a task with unseen tokens to this figure's grids")
    return frame


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    rows = _rows(shown)
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(rows) + 1.15), layout="constrained")
    axes = figure.subplots(len(rows), len(ACCURACIES) + 1, squeeze=False)
    palette, labels = style.schedule_colours(shown), style.distribution_labels(shown)
    losses = shown.loc[shown["metric"].isin(list(LOSSES)), "value"]
    for (distribution, protocol), row in zip(rows, axes, strict=True):
        chosen = shown[(shown["distribution"] == distribution) & (shown["protocol"] == protocol)]
        for metric, panel in zip(ACCURACIES, row, strict=False):
            cell = chosen[chosen["metric"] == metric]
            curves.draw_curves(panel, cell, y="value", hue="schedule", palette=palette, dashes={protocol: ()})
            curves.finish_panel(panel, last_step=shown["step"].max(), chance=metric == "two_way")
            if cell.empty:
                grids.not_measured(panel)
            if panel is not row[0]:
                panel.tick_params(labelleft=False)
        _draw_losses(row[-1], chosen, palette, losses)
        for panel in row:
            panel.set(xlim=(0, shown["step"].max()))
            panel.xaxis.set_major_locator(MaxNLocator(2, integer=True))
        row[0].set_ylabel(f"{labels[distribution]}\n{protocol}")
    for panel in axes[:-1].flat:
        panel.tick_params(labelbottom=False)
    for label, top, bottom in zip([*ACCURACIES.values(), "loss (nats)"], axes[0], axes[-1], strict=True):
        top.set_title(label)
        bottom.set_xlabel("training step")
    handles = curves.colour_handles(palette, grids.schedule_labels(shown))
    handles += [_loss_handle(metric) for metric in LOSSES] + [curves.chance_handle()]
    handles += [curves.early_handle()] if curves.has_early(shown) else []
    text = f"unseen tokens; {curves.band_text(shown)}"
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), title=text)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _rows(numbers: pd.DataFrame) -> list[tuple[str, str]]:
    """Distribution and protocol of each row of panels."""
    measured = set(zip(numbers["distribution"], numbers["protocol"], strict=True))
    order = [
        (name, protocol) for name in style.distribution_order(numbers) for protocol in style.protocol_order(numbers)
    ]
    return [row for row in order if row in measured]


def _draw_losses(axes: Axes, numbers: pd.DataFrame, palette: Mapping[str, str], losses: pd.Series) -> None:
    """Draw both parts of the loss over a logarithmic axis that all rows share."""
    if losses.empty:
        grids.not_measured(axes)
        return
    for metric, dashes in LOSSES.items():
        cell = numbers[numbers["metric"] == metric]
        cell = cell.assign(value=cell["value"].clip(lower=SMALLEST_LOSS))
        for protocol in cell["protocol"].unique():
            curves.draw_curves(axes, cell, y="value", hue="schedule", palette=palette, dashes={str(protocol): dashes})
    axes.set(yscale="log", xlabel="", ylabel="", ylim=(SMALLEST_LOSS, 1.3 * max(losses.max(), 10 * SMALLEST_LOSS)))
    axes.minorticks_off()


def _loss_handle(metric: str) -> Line2D:
    line = Line2D([], [], color=style.BLACK, label=LOSS_LABELS[metric])
    if LOSSES[metric]:
        line.set_dashes(LOSSES[metric])
    return line
