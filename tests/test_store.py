"""Stores in and out; what carries its final name is whole, whatever happens while it is written."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from dual_process.store import (
    finished,
    join_runs,
    list_groups,
    move,
    open_runs,
    open_store,
    provenance,
    write_store,
)


def put(path: Path, text: str, *, folder: bool) -> None:
    """Write a file, or a folder of two files."""
    if folder:
        path.mkdir()
        (path / "one").write_text(text)
        (path / "two").write_text(text)
    else:
        path.write_text(text)


def content(path: Path) -> list[str]:
    return [file.read_text() for file in sorted(path.iterdir())] if path.is_dir() else [path.read_text()]


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("exists", [False, True], ids=["new", "replaced"])
def test_finished_gives_the_content_its_name_at_the_end_only(tmp_path, folder, exists):
    path = tmp_path / "deep" / "result"
    path.parent.mkdir()
    if exists:
        put(path, "old", folder=folder)
    with finished(path) as partial:
        assert partial.parent == path.parent
        put(partial, "new", folder=folder)
        assert path.exists() == exists
        assert not exists or set(content(path)) == {"old"}
    assert set(content(path)) == {"new"}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("exists", [False, True], ids=["new", "replaced"])
def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path, folder, exists, error):
    path = tmp_path / "result"
    if exists:
        put(path, "old", folder=folder)
    with pytest.raises(error), finished(path) as partial:
        put(partial, "new", folder=folder)
        raise error
    assert list(tmp_path.iterdir()) == ([path] if exists else [])
    assert not exists or set(content(path)) == {"old"}


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_folder(tmp_path):
    path = tmp_path / "result"
    put(path, "old", folder=True)
    with pytest.raises(FileNotFoundError), finished(path):
        pass
    assert set(content(path)) == {"old"}
    assert list(tmp_path.iterdir()) == [path]


def test_move_replaces_a_folder_as_a_whole(tmp_path):
    put(tmp_path / "new", "new", folder=True)
    put(tmp_path / "result", "old", folder=True)
    (tmp_path / "result" / "three").write_text("old")
    move(tmp_path / "new", tmp_path / "result")
    assert content(tmp_path / "result") == ["new", "new"]
    assert list(tmp_path.iterdir()) == [tmp_path / "result"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
import xarray as xr
from dual_process.store import finished, write_store

folder, kind = Path(sys.argv[1]), sys.argv[2]
dataset = xr.Dataset({"x": ("i", np.random.default_rng(0).random(200_000))})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    if kind == "store":
        write_store(folder / "result", {"": dataset}, {})
    else:
        with finished(folder / "result") as partial:
            partial.write_bytes(dataset["x"].values.tobytes())
except OSError as error:
    print(f"errno {error.errno}")
"""


@pytest.mark.parametrize(("kind", "exists"), [("file", True), ("store", True), ("store", False)])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(tmp_path, kind, exists):
    """The kernel refuses to write past RLIMIT_FSIZE, as it refuses on a full disk."""
    path = tmp_path / "result"
    if exists:
        put(path, "old", folder=kind == "store")
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"errno \d+", done.stdout.strip()), done.stderr
    assert list(tmp_path.iterdir()) == ([path] if exists else [])
    assert not exists or set(content(path)) == {"old"}


def test_groups_come_back_as_they_went_in(tmp_path):
    root = xr.Dataset({"a": ("x", np.arange(3, dtype=np.uint16), {"units": "1"})}, {"x": [10, 20, 30]})
    inner = xr.Dataset({"b": (("y", "z"), np.random.default_rng(0).random((2, 3), dtype=np.float32))}, {"y": [0, 5]})
    attrs = {"plan": {"name": "n", "numbers": [1, 2.5], "nothing": None}, "git_commit": "unknown"}
    write_store(tmp_path / "s.zarr", {"": root, "group": inner, "deep/one": inner, "deep/two": root}, attrs)
    found = open_store(tmp_path / "s.zarr")
    xr.testing.assert_identical(found.drop_attrs(deep=False), root)
    assert found.attrs == attrs
    assert found["a"].dtype == np.uint16
    xr.testing.assert_identical(open_store(tmp_path / "s.zarr", "group"), inner)
    xr.testing.assert_identical(open_store(tmp_path / "s.zarr", "deep/two"), root)
    assert list_groups(tmp_path / "s.zarr") == ["deep", "group"]
    assert list_groups(tmp_path / "s.zarr", "deep") == ["one", "two"]
    assert list_groups(tmp_path / "s.zarr", "group") == []


@pytest.mark.parametrize("dtype", [object, "U", np.dtypes.StringDType()], ids=["object", "fixed", "variable"])
def test_strings_come_back_with_any_length_and_without_a_warning(tmp_path, dtype, recwarn):
    names = np.array(["a", "active~250", "Zipf, 1.5"], dtype=dtype)
    dataset = xr.Dataset({"text": ("run", names)}, {"run": names, "role": ("run", names)})
    write_store(tmp_path / "s.zarr", {"": dataset}, {})
    found = open_store(tmp_path / "s.zarr")
    for name in ("text", "run", "role"):
        assert found[name].values.tolist() == names.tolist()
        stored = json.loads((tmp_path / "s.zarr" / name / "zarr.json").read_text())
        assert "fixed" not in str(stored["data_type"])
    assert found["text"].sel(run="active~250").item() == "active~250"
    assert not recwarn.list


def test_a_time_stamp_of_snakemake_inside_a_store_is_no_matter(tmp_path, recwarn):
    write_store(tmp_path / "s.zarr", {"g/a": xr.Dataset({"x": ("i", [1])})}, {})
    (tmp_path / "s.zarr" / ".snakemake_timestamp").touch()
    open_store(tmp_path / "s.zarr")
    assert list_groups(tmp_path / "s.zarr", "g") == ["a"]
    assert not recwarn.list


def probes(path: Path, runs: list[str], steps: list[int], evaluations: list[str]) -> Path:
    """Write a probe store in which score = 1000 x number in the name of the run + step."""
    numbers = np.array([float(run[1:]) for run in runs])
    score = np.broadcast_to((1000 * numbers[:, None] + steps)[..., None], (len(runs), len(steps), len(evaluations)))
    coords = {
        "run": np.array(runs, dtype=object),
        "step": steps,
        "evaluation": np.array(evaluations, dtype=object),
        "token": [0, 1],
        "role": ("token", np.array(["noun", "adjective"], dtype=object)),
        "seed": ("run", numbers.astype(int)),
    }
    data = {"score": (("run", "step", "evaluation"), score.astype(np.float32), {"units": "1"})}
    write_store(path, {"": xr.Dataset(data, coords)}, {"plan": {"name": path.name}, "git_commit": "unknown"})
    return path


@pytest.fixture
def three_stores(tmp_path):
    return [
        probes(tmp_path / "a.zarr", ["r1", "r2"], [1, 10, 20], ["val", "tail"]),
        probes(tmp_path / "b.zarr", ["r3"], [5, 20, 15], ["val"]),
        probes(tmp_path / "c.zarr", ["r4"], [7777], ["val"]),
    ]


def test_open_runs_selects_and_orders(three_stores):
    found = open_runs(three_stores, ["r3", "r1"])
    assert found["run"].values.tolist() == ["r3", "r1"]
    assert found["seed"].values.tolist() == [3, 1]
    assert 7777 not in found["step"].values


def test_open_runs_joins_steps_and_evaluations_with_nan(three_stores):
    found = open_runs(three_stores, ["r3", "r1"])
    assert found["step"].values.tolist() == [1, 5, 10, 15, 20]
    score = found["score"].transpose("run", "step", "evaluation")
    assert score.sel(run="r3", evaluation="tail").isnull().all()
    np.testing.assert_array_equal(score.sel(run="r3", evaluation="val"), [np.nan, 3005, np.nan, 3015, 3020])
    np.testing.assert_array_equal(score.sel(run="r1", evaluation="tail"), [1001, np.nan, 1010, np.nan, 1020])


def test_open_runs_keeps_what_has_no_run_axis(three_stores):
    found = open_runs(three_stores, ["r3", "r1"])
    assert found["role"].dims == ("token",)
    assert found["role"].values.tolist() == ["noun", "adjective"]
    assert found["score"].attrs == {"units": "1"}
    assert found["score"].dtype == np.float32
    assert found.attrs == {"git_commit": "unknown"}


def test_open_runs_reads_one_store_alone(three_stores):
    assert open_runs(three_stores, ["r2"])["score"].shape == (1, 3, 2)


def test_open_runs_does_not_pass_over_a_missing_run(three_stores):
    with pytest.raises(KeyError, match="not all values found"):
        open_runs(three_stores, ["r1", "r9"])


@pytest.fixture
def two_vocabularies(tmp_path):
    """Stores of tasks whose tokens, and labels of runs and evaluations, differ."""

    def save(name, run, roles, along_run):
        data = {
            "score": (("run", "evaluation"), [[0.5]]),
            "norm": (("run", "token"), np.ones((1, len(roles)))),
            **({"drift": ("run", [2.0])} if along_run else {}),
        }
        coords = {
            "run": np.array([run], dtype=object),
            "evaluation": np.array(["val"], dtype=object),
            "token": np.arange(len(roles)),
            "role": ("token", np.array(roles, dtype=object)),
            **along_run,
        }
        write_store(tmp_path / name, {"": xr.Dataset(data, coords)}, {})
        return tmp_path / name

    labels = {"ambiguous_mass": ("run", [0.25]), "num_sequences": ("evaluation", [60])}
    return [save("a.zarr", "r1", ["noun", "unseen"], labels), save("b.zarr", "r2", ["noun", "item", "unseen"], {})]


def test_open_store_reads_the_wanted_variables_with_their_coordinates_alone(two_vocabularies):
    found = open_store(two_vocabularies[0], variables=["score", "unheard-of"])
    assert set(found.data_vars) == {"score"}
    assert set(found.coords) == {"run", "evaluation", "ambiguous_mass", "num_sequences"}
    assert set(open_store(two_vocabularies[0], variables=[]).variables) == {"run", "ambiguous_mass"}
    assert set(open_store(two_vocabularies[0]).data_vars) == {"score", "norm", "drift"}


def test_runs_of_different_vocabularies_join_where_no_token_is_asked_for(two_vocabularies):
    found = open_runs(two_vocabularies, ["r2", "r1"], ["score"])
    assert "token" not in found.dims
    assert found["score"].sizes == {"run": 2, "evaluation": 1}
    np.testing.assert_array_equal(found["ambiguous_mass"], [np.nan, 0.25])


def test_a_variable_or_label_that_one_store_lacks_is_nan_there(two_vocabularies):
    found = open_runs(two_vocabularies, ["r1", "r2"])
    np.testing.assert_array_equal(found["drift"], [2, np.nan])
    np.testing.assert_array_equal(found["num_sequences"].sel(evaluation="val"), [60, np.nan])
    assert found["role"].sel(run="r2").values.tolist() == ["noun", "item", "unseen"]
    np.testing.assert_array_equal(found["norm"].sel(run="r1"), [1, 1, np.nan])


def test_a_store_without_a_dimension_joins_those_that_label_it_differently(two_vocabularies):
    whole = [open_store(path) for path in two_vocabularies]
    bare = whole[0].drop_dims("token").assign_coords(run=np.array(["r0"], dtype=object))
    found = join_runs([*whole, bare], ["r0", "r2"], ["score", "norm"])
    assert found["norm"].sel(run="r0").isnull().all()
    np.testing.assert_array_equal(found["score"], [[0.5], [0.5]])


def test_opened_stores_serve_several_readers(three_stores):
    stores = [open_store(path) for path in three_stores]
    for runs in (["r3", "r1"], ["r4"]):
        xr.testing.assert_identical(join_runs(stores, runs), open_runs(three_stores, runs))
    assert stores[0].sizes["run"] == 2


def test_provenance_holds_plan_version_and_commit():
    found = provenance('{"name": "x", "steps": 3}')
    assert found["plan"] == {"name": "x", "steps": 3}
    assert found["dual_process_version"] == version("dual-process")
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", found["git_commit"])
    assert found.keys() == {"plan", "dual_process_version", "git_commit"}


def measurements(name, steps):
    """Store of one run and one variable, in which the run is the same whatever is measured."""
    data = {name: (("run", "step"), [np.array(steps, float)]), "majority": (("run",), [0.5])}
    return xr.Dataset(data, {"run": np.array(["a"], object), "seed": ("run", [0]), "step": steps})


def test_a_run_in_the_stores_of_several_analyses_is_joined_from_the_one_that_is_wanted():
    stores = [measurements("first", [0, 10]).drop_vars("majority"), measurements("second", [0, 20])]
    joined = join_runs(stores, ["a"], ["second"])
    assert joined["run"].values.tolist() == ["a"]
    assert joined["step"].values.tolist() == [0, 20]
    assert "third" not in join_runs(stores, ["a"], ["third"])


def test_checkpoints_of_a_run_in_stores_of_their_own_are_joined_along_the_steps():
    stores = [measurements("first", [step]) for step in (100, 0, 20)]
    joined = join_runs(stores, ["a"], ["first", "majority"])
    assert joined["first"].values.tolist() == [[0, 20, 100]]
    assert joined["majority"].dims == ("run",)
