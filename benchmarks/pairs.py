"""Both pipelines by turns, each in a process of its own, on the same weights, batches and evaluation sets."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.ours import Work
from benchmarks.sides import OurSide, TheirSide, in_a_process

STEPS, EVALUATIONS, SEQUENCES = 62_500, 625, 8_000_000
"""The paper's run: training steps, evaluations, training sequences."""
SETS = ("val", "switch", "tail", "tail_switch", "unseen")
"""Sets of each of its evaluations."""
BLOCKS = 3
"""Blocks of steps of which the median counts; one alone may meet a bad moment of the machine."""
DRAWN = 50_000
"""Sequences for which the time of drawing is given."""


@dataclass(frozen=True)
class Pair:
    """Seconds of one reference measurement and of ours, taken one after the other."""

    reference: float
    ours: float


@dataclass
class Measured:
    """Pairs of every kind of work; drawing is per sequence, `lightning` is our step with it against without.

    Our steps are compiled where the work says so; `step_plain` are not.

    Evaluation sets are the first and the last of SETS, and all of them; `different` is the number of different
    sequences in the first.
    """

    different: int

    step: list[Pair] = field(default_factory=list)
    step_plain: list[Pair] = field(default_factory=list)
    step_bfloat16: list[Pair] = field(default_factory=list)
    evaluation: list[Pair] = field(default_factory=list)
    evaluation_unseen: list[Pair] = field(default_factory=list)
    evaluation_all: list[Pair] = field(default_factory=list)
    drawing: list[Pair] = field(default_factory=list)
    lightning: list[Pair] = field(default_factory=list)

    def whole_run(self, steps: Sequence[Pair]) -> list[Pair]:
        """Project to the paper's run with one of the kinds of steps, pair by pair."""
        return [
            Pair(*(_whole_run(*(getattr(pair, side) for pair in pairs)) for side in ("reference", "ours")))
            for pairs in zip(steps, self.evaluation_all, self.drawing, strict=True)
        ]


def _whole_run(step: float, evaluation: float, drawing: float) -> float:
    return STEPS * step + EVALUATIONS * evaluation + SEQUENCES * drawing


def ratios(pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """Least, median and greatest of reference over ours."""
    found = sorted(pair.reference / pair.ours for pair in pairs)
    return found[0], statistics.median(found), found[-1]


def medians(pairs: Sequence[Pair]) -> Pair:
    """Median seconds of each side."""
    return Pair(statistics.median(p.reference for p in pairs), statistics.median(p.ours for p in pairs))


def measure_pairs(work: Work, *, pairs: int, drawn: int, chunks: int, threads: int) -> Measured:
    """Measure everything `pairs` times.

    Parameters
    ----------
    work
        Sizes.
    pairs
        Repetitions.
    drawn
        Sequences that the reference draws each time.
    chunks
        Chunks that we draw each time.
    threads
        CPU threads of either side.
    """
    with in_a_process(TheirSide, work, threads) as theirs, in_a_process(OurSide, work, threads) as ours:
        theirs("check")
        measured = Measured(ours("different"))
        for _ in range(pairs):
            step, with_lightning, bare, plain, bfloat16 = _steps(theirs, ours)
            measured.step.append(Pair(step, with_lightning))
            measured.lightning.append(Pair(with_lightning, bare))
            measured.step_plain.append(Pair(step, plain))
            measured.step_bfloat16.append(Pair(step, bfloat16))
            evaluations = [Pair(theirs("evaluation", name), ours("evaluation", name)) for name in SETS]
            measured.evaluation.append(evaluations[0])
            measured.evaluation_unseen.append(evaluations[-1])
            both = (sum(getattr(pair, side) for pair in evaluations) for side in ("reference", "ours"))
            measured.evaluation_all.append(Pair(*both))
            measured.drawing.append(Pair(theirs("drawing", drawn), ours("drawing", chunks)))
    return measured


def _steps(theirs: Callable[..., float], ours: Callable[..., float]) -> list[float]:
    """Seconds of a step: the reference's; ours, in a bare loop, not compiled, and with products in bfloat16."""
    blocks = [
        (theirs("step"), ours("step"), ours("bare_step"), ours("plain_step"), ours("step", "bfloat16"))
        for _ in range(BLOCKS)
    ]
    return [statistics.median(each) for each in zip(*blocks, strict=True)]
