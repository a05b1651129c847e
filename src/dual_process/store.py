"""Zarr stores in and out, and the atomic finish of every file: the only module that touches stores.

What carries its final name is whole: everything is written beside it first and renamed when finished.
"""

import json
import shutil
import subprocess
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from os import getpid, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from zarr.abc.buffer import Buffer
from zarr.storage import MemoryStore

RUN_COLUMNS = (
    "task",
    "model",
    "layers",
    "training",
    "distribution",
    "law",
    "alpha",
    "vocabulary",
    "ambiguity",
    "schedule",
    "kind",
    "period",
    "forget_until",
    "probability",
    "protocol",
    "seed",
)
"""Coordinates along `run` that every probe store has, in the order of every table of numbers."""


@contextmanager
def finished(path: str | Path) -> Iterator[Path]:
    """Give a scratch path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    Works for files and folders. What was there before stays untouched until the new content is whole.

    Examples
    --------
    >>> with finished("table.csv") as partial:  # doctest: +SKIP
    ...     frame.to_csv(partial)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{getpid()}-{path.name}")
    _remove(partial)
    try:
        yield partial
        move(partial, path)
    finally:
        _remove(partial)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder onto `target`, replacing what is there."""
    if target.is_dir():  # a folder cannot be replaced in one call: step aside, and come back if that fails
        old = target.with_name(f".old-{getpid()}-{target.name}")
        _remove(old)
        replace(target, old)
        try:
            replace(source, target)
        except OSError:
            replace(old, target)
            raise
        shutil.rmtree(old)
    else:
        replace(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_store(path: str | Path, groups: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]) -> None:
    """Write datasets as the groups of one zarr v3 store, atomically.

    Parameters
    ----------
    path
        Final name of the store, a folder ending in ``.zarr``.
    groups
        Datasets by group name; the empty name is the root.
    attrs
        Attributes of the root group; numbers, strings, or nested mappings of them.
    """
    # Zarr writes from several threads, some of which go on after an error, such as a full disk, in another one. So it
    # writes to memory, and the files are written here, one after the other.
    files: dict[str, Buffer] = {}
    memory = MemoryStore(files)
    root = groups.get("", xr.Dataset()).assign_attrs(dict(attrs))
    with warnings.catch_warnings():
        # variable-length strings are not in the zarr v3 core specification yet; xarray and zarr both read them
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        _plain(root).to_zarr(memory, mode="w-", zarr_format=3, consolidated=False)
        for name, dataset in groups.items():
            if name:
                _plain(dataset).to_zarr(memory, group=name, mode="a", zarr_format=3, consolidated=False)
    with finished(path) as partial:
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content.to_bytes())


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Make strings Python objects: fixed-width ones have no stable form in zarr v3, NumPy's own few operations."""
    fixed = {
        name: variable.astype(object) for name, variable in dataset.variables.items() if variable.dtype.kind in "UT"
    }
    return dataset.assign_coords({name: v for name, v in fixed.items() if name in dataset.coords}).assign(
        {name: v for name, v in fixed.items() if name not in dataset.coords}
    )


def open_store(path: str | Path, group: str = "", *, variables: Iterable[str] | None = None) -> xr.Dataset:
    """Read one group of a store into memory.

    Parameters
    ----------
    path, group
        Store and name of the group; the empty name is the root.
    variables
        Names of the wanted data variables, see `select_variables`; None reads all.
    """
    with warnings.catch_warnings():
        # snakemake keeps a time stamp inside every folder it made
        warnings.filterwarnings("ignore", message=".*not recognized as a component of a Zarr hierarchy.*")
        dataset = xr.open_zarr(path, group=group or None, consolidated=False, chunks=None)
        return _plain(select_variables(dataset, variables).load())


def select_variables(dataset: xr.Dataset, variables: Iterable[str] | None) -> xr.Dataset:
    """Keep some data variables, the coordinates of their dimensions, and all coordinates along ``run``.

    Parameters
    ----------
    dataset
        A probe store.
    variables
        Names of the wanted data variables; one that the store lacks is left out. None keeps all.
    """
    if variables is None:
        return dataset
    wanted = set(variables)
    kept = dataset.drop_vars([name for name in dataset.data_vars if name not in wanted])
    dims = {"run", *(dim for name in kept.data_vars for dim in kept[name].dims)}
    return kept.drop_vars([name for name in kept.coords if not dims.issuperset(kept[name].dims)])


def list_groups(path: str | Path, parent: str = "") -> list[str]:
    """Names of the groups directly under `parent`, sorted."""
    children = Path(path, parent).glob("*/zarr.json")
    return sorted(child.parent.name for child in children if json.loads(child.read_text())["node_type"] == "group")


def open_runs(paths: Iterable[str | Path], runs: Iterable[str], variables: Iterable[str] | None = None) -> xr.Dataset:
    """Read the named runs of several probe stores as one dataset.

    Parameters
    ----------
    paths
        Probe stores, one per cohort.
    runs, variables
        As in `join_runs`.
    """
    wanted = None if variables is None else list(variables)
    return join_runs([open_store(path, variables=wanted) for path in paths], runs)


def join_runs(stores: Iterable[xr.Dataset], runs: Iterable[str], variables: Iterable[str] | None = None) -> xr.Dataset:
    """Join the named runs of several opened probe stores.

    Parameters
    ----------
    stores
        What `open_store` returned. A run may be in several: measured by other analyses, or at other checkpoints.
    runs
        Names of the wanted runs; their order is kept.
    variables
        Names of the wanted data variables; None takes all. Runs whose vocabularies differ can be joined as long as
        no variable over ``token`` is asked for.

    Returns
    -------
    xarray.Dataset
        Joined along `run`; what a run has not, such as a step, an evaluation or a variable, is NaN there.
    """
    wanted = list(runs)
    variables = None if variables is None else list(variables)
    parts = []
    for store in stores:
        keep = np.isin(store["run"].values.astype(object), wanted)
        if keep.any():
            parts.append(select_variables(store, variables).isel(run=keep))
    joined = xr.concat(
        _same_coordinates(_one_part_per_run(parts)),
        dim="run",
        join="outer",
        data_vars="minimal",
        coords="different",
        compat="equals",
        combine_attrs="drop_conflicts",
    )
    return joined.sel(run=wanted)


def _one_part_per_run(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """Leave out parts without wanted variables whose runs others have measured; join the checkpoints of one run."""
    measured = {run for part in parts if part.data_vars for run in part["run"].values.tolist()}
    groups: dict[tuple[str, ...], list[xr.Dataset]] = {}
    for part in parts:
        members = tuple(part["run"].values.tolist())
        if part.data_vars or not measured.issuperset(members):
            groups.setdefault(members, []).append(part)
    return [_join_steps(group) for group in groups.values()]


def _join_steps(parts: list[xr.Dataset]) -> xr.Dataset:
    """Join the parts of the same runs along `step`; what has no steps is the same in all of them."""
    if len(parts) == 1 or "step" not in parts[0].dims:
        return parts[0]
    joined = xr.concat(
        parts, dim="step", data_vars="minimal", coords="minimal", compat="override", combine_attrs="drop_conflicts"
    )
    return joined.sortby("step")


def _same_coordinates(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """Give every part all coordinates, NaN where it had none: tasks label their runs and tokens differently."""
    models = {name: part[name] for part in parts for name in part.coords if name not in part.dims}
    return [_with_blanks(part, {name: m for name, m in models.items() if name not in part.coords}) for part in parts]


def _with_blanks(part: xr.Dataset, absent: Mapping[Any, xr.DataArray]) -> xr.Dataset:
    """Add coordinates full of NaN, of the same dimensions as those of other parts."""
    dims = {dim: model[dim] for model in absent.values() for dim in model.dims if dim not in part.dims}
    sizes = dict(part.sizes) | {dim: index.size for dim, index in dims.items()}
    blanks = {
        name: (model.dims, np.full([sizes[dim] for dim in model.dims], np.nan, _nullable(model.dtype)))
        for name, model in absent.items()
    }
    return part.assign_coords(dims).assign_coords(blanks)


def _nullable(dtype: np.dtype[Any]) -> Any:
    return dtype if dtype.kind in "fO" else float


def provenance(plan: str) -> dict[str, Any]:
    """Attributes of every store: the plan that made it, package version and git commit.

    Parameters
    ----------
    plan
        The job's plan as JSON text.
    """
    return {
        "plan": json.loads(plan),
        "dual_process_version": version("dual-process"),
        "git_commit": _git_commit() or "unknown",
    }


def _git_commit() -> str | None:
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
