"""Both pipelines in one process, by turns, on the same weights, batches and evaluation set."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmarks.clock import seconds
from benchmarks.ours import ALPHA, WARM, Ours, Work, seconds_to_draw
from benchmarks.reference import Reference, SequentialDrawing, full_labels
from dual_process.models.convert import to_transformers
from dual_process.probing.scores import METRICS, distinct

STEPS, EVALUATIONS, SEQUENCES = 62_500, 625, 8_000_000
"""The paper's run: training steps, evaluations, training sequences."""
SETS = ("val", "switch", "tail", "tail_switch", "unseen")
"""Sets of each of its evaluations."""
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

    Evaluation sets are the first and the last of SETS, and all of them; `different` is the number of different
    sequences in the first.
    """

    different: int

    step: list[Pair] = field(default_factory=list)
    step_bfloat16: list[Pair] = field(default_factory=list)
    evaluation: list[Pair] = field(default_factory=list)
    evaluation_unseen: list[Pair] = field(default_factory=list)
    evaluation_all: list[Pair] = field(default_factory=list)
    drawing: list[Pair] = field(default_factory=list)
    lightning: list[Pair] = field(default_factory=list)

    def whole_run(self) -> list[Pair]:
        """Projection to the paper's run, pair by pair."""
        return [
            Pair(*(_whole_run(*(getattr(pair, side) for pair in pairs)) for side in ("reference", "ours")))
            for pairs in zip(self.step, self.evaluation_all, self.drawing, strict=True)
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


def make_reference(ours: Ours) -> Reference:
    """Build the reference with our first run's weights."""
    work = ours.work
    state = to_transformers(ours.model.state_dict(), 0)
    return Reference(state, layers=work.layers, width=work.width, feed_forward=work.feed_forward)


def reference_batches(ours: Ours) -> list[tuple[Tensor, Tensor]]:
    """Our first run's batches as the reference takes them, made before the clock starts."""
    return [(inputs[0], full_labels(targets[0])) for inputs, targets in ours.batches()]


def sequential_drawing(ours: Ours) -> SequentialDrawing:
    """Build the reference's drawing with our ambiguous types."""
    vocabulary = ours.vocabulary()
    return SequentialDrawing(
        nouns=vocabulary.nouns.tolist(),
        adjectives=vocabulary.adjectives.tolist(),
        ambiguous_nouns=vocabulary.ambiguous_nouns.tolist(),
        ambiguous_adjectives=vocabulary.ambiguous_adjectives.tolist(),
        alpha=ALPHA,
        copula=vocabulary.copula,
    )


def measure_pairs(work: Work, *, pairs: int, drawn: int, chunks: int) -> Measured:
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
    """
    ours = Ours(work)
    reference, batches, drawing = make_reference(ours), reference_batches(ours), sequential_drawing(ours)
    vocabulary = ours.vocabulary()
    check_same_work(ours, reference)
    measured = Measured(distinct(*ours.evaluation())[0].shape[1])
    for _ in range(pairs):
        step = reference.train(batches, warm=WARM)
        with_lightning, bare = ours.train(), ours.train_bare()
        measured.step.append(Pair(step, with_lightning))
        measured.step_bfloat16.append(Pair(step, ours.train("bfloat16")))
        measured.lightning.append(Pair(with_lightning, bare))
        evaluations = [_evaluate(ours, reference, name) for name in SETS]
        measured.evaluation.append(evaluations[0])
        measured.evaluation_unseen.append(evaluations[-1])
        both = (sum(getattr(pair, side) for pair in evaluations) for side in ("reference", "ours"))
        measured.evaluation_all.append(Pair(*both))
        sequential = seconds(lambda: drawing.draw(drawn)) / drawn
        measured.drawing.append(Pair(sequential, seconds_to_draw(vocabulary, chunks)))
    return measured


def _evaluate(ours: Ours, reference: Reference, name: str) -> Pair:
    """Evaluate one set on both sides."""
    inputs, labels, choice = ours.evaluation(name)
    peer_labels = full_labels(labels[0])
    return Pair(
        seconds(lambda: reference.evaluate(inputs[0], peer_labels)),
        seconds(lambda: ours.evaluate(inputs, labels, choice)),
    )


@torch.no_grad()
def check_same_work(ours: Ours, reference: Reference, *, sequences: int = 256) -> None:
    """Raise an error unless both sides give the same loss and the same exact match; serves as warm-up, too."""
    inputs, labels, choice = (tensor[:1, :sequences] for tensor in ours.evaluation())
    reference.model.eval()
    logits = reference.model(input_ids=inputs[0]).logits
    labels = labels.clone()
    labels[0, ::2] = logits[::2, -labels.shape[-1] :].argmax(-1)  # else an untrained model has nothing right
    full = full_labels(labels[0])
    exact, loss = reference.evaluate(inputs[0], full), reference.model(input_ids=inputs[0], labels=full).loss
    found = dict(zip(METRICS, ours.evaluate(inputs, labels, choice)[0].tolist(), strict=True))
    if abs(found["exact_match"] - exact) > 1e-6 or abs(found["loss"] - loss.item()) > 1e-4:
        raise RuntimeError(
            f"the sides differ: exact match {exact} and {found['exact_match']}, loss {loss.item()} and {found['loss']}"
        )
