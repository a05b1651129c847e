"""Measurements in a process of their own: peak memory, drawing and storing a data set, the time of a dry run."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from shutil import copy, copytree
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
SCHEDULES = ("vanilla", "active-100", "temporary-100-1000", "temporary-100-2000", "probabilistic-0.1")
DISTRIBUTIONS = ("zipf-1.2", "zipf-1.5")


def apart(function: str, **arguments: Any) -> dict[str, float]:
    """Call a function of this module in a fresh process and return what it measured."""
    code = f"import json; from benchmarks import apart; print(json.dumps(apart.{function}(**{arguments!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{function} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_megabytes() -> float:
    """Largest resident memory of this process so far.

    Not from ``resource.getrusage``, whose value starts with the memory of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def first_step(work: dict[str, Any], threads: int, compiled_code: str) -> dict[str, float]:
    """Seconds of a first step, with what is compiled in it kept in a folder, or taken from there."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = compiled_code

    import torch  # noqa: PLC0415

    from benchmarks.ours import Ours, Work  # noqa: PLC0415

    torch.set_num_threads(threads)
    return {"seconds": Ours(Work(**work | {"steps": 1}), warm=0).train_bare()}


def memory_of_reference(work: dict[str, Any], threads: int) -> dict[str, float]:
    """Peak memory of a few reference steps and one evaluation set, without the lists of training sequences."""
    import torch  # noqa: PLC0415

    from benchmarks.ours import WARM, Ours, Work  # noqa: PLC0415
    from benchmarks.reference import full_labels  # noqa: PLC0415
    from benchmarks.sides import make_reference, reference_batches  # noqa: PLC0415

    torch.set_num_threads(threads)
    ours = Ours(Work(**work))
    reference = make_reference(ours)
    reference.train(reference_batches(ours), warm=WARM)
    inputs, labels, _ = ours.evaluation()
    reference.evaluate(inputs[0], full_labels(labels[0]))
    return {"peak_megabytes": peak_megabytes()}


def memory_of_ours(work: dict[str, Any], threads: int, sequences: int) -> dict[str, float]:
    """Peak memory of our training, with all training sequences in memory, and of one evaluation set after it."""
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from benchmarks.ours import Ours, Work  # noqa: PLC0415
    from dual_process.devices import keep_freed_memory  # noqa: PLC0415

    torch.set_num_threads(threads)
    ours = Ours(Work(**work))
    keep_freed_memory()
    held = [np.ones(sequences, dtype) for dtype in (np.uint8, np.uint16, np.uint16)]  # what a whole run reads
    ours.train()
    ours.evaluate(ours.sequences())
    return {"peak_megabytes": peak_megabytes(), "held_megabytes": sum(array.nbytes for array in held) / 1e6}


def draw_and_store(plan: str) -> dict[str, float]:
    """Draw a whole data set and write its store: seconds, megabytes on disk, peak memory."""
    from dual_process.runs import DatasetPlan  # noqa: PLC0415
    from dual_process.store import write_store  # noqa: PLC0415
    from dual_process.tasks.dataset import make_dataset  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        begun = time.perf_counter()
        write_store(Path(folder, "data.zarr"), make_dataset(DatasetPlan.model_validate_json(plan)), {})
        seconds = time.perf_counter() - begun
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {"seconds": seconds, "megabytes": size / 1e6, "peak_megabytes": peak_megabytes()}


def dry_run(num_runs: int) -> float:
    """Seconds of ``snakemake --dry-run`` for about so many runs, of which nothing has been made yet."""
    cells = len(SCHEDULES) * len(DISTRIBUTIONS)
    grid = {
        "distributions": list(DISTRIBUTIONS),
        "schedules": list(SCHEDULES),
        "protocols": ["corrected"],
        "seeds": list(range(num_runs // cells)),
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        copy(ROOT / "Snakefile", folder)
        for part in ("config", "workflow"):
            copytree(ROOT / part, folder / part)
        overlay = {"scale": "bench", "grids": dict.fromkeys(("main", "horizons", "protocols"), grid)}
        (folder / "bench.json").write_text(json.dumps(overlay))
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "all", "--configfile", "bench.json"]
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"the dry run failed:\n{done.stdout}{done.stderr}")
    return seconds
