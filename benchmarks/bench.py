"""Measure the published pipeline and ours side by side: ``python -m benchmarks.bench``.

Prints one markdown section and appends it to ``benchmarks/RESULTS.md``. Nothing is extrapolated but the whole run,
which is projected from the pairs and says so, and times per sequence.
"""

import argparse
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.apart import apart, dry_run
from benchmarks.floor import (
    Floor,
    count_bytes,
    count_operations,
    forward_products,
    measure_kernels,
    measure_peaks,
    seconds_of_products,
)
from benchmarks.ours import ALPHA, Ours, Work, paper_settings
from benchmarks.pairs import BLOCKS, EVALUATIONS, SEQUENCES, STEPS, Measured, Pair, measure_pairs, medians
from benchmarks.report import comparison, duration, heading, load, table
from dual_process.devices import CPU, keep_freed_memory
from dual_process.models.losses import rows_at_once
from dual_process.probing.scores import sequences_at_once
from dual_process.tasks.part_of_speech import TARGET_POSITIONS
from dual_process.trainer import PRECISIONS

RESULTS = Path(__file__).parent / "RESULTS.md"
SMALL = Work(vocabulary=1_000, layers=2, evaluation_sequences=20)
"""Size at which cohorts are compared."""


@dataclass(frozen=True)
class Scope:
    """How much is measured.

    Parameters
    ----------
    work
        Sizes of the side-by-side comparison.
    drawn, chunks
        Sequences that the reference draws for one pair, and chunks that we do.
    sequences
        Training sequences of the store and of the memory measurement.
    vocabularies, cohorts, dry_runs
        Sizes swept.
    matrix
        Side of the matrices that measure the machine's peak.
    """

    work: Work
    drawn: int = 2_000
    chunks: int = 8
    sequences: int = SEQUENCES
    vocabularies: tuple[int, ...] = (100, 1_000, 10_000, 20_000)
    cohorts: tuple[int, ...] = (1, 2, 4, 8)
    small: Work = SMALL
    dry_runs: tuple[int, ...] = (10, 100, 1_000)
    matrix: int = 2_048


def smoke() -> Scope:
    """Everything at sizes at which the numbers mean nothing."""
    work = Work(vocabulary=100, layers=1, steps=2, evaluation_sequences=300)
    small = replace(work, vocabulary=40, evaluation_sequences=20)
    return Scope(work, 50, 1, 1_000, (40, 100), (1, 2), small, (10,), 128)


def step_seconds(work: Work, precision: str = "float32", blocks: int = 3) -> float:
    """Our step in a plain loop: median of some blocks."""
    ours = Ours(work)
    return statistics.median(ours.train_bare(precision) for _ in range(blocks))


def measure_memory(scope: Scope, threads: int) -> Pair:
    """Peak memory of both sides in megabytes, each in a process of its own."""
    common = {"work": asdict(scope.work), "threads": threads}
    with ThreadPoolExecutor() as pool:
        reference = pool.submit(apart, "memory_of_reference", **common)
        ours = pool.submit(apart, "memory_of_ours", **common, sequences=scope.sequences)
        return Pair(reference.result()["peak_megabytes"], ours.result()["peak_megabytes"])


def measure_floor(scope: Scope, step: float, different: int) -> str:
    """Describe the floor of a step and how far above it ours is, and that of evaluating `different` sequences."""
    ours = Ours(replace(scope.work, evaluation_sequences=20))
    num_tokens, parameters = ours.model.config.num_tokens, sum(p.numel() for p in ours.model.parameters())
    counted = count_operations(scope.work, num_tokens), count_bytes(scope.work, num_tokens, parameters)
    peaks = measure_peaks(scope.matrix, PRECISIONS)
    floor, bfloat16 = Floor(*counted, peaks.operations["float32"], peaks.bytes), peaks.operations["bfloat16"]
    return (
        f"Floor of a step: {floor.operations / 1e9:.2f} GFLOP at {floor.operations_per_second / 1e9:.0f} GFLOP/s "
        f"(square float32 product of {scope.matrix:,}) is {duration(floor.operations / floor.operations_per_second)}, "
        f"at the {bfloat16 / 1e9:.0f} GFLOP/s of bfloat16 {duration(floor.operations / bfloat16)}; "
        f"{floor.bytes / 1e6:.0f} MB of parameters, moments and logits at {floor.bytes_per_second / 1e9:.1f} GB/s "
        f"(copy) is {duration(floor.bytes / floor.bytes_per_second)}. "
        f"Our step without Lightning, {duration(step)}, is {step / floor.seconds:.1f} times the greater of the two. "
        f"{measure_products(scope.work, num_tokens, different)} {describe_kernels(scope.work)}"
    )


def describe_kernels(work: Work) -> str:
    """Describe what all operations of a step take where memory is no matter."""
    single, half = (measure_kernels(work, precision) for precision in ("float32", "bfloat16"))
    return (
        f"All {single.kernels} operations of a step that compute something, none compiled, each repeated with its "
        f"arguments in the caches, take {duration(single.seconds)}, in bfloat16, where conversions make them "
        f"{half.kernels}, {duration(half.seconds)}; {single.views} views come on top."
    )


def measure_products(work: Work, num_tokens: int, different: int) -> str:
    """Describe what the products take at the sizes and strides that they have, which no peak tells."""
    targets = len(TARGET_POSITIONS)
    at_once = {
        precision: rows_at_once(work.batch_size * targets, num_tokens, getattr(torch, precision))
        for precision in PRECISIONS
    }
    single, half = (
        duration(seconds_of_products(forward_products(work, num_tokens, work.batch_size, rows), each, backward=True))
        for each, rows in at_once.items()
    )
    batch = paper_settings().probing.batch_size
    rows = targets * min(batch, sequences_at_once(1, targets, num_tokens, CPU))
    evaluation = forward_products(work, num_tokens, batch, rows)
    sequence = seconds_of_products(evaluation, "float32", backward=False) / batch
    every, once = (duration(sequence * sequences) for sequences in (work.evaluation_sequences, different))
    return (
        f"The products of a step one by one at their own sizes, with nothing between them, take {single}, in bfloat16 "
        f"{half}; those of an evaluation set {every}, of its {different:,} different sequences {once}."
    )


def measure_first_steps(work: Work, threads: int) -> tuple[float, float]:
    """Seconds of a job's first step, when nothing has been compiled before and when the same has."""
    with TemporaryDirectory() as folder:
        first, second = (
            apart("first_step", work=asdict(work), threads=threads, compiled_code=folder)["seconds"] for _ in range(2)
        )
    return first, second


def ours_alone(scope: Scope, measured: Measured, threads: int) -> str:
    """Tabulate what has no counterpart on the other side."""
    lightning = medians(measured.lightning)
    share = statistics.median((pair.reference - pair.ours) / pair.reference for pair in measured.lightning)
    stored = apart("draw_and_store", plan=scope.work.plan(0, scope.sequences).model_dump_json())
    first, again = measure_first_steps(scope.work, threads)
    least = replace(scope.work, batch_size=1, vocabulary=scope.vocabularies[0], evaluation_sequences=20)
    rows = [
        ["first step of a job, compiled", duration(first)],
        ["- where the compiled code is kept from before", duration(again)],
        ["step with Lightning", duration(lightning.reference)],
        ["step in a bare loop", duration(lightning.ours)],
        ["Lightning's share of the step (median of the pairs)", f"{100 * share:.1f} %"],
        [f"step of one sequence, v = {least.vocabulary:,}, in a bare loop", duration(step_seconds(least))],
        ["- products in bfloat16", duration(step_seconds(least, "bfloat16"))],
        [f"drawing and storing {scope.sequences:,} sequences", duration(stored["seconds"])],
        ["- on disk, evaluation sets included", f"{stored['megabytes']:.1f} MB"],
        ["- peak memory of that job", f"{stored['peak_megabytes']:,.0f} MB"],
    ]
    for vocabulary in scope.vocabularies:
        work = replace(scope.work, vocabulary=vocabulary, evaluation_sequences=20, compiled=False)
        rows.append([f"step, v = {vocabulary:,}", duration(step_seconds(work))])
    for runs in scope.cohorts:
        seconds = step_seconds(replace(scope.small, runs=runs))
        rows.append([f"step, E = {runs} (small size)", f"{duration(seconds)}, {duration(seconds / runs)} a run"])
    rows += [[f"snakemake -n, {runs:,} runs", duration(dry_run(runs))] for runs in scope.dry_runs]
    return table(["ours alone", "measured"], rows)


def section(scope: Scope, *, pairs: int, threads: int) -> str:
    """Measure everything; return the markdown."""
    before = load()
    torch.set_num_threads(threads)
    keep_freed_memory()
    work = scope.work
    measured = measure_pairs(work, pairs=pairs, drawn=scope.drawn, chunks=scope.chunks, threads=threads)
    floor = measure_floor(scope, medians(measured.lightning).ours, measured.different)
    tables = comparison(measured, measure_memory(scope, threads)), ours_alone(scope, measured, threads)
    sizes = f"v = {work.vocabulary:,}, {work.layers} layers, Zipf({ALPHA}), float32"
    asked = "compiled as the paper's configuration asks (`training.compile`, `probing.compile`)"
    compiled = asked if work.compiled else "not compiled"
    notes = (
        f"Both sides do the same work by turns, each in a process of its own, ours set up as its jobs are: "
        f"batches of {work.batch_size}, evaluation sets of {work.evaluation_sequences:,}, on which the reference "
        f"measures exact match and ours all its metrics, equal sequences once (the first set, validation, has "
        f"{measured.different:,} different ones; they are looked for before the clock starts, as once a run); "
        f"steps are the median of {BLOCKS} blocks of {work.steps} taken by turns, ours with Lightning, a cohort of 1 "
        f"and {compiled}. The whole run is a projection, not a measurement: {STEPS:,} steps, {EVALUATIONS} "
        f"evaluations of five sets and {SEQUENCES:,} drawn sequences from the times above; our checkpoints, stores and "
        f"linear probes are not in it. A step of one sequence computes next to nothing: it is what a step's calls take "
        f"whatever their sizes. Our peak memory includes the data set of {scope.sequences:,} sequences, the "
        f"reference's leaves its lists of them out. E is measured in a bare loop at v = {scope.small.vocabulary:,} "
        f"with {scope.small.layers} layers, v in one at {work.layers} layers, neither compiled. Dry runs are of a "
        f"project in which nothing has been made yet."
    )
    return "\n\n".join([heading(threads, sizes, before), tables[0], tables[1], floor, notes]) + "\n"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--vocabulary", type=int, default=10_000, help="part-of-speech tokens")
    parser.add_argument("--layers", type=int, default=6, help="transformer layers")
    parser.add_argument("--pairs", type=int, default=5, help="repetitions, reference and ours by turns")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of either side")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one pair, nothing appended")
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # both sides are measured on the CPU
    if arguments.smoke:
        print(section(smoke(), pairs=1, threads=arguments.threads))
        return
    compiled = paper_settings().training.compile
    scope = Scope(Work(vocabulary=arguments.vocabulary, layers=arguments.layers, compiled=compiled))
    text = section(scope, pairs=arguments.pairs, threads=arguments.threads)
    print(text)
    with RESULTS.open("a") as file:
        file.write("\n" + text)


if __name__ == "__main__":
    main()
