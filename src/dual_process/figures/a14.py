"""Figure A14: an embedding that drifts, by the chance p that a token's row is replaced for one step.

Dataset of the probe store in, figure out. Nothing of the embedding is trained at any p, so p = 0 is a frozen random
embedding and no vanilla training. Top: curves over training; bottom: their ends against p, between the vanilla and the
active reference.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure, SubFigure

from dual_process.figures import by_schedule, curves, grids, style

VARIABLES = ("score", "steps_since_reset")
EVALUATIONS = ("unseen", "switch", "tail_switch", "val")
CURVE, END = "curve", "end"
END_ROW_HEIGHT = 1.2
END_LEGEND_HEIGHT = 0.9


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all runs: ``part`` "curve" by step, ``part`` "end" at the end of training.

    Raises
    ------
    ValueError
        If no run has a drifting embedding.
    """
    if "drift" not in dataset["kind"].values.astype(object):
        raise ValueError("no run has a schedule of kind drift; add such runs to the grids of this figure")
    parts = {CURVE: grids.score_frame(dataset, EVALUATIONS), END: grids.end_frame(dataset, EVALUATIONS)}
    return pd.concat([frame.assign(part=name) for name, frame in parts.items()], ignore_index=True)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = curves.first_setting(numbers)
    over_steps, ends = (shown[shown["part"] == name] for name in (CURVE, END))
    metrics = list(by_schedule.METRICS)
    heights = [by_schedule.height(over_steps), END_ROW_HEIGHT * len(metrics) + END_LEGEND_HEIGHT]
    figure = Figure(figsize=(style.WIDTH, sum(heights)), layout="constrained")
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    by_schedule.draw_panels(top, over_steps, EVALUATIONS)
    _draw_ends(bottom, ends, metrics)
    if title:
        figure.suptitle(title, fontsize=8)
    return figure


def _draw_ends(figure: SubFigure, numbers: pd.DataFrame, metrics: list[str]) -> None:
    axes = figure.subplots(len(metrics), len(EVALUATIONS), sharex=True, sharey=True, squeeze=False)
    palette, dashes = style.distribution_colours(numbers), style.protocol_dashes(numbers)
    places = _places(numbers)
    drifts = [name for name in places if (numbers.loc[numbers["schedule"] == name, "kind"] == "drift").all()]
    joined = [drifts, *([name] for name in places if name not in drifts)]  # lines join the values of p alone
    for metric, row in zip(metrics, axes, strict=True):
        for evaluation, panel in zip(EVALUATIONS, row, strict=True):
            cell = numbers[(numbers["metric"] == metric) & (numbers["evaluation"] == evaluation)]
            for names in joined:
                part = cell[cell["schedule"].isin(names)]
                grids.draw_ends(
                    panel, part, x="schedule", order=list(places), hue="distribution", palette=palette, dashes=dashes
                )
            grids.finish_ends(panel, list(places.values()), chance=metric == "two_way", rotation=45)
            if cell.empty:
                grids.not_measured(panel)
        row[0].set_ylabel(style.METRIC_LABELS[metric])
    for evaluation, panel in zip(EVALUATIONS, axes[0], strict=True):
        panel.set_title(grids.EVALUATION_LABELS[evaluation])
    handles = curves.colour_handles(palette, style.distribution_labels(numbers)) + grids.protocol_handles(dashes)
    handles.append(curves.chance_handle())
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 4), title=grids.ends_text(numbers)
    )


def _places(numbers: pd.DataFrame) -> dict[str, str]:
    """Schedules from left to right with their tick labels: vanilla, drift by its probability, others, active."""
    unique = numbers.drop_duplicates("schedule").set_index("schedule")
    order = {"vanilla": 0, "drift": 1, "active": 3}
    key = unique["kind"].map(order).fillna(2)
    unique = unique.assign(key=key).sort_values(["key", "probability", "period", "forget_until"])
    several = unique["kind"].value_counts()
    labels = {}
    for name, row in unique.iterrows():
        label = str(row["kind"]) if several[row["kind"]] == 1 else str(name)
        labels[str(name)] = f"p = {row['probability']:g}" if row["kind"] == "drift" else label
    return labels
