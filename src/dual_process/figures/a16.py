"""Figure A16: rows of the word embedding of unseen and of trained tokens at the last analysis step, by schedule.

Dataset of the probe store in, figure out. One panel a schedule and protocol: the rows of the first seed in their first
two principal components, and the accuracy of the nearest centroid, mean and range over the seeds.
"""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dual_process.figures import curves, selection, style
from dual_process.store import RUN_COLUMNS

VARIABLES = ("embedding_coordinates", "explained_variance", "centroid_accuracy", "steps_since_reset")
MAX_COLUMNS = 4
PANEL_HEIGHT = 2.15
TOKEN, CENTROID = "token", "nearest centroid"


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Everything that is drawn, for the first task, model and training and the Zipf law nearest to exponent 1.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` "token": one row per token of the first seed of each schedule and protocol, with ``role``,
        ``component_1``, ``component_2`` and their shares of the variance ``explained_1``, ``explained_2``;
        "nearest centroid": one row per run, ``value`` its balanced accuracy. Both at ``step``, the last analysis step.
        ``shown`` says what is left out.
    """
    chosen, title = selection.first_setting(dataset)
    chosen, note = selection.main_distribution(chosen)
    runs = [_rows_of_run(chosen.isel(run=index)) for index in range(chosen.sizes["run"])]
    ends = pd.DataFrame([_centroid_of_run(chosen.isel(run=index)) for index in range(chosen.sizes["run"])])
    table = selection.run_table(chosen).assign(run=chosen["run"].values.astype(object))
    measured = table[[len(frame) > 0 for frame in runs]]
    if measured.empty:
        raise ValueError(
            "no run has the coordinates of its word embedding; give this figure grids of the "
            "part-of-speech task, with the analysis of embeddings"
        )
    firsts = measured.sort_values("seed").groupby(["schedule", "protocol"]).head(1).sort_index()
    tokens = pd.concat([runs[index].merge(table.loc[[index]], how="cross") for index in firsts.index])
    parts = [tokens.assign(quantity=TOKEN), table.join(ends).dropna(subset="value").assign(quantity=CENTROID)]
    joined = pd.concat([part for part in parts if len(part)], ignore_index=True)
    columns = ["quantity", "run", *RUN_COLUMNS, "step", "token", "role", "component_1", "component_2"]
    words = ", ".join(filter(None, [title, note]))
    return joined.reindex(columns=[*columns, "explained_1", "explained_2", "value"]).assign(shown=words)


def _rows_of_run(run: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the rows of one run at its last analysis step, for the roles that are drawn."""
    coordinates = run["embedding_coordinates"].sel(component=[1, 2]).transpose("analysis_step", "token", "component")
    kept = np.flatnonzero(coordinates.notnull().any(["token", "component"]))
    if not len(kept):
        return pd.DataFrame()
    last = run["analysis_step"].values[kept[-1]]
    values = coordinates.isel(analysis_step=kept[-1]).values
    explained = run["explained_variance"].sel(analysis_step=last)
    role = selection.roles(run)
    frame = pd.DataFrame({"step": int(last), "token": run["token"].values, "role": role.to_numpy()})
    for column in (0, 1):
        frame[f"component_{column + 1}"] = values[:, column].astype(float).round(curves.DECIMALS)
        frame[f"explained_{column + 1}"] = round(float(explained.sel(component=column + 1)), curves.DECIMALS)
    return frame[frame["role"].isin(list(style.ROLE_COLOURS))].dropna(subset="component_1")


def _centroid_of_run(run: xr.Dataset) -> dict[str, float]:
    """Nearest-centroid accuracy of one run at its last analysis step, if that step was kept, else at its last step."""
    accuracy = run["centroid_accuracy"].sel(contrast="seen_unseen").dropna("step")
    if not accuracy.size:
        return {"value": np.nan, "step": np.nan}
    return {"value": round(float(accuracy[-1]), curves.DECIMALS), "step": int(accuracy["step"][-1])}


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    rows = numbers[numbers["quantity"] == TOKEN]
    groups = dict(list(rows.groupby(["protocol", "schedule"])))
    order = [(protocol, name) for protocol in style.protocol_order(rows) for name in style.schedule_order(rows)]
    order = [key for key in order if key in groups]
    num_columns = min(MAX_COLUMNS, len(order))
    num_rows = -(-len(order) // num_columns)
    height = max(PANEL_HEIGHT, style.WIDTH / max(num_columns, 3) + 0.45)
    figure = Figure(figsize=(style.WIDTH, height * num_rows + 0.75), layout="constrained")
    panels = figure.subplots(num_rows, num_columns, squeeze=False).flat
    several = numbers["protocol"].nunique() > 1
    for (protocol, schedule), panel in zip(order, panels, strict=False):
        label = style.schedule_labels(rows)[schedule].replace(", ", "\n").replace(" until ", "\nuntil ")
        panel.set_title(label + (f"\n{protocol}" if several else ""), fontsize=7)
        chosen = (numbers["protocol"] == protocol) & (numbers["schedule"] == schedule)
        _draw_cloud(panel, groups[protocol, schedule], numbers[chosen & (numbers["quantity"] == CENTROID)])
    for panel in panels:
        panel.set_axis_off()
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=3.5, linestyle="", label=role)
        for role, colour in style.ROLE_COLOURS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=_legend_title(numbers))
    name = style.distribution_labels(rows)[rows["distribution"].iloc[0]]
    note = numbers["shown"].iloc[0]
    figure.suptitle(f"{name}; {note}" if isinstance(note, str) and note else name, fontsize=8)
    return figure


def _draw_cloud(axes: Axes, points: pd.DataFrame, accuracies: pd.DataFrame) -> None:
    """Scatter the rows of one run and print the accuracies of the nearest centroid."""
    shuffled = points.sample(frac=1, random_state=0)
    shade = shuffled["role"].map(style.ROLE_COLOURS)
    axes.scatter(
        shuffled["component_1"], shuffled["component_2"], s=2, c=shade, alpha=0.6, linewidths=0, rasterized=True
    )
    first = points.iloc[0]
    axes.set_xlabel(f"component 1 ({first['explained_1']:.1%})\n{_accuracy_text(accuracies['value'])}", labelpad=1)
    axes.set_ylabel(f"component 2 ({first['explained_2']:.1%})", labelpad=1)
    axes.set(xticks=[], yticks=[], box_aspect=1)


def _accuracy_text(values: pd.Series) -> str:
    """Mean and range of the nearest-centroid accuracy."""
    if values.empty:
        return "nearest centroid not measured"
    text = f"nearest centroid {values.mean():.2f}"
    return text + (f" ({values.min():.2f} to {values.max():.2f})" if len(values) > 1 else "")


def _legend_title(numbers: pd.DataFrame) -> str:
    points, accuracies = (numbers[numbers["quantity"] == name] for name in (TOKEN, CENTROID))
    seeds = ", ".join(map(str, sorted({int(seed) for seed in points["seed"]})))
    steps = ", ".join(map(str, sorted({int(step) for step in points["step"]})))
    text = f"rows of the word embedding, seed {seeds}, step {steps}; share of variance in brackets"
    if accuracies.empty:
        return text
    count = accuracies.groupby(["schedule", "protocol"])["seed"].nunique().max()
    note = f"mean and range of {count} seeds" if count > 1 else "one seed"
    return f"{text}\nnearest centroid: balanced accuracy, trained against unseen, chance .5, {note}"
