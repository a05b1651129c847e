"""Measure our pipeline on one GPU: ``python -m benchmarks.gpu``, and with ``--grid`` train the grid of the main text.

Prints one markdown section and appends it to ``benchmarks/RESULTS.md``. What has been measured is kept in a folder, so
that the same command goes on where it was stopped. Without a GPU it says so, exits with 1 and appends nothing.
"""

import argparse
import gc
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from benchmarks.clock import seconds
from benchmarks.floor import Floor, Peaks, count_bytes, count_operations, measure_peaks
from benchmarks.gpu_grid import Grid, train_grid
from benchmarks.ours import ALPHA, Ours, Work
from benchmarks.report import PACKAGES, duration, hardware, load, number, table
from dual_process.devices import prepare_device
from dual_process.probing.scores import Sequences
from dual_process.training.saving import TRY_AGAIN

RESULTS = Path(__file__).parent / "RESULTS.md"
STEPS = 62_500
"""Of the paper's run."""
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Scope:
    """How much is measured.

    Parameters
    ----------
    work
        Sizes; `steps` are those of one timed block.
    cohorts
        Runs trained together.
    warm
        Steps before the clock starts: libraries are loaded and memory is taken in the first ones.
    rounds
        Blocks with Lightning, and as many without, by turns.
    matrix
        Side of the matrices that measure the device's peaks.
    """

    work: Work
    cohorts: tuple[int, ...]
    warm: int = 20
    rounds: int = 3
    matrix: int = 8_192


def smoke() -> Scope:
    """Everything at sizes at which the numbers mean nothing."""
    return Scope(Work(vocabulary=40, layers=1, steps=3, evaluation_sequences=60), (1, 3), 2, 2, 64)


def once(path: Path, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Measure, or read what was measured before the command was stopped."""
    if not path.exists():
        found = measure()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
    kept: dict[str, float] = json.loads(path.read_text())
    return kept


def measure_cohort(work: Work, device: torch.device, precision: str, *, warm: int, rounds: int) -> dict[str, float]:
    """Measure one size of cohort in one precision.

    Returns
    -------
    dict
        Seconds of a `step` with Lightning and of an `evaluation` set, Lightning's `share` of the step, `peak` bytes of
        GPU memory in training, `operations` and `bytes` that a step needs.
    """
    ours = Ours(work, warm)
    with_lightning, bare, peak = [], [], 0
    for _ in range(rounds):
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        with_lightning.append(ours.train(precision))
        if device.type == "cuda":
            peak = max(peak, torch.cuda.max_memory_allocated(device))
        bare.append(ours.train_bare(precision))
    ours.model.to(device)
    sets = [each.to(device) for each in ours.evaluation()]
    ours.evaluate(Sequences.of(*(each[:, : each.shape[1] // 10] for each in sets)))
    sequences = Sequences.of(*sets)
    num_tokens, parameters = ours.model.config.num_tokens, sum(each.numel() for each in ours.model.parameters())
    return {
        "step": statistics.median(with_lightning),
        "share": statistics.median(1 - without / step for step, without in zip(with_lightning, bare, strict=True)),
        "peak": float(peak),
        "evaluation": seconds(lambda: ours.evaluate(sequences), device),
        "operations": count_operations(work, num_tokens),
        "bytes": count_bytes(work, num_tokens, parameters),
    }


def step_rows(scope: Scope, device: torch.device, folder: Path, peaks: Peaks) -> list[list[str]]:
    """Measure cohorts of every size in every precision; one row each."""
    rows = []
    for precision in PRECISIONS:
        for runs in scope.cohorts:
            work = replace(scope.work, runs=runs)
            measure = partial(measure_cohort, work, device, precision, warm=scope.warm, rounds=scope.rounds)
            found = once(folder / f"{precision}-{runs}.json", measure)
            floor = Floor(found["operations"], found["bytes"], peaks.operations[precision], peaks.bytes).seconds
            rows.append(
                [
                    *(f"{runs}", precision, duration(found["step"]), number(1 / found["step"])),
                    *(number(runs / found["step"]), f"{100 * found['share']:.1f} %"),
                    *(f"{duration(floor)}, {found['step'] / floor:.1f} times", f"{found['peak'] / 1e9:.1f} GB"),
                    *(duration(found["evaluation"]), duration(STEPS * found["step"])),
                ]
            )
            print(" | ".join(rows[-1]), flush=True)
    return rows


def measure_steps(scope: Scope, device: torch.device, folder: Path, before: str) -> str:
    """Measure everything but the grid; return the markdown."""
    peaks = measure_peaks(scope.matrix, PRECISIONS, device)
    rows = step_rows(scope, device, folder, peaks)
    header = [
        "runs",
        "products in",
        "step",
        "steps/s",
        "steps/s of all runs",
        "Lightning's share",
        "floor, and above it",
    ]
    header += ["peak GPU memory", "evaluation set, all runs", f"{STEPS:,} steps, projected"]
    speeds = ", ".join(f"{name} {rate / 1e12:.3g} TFLOP/s" for name, rate in peaks.operations.items())
    work = scope.work
    notes = (
        f"Means over {work.steps} steps, medians of {scope.rounds} blocks; batches of {work.batch_size}, of which each "
        f"run has its own data; one evaluation set of {work.evaluation_sequences:,} sequences a run, all metrics, in "
        f"float32. Lightning's share is that of the step with it, against a bare loop. The floor is that of the "
        f"operations or of the bytes of parameters, moments and logits in float32, whichever is longer, at the peaks "
        f"measured here: {speeds} (square product of {scope.matrix:,}), {peaks.bytes / 1e12:.3g} TB/s (copy). The "
        f"projection leaves out checkpoints, resets and probing."
    )
    sizes = f"v = {work.vocabulary:,}, {work.layers} layers, Zipf({ALPHA})"
    return "\n\n".join([heading(device, sizes, before), table(header, rows), notes]) + "\n"


def heading(device: torch.device, what: str, load_before: str) -> str:
    """Say when, where and with what was measured."""
    return "\n".join(
        [
            f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {describe(device)[0]}, {what}",
            "",
            f"- Hardware: {'; '.join((*describe(device), hardware()))}",
            f"- Load average over 1 / 5 / 15 minutes: {load_before} at the start, {load()} at the end",
            f"- Python {platform.python_version()}, {', '.join(map(installed, PACKAGES))}",
        ]
    )


def describe(device: torch.device) -> list[str]:
    """Name of the device, and for a GPU its memory, driver and CUDA."""
    if device.type != "cuda":
        return ["no GPU"]
    properties = torch.cuda.get_device_properties(device)
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        driver = "unknown"
    return [
        properties.name,
        f"{properties.total_memory / 1e9:.0f} GB of GPU memory",
        f"driver {driver}",
        f"CUDA {torch.version.cuda}",
    ]


def installed(package: str) -> str:
    """Name and version of a package."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def end_after(minutes: float) -> None:
    """Have this process asked to end, as by a scheduler: it saves its state and asks for another start."""

    def leave(*_: object) -> None:
        print("stopped; the same command goes on from here", file=sys.stderr)
        raise SystemExit(TRY_AGAIN)

    signal.signal(signal.SIGTERM, leave)
    timer = threading.Timer(60 * minutes, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--vocabulary", type=int, default=10_000, help="part-of-speech tokens")
    parser.add_argument("--layers", type=int, default=6, help="transformer layers")
    parser.add_argument("--cohorts", type=int, nargs="+", default=[1, 8, 24, 72], help="runs trained together")
    parser.add_argument("--grid", action="store_true", help="train, probe and draw the grid of the main text instead")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="of the grid's products in training")
    parser.add_argument("--checkpoints-every", type=int, help="of the grid; by default as config/paper.yaml says")
    parser.add_argument("--keep-checkpoints", action="store_true", help="do not remove the grid's after probing")
    parser.add_argument("--folder", type=Path, default=Path("results/gpu"), help="for what has to outlast a stop")
    parser.add_argument("--minutes", type=float, default=0, help="end after so long with code 75, to be started again")
    parser.add_argument("--threads", type=int, default=4, help="CPU threads")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, on any device, nothing appended")
    return parser.parse_args()


def main() -> None:
    """Run from the command line."""
    arguments, device, before = parse(), prepare_device(), load()
    if device.type != "cuda" and not arguments.smoke:
        sys.exit("benchmarks.gpu: PyTorch sees no GPU on this machine, so there is nothing to measure.")
    if arguments.minutes:
        end_after(arguments.minutes)
    torch.set_num_threads(arguments.threads)
    if arguments.grid:
        grid = Grid(
            arguments.folder / f"grid-{arguments.precision}",
            precision=arguments.precision,
            checkpoints_every=arguments.checkpoints_every,
            keep_checkpoints=arguments.keep_checkpoints,
            threads=arguments.threads,
            tiny=arguments.smoke,
        )
        report = train_grid(grid, device)
        text = "\n\n".join([heading(device, "the grid of the main text", before), report]) + "\n"
    else:
        scope = (
            smoke()
            if arguments.smoke
            else Scope(
                Work(vocabulary=arguments.vocabulary, layers=arguments.layers, steps=100), tuple(arguments.cohorts)
            )
        )
        kept = arguments.folder / f"steps-{arguments.vocabulary}-{arguments.layers}"
        text = measure_steps(scope, device, kept, before)
        for path in kept.glob("*.json"):  # the next one is measured anew
            path.unlink()
    print(text)
    if not arguments.smoke:
        with RESULTS.open("a") as file:
            file.write("\n" + text)


if __name__ == "__main__":
    main()
