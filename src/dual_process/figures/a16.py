"""Figure A16: rows of the word embedding of unseen and of trained tokens at the last analysis step, by schedule.

Dataset of the probe store in, figure out. One panel a distribution and protocol (row) and schedule (column): the rows
of the first seed in their first two principal components, and the accuracy of the nearest centroid, mean and range over
the seeds.
"""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import clouds, columns, curves, selection, style
from dual_process.store import RUN_COLUMNS

VARIABLES = ("embedding_coordinates", "explained_variance", "centroid_accuracy", "steps_since_reset")
TOKEN, CENTROID = "token", "nearest centroid"


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Everything that is drawn, for the first task, model and training.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` "token": one row per token of the first seed of each distribution, schedule and protocol, with
        ``role``, ``component_1``, ``component_2`` and their shares of the variance ``explained_1``, ``explained_2``;
        "nearest centroid": one row per run, ``value`` its balanced accuracy. Both at ``step``, the last analysis step.
        ``shown`` says what is left out.
    """
    chosen, title = selection.first_setting(dataset)
    tokens = clouds.cloud_frame(chosen)
    if tokens.empty:
        raise ValueError(
            "no run has the coordinates of its word embedding; give this figure grids of the "
            "part-of-speech task, with the analysis of embeddings"
        )
    table = selection.run_table(chosen).assign(run=chosen["run"].values.astype(object))
    ends = pd.DataFrame([_centroid_of_run(chosen.isel(run=index)) for index in range(chosen.sizes["run"])])
    parts = [tokens.assign(quantity=TOKEN), table.join(ends).dropna(subset="value").assign(quantity=CENTROID)]
    joined = pd.concat([part for part in parts if len(part)], ignore_index=True)
    names = ["quantity", "run", *RUN_COLUMNS, *clouds.COLUMNS, "value"]
    return joined.reindex(columns=names).assign(shown=title)


def _centroid_of_run(run: xr.Dataset) -> dict[str, float]:
    """Nearest-centroid accuracy of one run at its last analysis step, if that step was kept, else at its last step."""
    accuracy = run["centroid_accuracy"].sel(contrast="seen_unseen").dropna("step")
    if not accuracy.size:
        return {"value": np.nan, "step": np.nan}
    return {"value": round(float(accuracy[-1]), curves.DECIMALS), "step": int(accuracy["step"][-1])}


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    rows, ends = (numbers[numbers["quantity"] == name] for name in (TOKEN, CENTROID))
    is_wide = rows["schedule"].nunique() <= columns.WIDE
    grid = clouds.CloudGrid(rows, num_lines=2 if is_wide else 3)
    figure = Figure(figsize=(style.WIDTH, grid.height + 0.9), layout="constrained")
    values = {key: part["value"] for key, part in ends.groupby(clouds.KEY)}
    notes = {key: _accuracy_text(values.get(key), separator=" " if is_wide else "\n") for key in grid.clouds}
    grid.draw(figure, notes)
    text = f"{grid.text()}{_centroid_text(ends)}"
    figure.legend(handles=clouds.role_handles(), loc="outside lower center", ncols=3, title=text)
    title = numbers["shown"].iloc[0]
    if isinstance(title, str) and title:
        figure.suptitle(title, fontsize=8)
    return figure


def _accuracy_text(values: pd.Series | None, *, separator: str) -> str:
    """Mean and range of the nearest-centroid accuracy."""
    if values is None:
        return f"nearest centroid{separator}not measured"
    text = f"nearest centroid{separator}{values.mean():.2f}"
    return text + (f" ({values.min():.2f} to {values.max():.2f})" if len(values) > 1 else "")


def _centroid_text(accuracies: pd.DataFrame) -> str:
    """Say what the accuracies are."""
    if accuracies.empty:
        return ""
    count = accuracies.groupby(clouds.KEY)["seed"].nunique().max()
    note = f"mean and range of {count} seeds" if count > 1 else "one seed"
    return f"; nearest centroid: balanced accuracy,\ntrained against unseen, chance .5, {note}"
