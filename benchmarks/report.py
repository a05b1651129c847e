"""The benchmark's section of ``RESULTS.md``: header and tables."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.pairs import DRAWN, Measured, Pair, medians, ratios

PACKAGES = ("torch", "transformers", "pytorch-lightning", "numpy", "zarr", "snakemake")


def duration(seconds: float) -> str:
    """Format seconds in the unit that suits them."""
    for unit, size, digits in (("h", 3600, 1), ("min", 60, 1), ("s", 1, 2), ("ms", 1e-3, 1)):
        if seconds >= size:
            return f"{seconds / size:.{digits}f} {unit}"
    return f"{seconds * 1e6:.1f} us"


def number(value: float) -> str:
    """Format a ratio with three digits, or more where it has more before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def hardware() -> str:
    """Processor, cores and memory."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{model}, {os.cpu_count()} cores, {gigabytes:.0f} GB"


def load() -> str:
    """Describe how busy the machine is, as the kernel's mean number of running processes."""
    return " / ".join(f"{value:.2f}" for value in os.getloadavg())


def heading(threads: int, sizes: str, load_before: str) -> str:
    """Say when, where and with what was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {threads} thread{'s' if threads > 1 else ''}, {sizes}",
            "",
            f"- Hardware: {hardware()}",
            f"- Load average over 1 / 5 / 15 minutes: {load_before} at the start, {load()} at the end",
            f"- Python {platform.python_version()}, {versions}",
        ]
    )


def comparison(measured: Measured, memory: Pair) -> str:
    """Tabulate both sides: medians, and reference over ours as least, median and greatest of the pairs."""

    def row(name: str, pairs: list[Pair], scale: float = 1.0) -> list[str]:
        middle, spread = medians(pairs), ratios(pairs)
        sides = [duration(scale * middle.reference), duration(scale * middle.ours)]
        return [name, *sides, " / ".join(map(number, spread))]

    rows = [
        row("training step", measured.step),
        row("training step, ours not compiled", measured.step_plain),
        row("training step, our products in bfloat16", measured.step_bfloat16),
        row("evaluation set", measured.evaluation),
        row("evaluation set of unseen tokens", measured.evaluation_unseen),
        row("evaluation, five sets", measured.evaluation_all),
        row(f"drawing {DRAWN:,} sequences", measured.drawing, DRAWN),
        row("whole run, projected", measured.whole_run(measured.step)),
        row("whole run, our products in training in bfloat16", measured.whole_run(measured.step_bfloat16)),
        [
            "peak memory",
            f"{memory.reference:,.0f} MB",
            f"{memory.ours:,.0f} MB",
            f"{number(memory.reference / memory.ours)} (one pair)",
        ],
    ]
    return table(["work", "reference", "ours", f"ratio, min / median / max of {len(measured.step)} pairs"], rows)
