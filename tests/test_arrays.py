"""Arrays written piece by piece are those that xarray and zarr read, and an unfinished store never has its name."""

import json

import numpy as np
import pytest
import xarray as xr
import zarr

from dual_process.arrays import open_arrays, writing_arrays
from dual_process.store import list_groups, open_store

SIZES = {"step": 2, "layer": 3, "word": 5, "component": 4}
VALUES = np.random.default_rng(0).standard_normal(tuple(SIZES.values())).astype(np.float16)


def write(path, steps=range(2)):
    groups = {"train": xr.Dataset(coords={"step": [10, 20], "slot": ["noun", "adjective"]}), "dev": xr.Dataset()}
    with writing_arrays(path, groups, {"heads": 4}) as arrays:
        arrays.create("train/states", SIZES, pieces=2)
        for step in steps:
            for layer in range(3):
                arrays.write("train/states", (step, layer), VALUES[step, layer])


def test_a_store_reads_back_whole_lazily_and_by_zarr_itself(tmp_path):
    path = tmp_path / "features.zarr"
    write(path)
    whole = open_store(path, "train")
    np.testing.assert_array_equal(whole["states"], VALUES)
    assert whole["states"].dims == tuple(SIZES)
    assert whole["states"].dtype == np.float16
    assert whole["step"].values.tolist() == [10, 20]
    assert whole["slot"].values.tolist() == ["noun", "adjective"]
    np.testing.assert_array_equal(open_arrays(path, "train")["states"].isel(step=1, layer=2), VALUES[1, 2])
    np.testing.assert_array_equal(zarr.open_array(path / "train" / "states", mode="r")[:], VALUES)
    assert open_arrays(path).attrs == {"heads": 4}
    assert list_groups(path) == ["dev", "train"]


def test_each_piece_is_a_file_of_its_own_and_reading_one_reads_only_that(tmp_path):
    path = tmp_path / "features.zarr"
    write(path)
    chunks = sorted(
        str(p.relative_to(path / "train/states/c")) for p in path.glob("train/states/c/**/*") if p.is_file()
    )
    assert chunks == [f"{step}/{layer}/0/0" for step in range(2) for layer in range(3)]
    assert (path / "train/states/c/0/0/0/0").stat().st_size == 5 * 4 * 2
    (path / "train/states/c/0/0/0/0").write_bytes(b"broken")
    np.testing.assert_array_equal(open_arrays(path, "train")["states"].isel(step=1, layer=0), VALUES[1, 0])


def test_the_metadata_is_zarr_v3_with_names_of_dimensions_and_not_consolidated(tmp_path):
    write(tmp_path / "features.zarr")
    metadata = json.loads((tmp_path / "features.zarr/train/states/zarr.json").read_text())
    assert metadata["zarr_format"] == 3
    assert metadata["dimension_names"] == list(SIZES)
    assert "consolidated_metadata" not in json.loads((tmp_path / "features.zarr/zarr.json").read_text())


def test_an_error_or_a_piece_left_out_leaves_nothing(tmp_path):
    path = tmp_path / "features.zarr"
    with pytest.raises(AssertionError, match="'train/states': 3"):
        write(path, steps=[1])
    with pytest.raises(AssertionError, match="in place of"), writing_arrays(path, {"a": xr.Dataset()}, {}) as arrays:
        arrays.create("a/states", SIZES, pieces=2)
        arrays.write("a/states", (0, 0), VALUES[0])
    assert list(tmp_path.iterdir()) == []


def test_an_array_without_words_can_be_written(tmp_path):
    with writing_arrays(tmp_path / "a.zarr", {"a": xr.Dataset()}, {}) as arrays:
        arrays.create("a/states", {"layer": 2, "word": 0}, pieces=1)
        for layer in range(2):
            arrays.write("a/states", (layer,), np.zeros(0))
    assert open_arrays(tmp_path / "a.zarr", "a")["states"].shape == (2, 0)
