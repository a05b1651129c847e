"""Large arrays in a zarr store, written and read piece by piece: what does not fit into memory as a whole.

The store looks to readers like those of :mod:`dual_process.store`, and takes its name, like them, when it is whole.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from dual_process.store import finished, write_store


class ArrayWriter:
    """Arrays of an unfinished store.

    Parameters
    ----------
    path
        The store.
    """

    def __init__(self, path: Path) -> None:
        self._root = zarr.open_group(path, mode="r+", zarr_format=3, use_consolidated=False)
        self._written: dict[str, np.ndarray] = {}

    def create(self, name: str, sizes: Mapping[str, int], *, pieces: int, dtype: str = "float16") -> None:
        """Make room for an array.

        Parameters
        ----------
        name
            Group and variable, such as ``train/states``.
        sizes
            Length of each dimension, by name, in order.
        pieces
            Leading dimensions along which the array is written index by index: each index is one chunk.
        dtype
            Type of the elements. They are not compressed: such stores are read a few times and removed.
        """
        shape = tuple(sizes.values())
        self._root.create_array(
            name,
            shape=shape,
            chunks=(1,) * pieces + tuple(max(1, length) for length in shape[pieces:]),
            dtype=dtype,
            dimension_names=tuple(sizes),
            compressors=None,
        )
        self._written[name] = np.zeros(shape[:pieces], bool)

    def write(self, name: str, index: Sequence[int], values: np.ndarray) -> None:
        """Write one piece, the values at one index of each leading dimension."""
        array = self._root[name]
        assert isinstance(array, zarr.Array), f"{name} is no array"
        assert values.shape == array.shape[len(index) :], f"{name}: {values.shape} in place of {array.shape}"
        array[tuple(index)] = values
        self._written[name][tuple(index)] = True

    def missing(self) -> dict[str, int]:
        """Number of pieces not written yet, by array, where there are any."""
        return {name: int((~done).sum()) for name, done in self._written.items() if not done.all()}


@contextmanager
def writing_arrays(
    path: str | Path, groups: Mapping[str, xr.Dataset], attrs: Mapping[str, Any]
) -> Iterator[ArrayWriter]:
    """Write a store whose arrays come piece by piece; it takes its name when the block has ended well.

    Parameters
    ----------
    path
        Final name of the store, a folder ending in ``.zarr``.
    groups
        Small datasets by group name, such as coordinates; each group of an array has to be among them.
    attrs
        Attributes of the root group.
    """
    with finished(path) as partial:
        write_store(partial, groups, attrs)
        writer = ArrayWriter(partial)
        yield writer
        assert not writer.missing(), f"pieces were left out: {writer.missing()}"


def open_arrays(path: str | Path, group: str = "") -> xr.Dataset:
    """Open a group of a store without reading it: ``.isel(step=0, layer=3).load()`` reads that piece alone.

    Parameters
    ----------
    path, group
        Store and name of the group; the empty name is the root.
    """
    with warnings.catch_warnings():
        # snakemake keeps a time stamp inside every folder it made
        warnings.filterwarnings("ignore", message=".*not recognized as a component of a Zarr hierarchy.*")
        return xr.open_zarr(path, group=group or None, consolidated=False, chunks=None)
