"""Which runs a figure shows that cannot show all of them, and tables over token roles and analysis steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.figures import curves
from dual_process.store import RUN_COLUMNS

SETTING = ("task", "model", "training")


def run_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the runs as a table, in the order of the runs."""
    return pd.DataFrame({name: dataset[name].values.astype(object) for name in RUN_COLUMNS}).infer_objects()


def first_setting(dataset: xr.Dataset) -> tuple[xr.Dataset, str]:
    """Restrict a probe store to its first task, model and training, by name: its tokens mean one thing only.

    Returns
    -------
    dataset
        Runs of that setting, and the tokens that they have.
    title
        What is shown, if something is left out; else empty.
    """
    runs = run_table(dataset)[list(SETTING)]
    settings = runs.drop_duplicates().sort_values(list(SETTING))
    first = settings.iloc[0]
    chosen = dataset.isel(run=np.flatnonzero((runs == first).all(axis=1)))
    if "token" in chosen.dims:
        chosen = chosen.isel(token=roles(chosen).notna().to_numpy())
    words = ", ".join(f"{name} {first[name]}" for name in SETTING if settings[name].nunique() > 1)
    return chosen, f"{words} (first of {len(settings)} settings)" if words else ""


def roles(dataset: xr.Dataset) -> pd.Series:
    """Role of each token, for runs of one task; missing for a token that they do not have."""
    role = dataset["role"]
    if "run" not in role.dims:
        return pd.Series(role.values.astype(object), index=role["token"].values)
    table = pd.DataFrame(role.transpose("token", "run").values.astype(object), index=role["token"].values)
    first = table.bfill(axis=1).iloc[:, 0].rename(None)
    return first.where(first.map(lambda name: isinstance(name, str)))


def at_analysis_steps(values: xr.DataArray, dataset: xr.Dataset) -> xr.DataArray:
    """Name the analysis steps ``step`` and give them the steps since the last reset, so that curves can be drawn."""
    phase = dataset[curves.PHASE].reindex(step=values["analysis_step"].values)
    named = values.rename(analysis_step="step")
    return named.assign_coords({curves.PHASE: phase})


def mean_by_role(values: xr.DataArray, dataset: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    """Mean over the tokens of each role; the dimension ``token`` becomes ``subject``."""
    role = roles(dataset)
    means = [values.isel(token=(role == name).to_numpy()).mean("token") for name in names]
    return xr.concat(means, dim=xr.Variable("subject", _objects(names)))


def _objects(names: Sequence[Any]) -> np.ndarray:
    return np.array(names, dtype=object)
