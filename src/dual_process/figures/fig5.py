"""Figure 5: what the word embeddings hold, by forgetting schedule.

Dataset of the probe store in, figure out. Top: accuracy of linear probes and separability of the embedding rows over
training. Bottom: the rows of one seed per schedule at the last step kept, in their first two principal components.
One task, model and distribution is shown, named in the title.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from dual_process.figures import curves, style
from dual_process.store import RUN_COLUMNS

VARIABLES = (
    "probe_accuracy",
    "separability",
    "steps_since_reset",
    "embedding_coordinates",
    "explained_variance",
)
PANELS = (
    ("layer 0 probe", "val"),
    ("best layer probe", "val"),
    ("separability", "seen_unseen"),
    ("layer 0 probe", "unseen"),
    ("best layer probe", "unseen"),
    ("separability", "noun_adjective"),
)
"""Quantity and what it is measured on, in the order of the upper panels."""
TITLES = {
    ("layer 0 probe", "val"): "layer 0 probe, validation",
    ("best layer probe", "val"): "best layer probe, validation",
    ("separability", "seen_unseen"): "separability, trained | unseen",
    ("layer 0 probe", "unseen"): "layer 0 probe, unseen",
    ("best layer probe", "unseen"): "best layer probe, unseen",
    ("separability", "noun_adjective"): "separability, noun | adjective",
}
EMBEDDING = "embedding"
MAX_SCATTERS_PER_ROW = 4


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Everything that is drawn, for one task, model and distribution.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` says what a row is. For curves: ``subject``, ``step``, ``value`` and, for the best layer of a
        run at a step, ``layer``. For "embedding": ``step``, ``token``, ``role``, ``component_1``, ``component_2`` and
        their ``explained_1``, ``explained_2``.
    """
    chosen = _representative(dataset)
    probe = curves.with_phase(chosen, "probe_accuracy").sel(probed=["val", "unseen"]).rename(probed="subject")
    separability = curves.with_phase(chosen, "separability").rename(contrast="subject")
    probes = curves.run_frame(probe, name="value")
    cell = ["run", "step", "subject"]
    best = probes.loc[probes.groupby(cell)["value"].idxmax()]
    frames = {
        "layer 0 probe": probes[probes["layer"] == 0],
        "best layer probe": best,
        "separability": curves.run_frame(separability, name="value"),
        EMBEDDING: _embedding_frame(chosen),
    }
    parts = [frame.assign(quantity=quantity) for quantity, frame in frames.items() if len(frame)]
    columns = [
        "quantity",
        "run",
        *RUN_COLUMNS,
        "num_distributions",
        "subject",
        "step",
        curves.PHASE,
        "layer",
        "value",
    ]
    columns += ["token", "role", "component_1", "component_2", "explained_1", "explained_2"]
    num_distributions = len(np.unique(dataset["distribution"].values.astype(object)))
    joined = pd.concat(parts, ignore_index=True).assign(num_distributions=num_distributions)
    return joined.reindex(columns=columns)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    scatters = _scatters(numbers)
    num_columns = min(MAX_SCATTERS_PER_ROW, len({schedule for _, schedule in scatters}) or 1)
    num_rows = -(-len(scatters) // num_columns)
    heights = [3.9, 0.45 + num_rows * 7.4 / max(3, num_columns)]
    figure = Figure(figsize=(style.WIDTH, sum(heights)), layout="constrained")
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    first = numbers.iloc[0]
    title = style.distribution_labels(numbers)[first["distribution"]]
    if first["num_distributions"] > 1:
        title += f" (one of {first['num_distributions']} distributions)"
    figure.suptitle(f"{title}, task {first['task']}, model {first['model']}", fontsize=8)
    _draw_top(top, numbers[numbers["quantity"] != EMBEDDING])
    if scatters:
        _draw_bottom(bottom, scatters, shape=(num_rows, num_columns))
    return figure


def _draw_top(figure: SubFigure, numbers: pd.DataFrame) -> None:
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    palette, dashes = style.schedule_colours(numbers), style.protocol_dashes(numbers)
    lowest = min(0.4, numbers["value"].min()) - 0.02
    for (quantity, subject), panel in zip(PANELS, axes.flat, strict=True):
        cell = numbers[(numbers["quantity"] == quantity) & (numbers["subject"] == subject)]
        curves.draw_curves(panel, cell, y="value", hue="schedule", palette=palette, dashes=dashes)
        curves.finish_panel(panel, last_step=numbers["step"].max(), chance=True)
        panel.set(title=TITLES[quantity, subject], ylim=(lowest, 1.02))
    for bottom in axes[-1]:
        bottom.set_xlabel("training step")
    for left in axes[:, 0]:
        left.set_ylabel("cross-validated accuracy")
    handles = curves.colour_handles(palette, style.schedule_labels(numbers)) + curves.protocol_handles(dashes)
    handles.append(Line2D([], [], color=style.BLACK, linewidth=0.8, linestyle=":", label="chance"))
    handles += [curves.early_handle()] if curves.has_early(numbers) else []
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=curves.band_text(numbers))


def _draw_bottom(
    figure: SubFigure, scatters: Mapping[tuple[str, str], pd.DataFrame], *, shape: tuple[int, int]
) -> None:
    panels = figure.subplots(*shape, squeeze=False).flat
    several = len({protocol for protocol, _ in scatters}) > 1
    for (protocol, schedule), points in scatters.items():
        panel, first = next(panels), points.iloc[0]
        shuffled = points.sample(frac=1, random_state=0)
        shade = shuffled["role"].map(style.ROLE_COLOURS)
        panel.scatter(
            shuffled["component_1"], shuffled["component_2"], s=2, c=shade, alpha=0.6, linewidths=0, rasterized=True
        )
        label = style.schedule_labels(points)[schedule].replace(", ", "\n", 1)
        panel.set_title(label + (f"\n{protocol}" if several else ""), fontsize=7)
        panel.set_xlabel(f"component 1 ({first['explained_1']:.1%})", labelpad=1)
        panel.set_ylabel(f"component 2 ({first['explained_2']:.1%})", labelpad=1)
        panel.set(xticks=[], yticks=[], box_aspect=1)
    for panel in panels:
        panel.set_axis_off()
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=3.5, linestyle="", label=role)
        for role, colour in style.ROLE_COLOURS.items()
    ]
    seeds = sorted({int(points["seed"].iloc[0]) for points in scatters.values()})
    steps = sorted({int(points["step"].iloc[0]) for points in scatters.values()})
    title = f"rows of the word embedding, {_list('seed', seeds)}, {_list('step', steps)}; share of variance in brackets"
    figure.legend(handles=handles, loc="outside lower center", ncols=3, title=title)


def _list(word: str, values: Sequence[int]) -> str:
    return f"{word}{'s' if len(values) > 1 else ''} {', '.join(map(str, values))}"


def _representative(dataset: xr.Dataset) -> xr.Dataset:
    """Select the first task and model, and the Zipf law nearest to exponent 1 (else the first distribution)."""
    names = ["task", "model", "training", "distribution", "law", "alpha"]
    runs = pd.DataFrame({name: dataset[name].values.astype(object) for name in names})
    setting = ["task", "model", "training"]
    runs = runs[(runs[setting] == runs.sort_values(setting).iloc[0][setting]).all(axis=1)]
    runs["distance"] = (runs["alpha"].astype(float) - 1).abs().where(runs["law"] == "zipf", np.inf)
    distribution = runs.sort_values(["distance", "distribution"])["distribution"].iloc[0]
    return dataset.isel(run=runs.index[runs["distribution"] == distribution].to_numpy())


def _embedding_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the rows, for the first seed of each schedule and protocol at its last step kept."""
    runs = pd.DataFrame({name: dataset[name].values.astype(object) for name in ("schedule", "protocol", "seed")})
    firsts = runs.sort_values("seed").groupby(["schedule", "protocol"], sort=True).head(1).index
    frames = [_rows_of_one_run(dataset.isel(run=[index])) for index in sorted(firsts)]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1])


def _rows_of_one_run(dataset: xr.Dataset) -> pd.DataFrame:
    coordinates = dataset["embedding_coordinates"].sel(component=[1, 2])
    kept = coordinates.notnull().any(["run", "token", "component"])
    last = coordinates["analysis_step"].where(kept, drop=True)[-1:]
    here = dataset.sel(analysis_step=last.values.astype(int))
    frames = [
        curves.run_frame(here["embedding_coordinates"].sel(component=number, drop=True), name=f"component_{number}")
        for number in (1, 2)
    ]
    frame = frames[0].assign(component_2=frames[1]["component_2"]).rename(columns={"analysis_step": "step"})
    role = dataset["role"].isel(run=0) if "run" in dataset["role"].dims else dataset["role"]
    roles = pd.Series(role.values.astype(object), index=role["token"].values)
    frame["role"] = frame["token"].map(roles)
    explained = curves.run_frame(here["explained_variance"], name="explained").set_index("component")["explained"]
    for number in (1, 2):
        frame[f"explained_{number}"] = explained.get(number, np.nan)
    return frame[frame["role"].isin(list(style.ROLE_COLOURS))]


def _scatters(numbers: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows to scatter, by protocol and schedule, in drawing order."""
    rows = numbers[numbers["quantity"] == EMBEDDING]
    groups = dict(list(rows.groupby(["protocol", "schedule"])))
    order = [(protocol, name) for protocol in style.protocol_order(rows) for name in style.schedule_order(rows)]
    return {key: groups[key] for key in order if key in groups}
