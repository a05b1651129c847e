"""The two sides of the comparison. Each works in a process of its own, with its own settings and memory.

Shape letters: R run, B sequence.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import torch
from torch import Tensor

from benchmarks.clock import seconds
from benchmarks.ours import ALPHA, WARM, Ours, Work, seconds_to_draw
from benchmarks.reference import Reference, SequentialDrawing, full_labels
from dual_process.devices import keep_freed_memory
from dual_process.models.convert import to_transformers
from dual_process.probing.scores import METRICS, Sequences


class OurSide:
    """Our pipeline, set up as training and probing jobs set themselves up; every method returns seconds."""

    def __init__(self, work: Work) -> None:
        keep_freed_memory()
        self.ours = Ours(work)
        self.ours.evaluate(self.ours.sequences())  # loads libraries and touches memory

    def different(self) -> int:
        """Number of different sequences in the first evaluation set; the exception to the rule."""
        return self.ours.sequences().inputs_rus.shape[1]

    def step(self, precision: str = "float32") -> float:
        """Take steps as runs are trained."""
        return self.ours.train(precision)

    def plain_step(self) -> float:
        """Take such steps without compiling anything."""
        return self.ours.train(compiled=False)

    def bare_step(self) -> float:
        """Take steps in a plain loop."""
        return self.ours.train_bare()

    def evaluation(self, name: str) -> float:
        """Evaluate one set, of which the kinds of sequences are known from an earlier checkpoint."""
        sequences = self.ours.sequences(name)
        return seconds(lambda: self.ours.evaluate(sequences))

    def drawing(self, chunks: int) -> float:
        """Draw some chunks; time per sequence."""
        return seconds_to_draw(self.ours.vocabulary(), chunks)


class TheirSide:
    """The published pipeline on our weights and batches; every method returns seconds."""

    def __init__(self, work: Work) -> None:
        self.ours = Ours(work)
        self.reference, self.sequential = make_reference(self.ours), sequential_drawing(self.ours)
        self.batches = reference_batches(self.ours)

    def check(self) -> None:
        """Raise an error unless both sides do the same work."""
        check_same_work(self.ours, self.reference)

    def step(self) -> float:
        """Take steps over ready-made batches."""
        return self.reference.train(self.batches, warm=WARM)

    def evaluation(self, name: str) -> float:
        """Evaluate one set."""
        inputs, labels, _ = self.ours.evaluation(name)
        full = full_labels(labels[0])
        return seconds(lambda: self.reference.evaluate(inputs[0], full))

    def drawing(self, drawn: int) -> float:
        """Draw some sequences; time per sequence."""
        return seconds(lambda: self.sequential.draw(drawn)) / drawn


@contextmanager
def in_a_process(side: Callable[[Work], Any], work: Work, threads: int) -> Iterator[Callable[..., Any]]:
    """Set up one side in a process of its own; yields a function that calls a method of it by name."""
    with ProcessPoolExecutor(1, get_context("spawn"), _set_up, (side, work, threads)) as pool:
        yield lambda method, *arguments: pool.submit(_call, method, *arguments).result()


_here: list[Any] = []
"""The side that this process is for."""


def _set_up(side: Callable[[Work], Any], work: Work, threads: int) -> None:
    torch.set_num_threads(threads)
    _here.append(side(work))


def _call(method: str, *arguments: Any) -> Any:
    return getattr(_here[0], method)(*arguments)


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
    found = dict(zip(METRICS, ours.evaluate(Sequences.of(inputs, labels, choice))[0].tolist(), strict=True))
    if abs(found["exact_match"] - exact) > 1e-6 or abs(found["loss"] - loss.item()) > 1e-4:
        raise RuntimeError(
            f"the sides differ: exact match {exact} and {found['exact_match']}, loss {loss.item()} and {found['loss']}"
        )
