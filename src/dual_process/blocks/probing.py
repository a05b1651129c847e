"""Probing: what is measured on every checkpoint."""

from typing import Literal, Self

from pydantic import Field, model_validator

from dual_process.blocks.base import Block

EVALUATIONS = (
    *("val", "switch", "tail", "tail_switch", "unseen", "unseen_mean", "unseen_uniform", "unseen_normal"),
    *("top_twenty", "top_twenty_switch", "unambiguous", "ambiguous", "weights", "context"),
    *(f"bin_{i}_{kind}" for i in range(10) for kind in ("unambiguous", "unambiguous_switch", "ambiguous")),
)
"""Names of all evaluation sets that a task can have."""


ANALYSES: tuple[Literal["embedding", "attention", "ablation", "rank_frequency"], ...] = (
    "embedding",
    "attention",
    "ablation",
    "rank_frequency",
)
"""Names of the costly analyses."""


class Probing(Block):
    """What is measured on every checkpoint."""

    batch_size: int = Field(128, ge=1)
    """Sequences per forward pass and run; with many, fewer calls, more memory."""
    compile: bool = False
    """Measure accuracy and loss by a compiled forward pass where probing runs on a CPU. At paper scale a checkpoint
    takes about 15 % less time; otherwise as `training.compile`."""
    evaluations: tuple[str, ...] | None = Field(None, min_length=1)
    """Evaluation sets to measure; null means all in the data set. One that a run's data set lacks is left out."""
    probe_folds: int = Field(5, ge=2, le=50)
    """Cross-validation folds of the linear probes."""
    probe_sequences: int = Field(1000, ge=40)
    """Sequences whose states train and test one linear probe."""
    probe_penalty: float = Field(1.0, ge=0)
    """Ridge penalty of the linear probes (scikit-learn's `alpha`)."""
    analysis_steps: int = Field(4, ge=1, le=1000)
    """Checkpoints, evenly spread and with the last, at which the costly `analyses` run."""
    analyses: tuple[Literal["embedding", "attention", "ablation", "rank_frequency"], ...] = ANALYSES
    """Costly analyses to run; one that a task or model does not offer is left out."""

    @model_validator(mode="after")
    def _evaluations_exist(self) -> Self:
        for name in self.evaluations or ():
            if name not in EVALUATIONS:
                raise ValueError(
                    f"evaluations names {name!r}, which no task has; known: {', '.join(EVALUATIONS[:14])}, and "
                    f"bin_0 to bin_9 followed by _unambiguous, _unambiguous_switch or _ambiguous"
                )
        return self
