"""Training: optimisation, stacking and checkpoints."""

from typing import Annotated, Literal

from pydantic import Field

from dual_process.blocks.base import Block

STANDARD = "standard"
"""Name under which grids find the `training` block itself, beside its variants."""


class Training(Block):
    """Optimisation, stacking and checkpoints."""

    steps: int = Field(ge=1, le=10_000_000)
    """Optimizer steps of every run."""
    batch_size: int = Field(128, ge=1, le=65_536)
    """Sequences per step and run."""
    learning_rate: float = Field(5e-5, gt=0, le=1)
    """AdamW learning rate; the highest one where it changes."""
    learning_rate_schedule: Literal["constant", "linear"] = "constant"
    """linear: up from zero during the warm-up, then down to zero at the last step."""
    warmup: float = Field(0.0, ge=0, lt=1)
    """Share of the steps in which the learning rate rises from zero."""
    weight_decay: float = Field(0.01, ge=0, le=1)
    """AdamW decoupled weight decay, on every parameter."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of matrix products in training, and on CPUs of the exponentials of the loss; bfloat16 is faster on processors
    that know it. Weights, their updates and all measurements are float32 in any case."""
    compile: bool = False
    """Take each step, gradients included, as one graph compiled by PyTorch's inductor where training runs on a CPU. At
    paper scale a step takes 28 to 30 % less time; the first start on a machine takes a minute, others 3 s, so short
    runs do not gain. Needs a C++ compiler and Python's header files, and moves results by rounding."""
    cohort_size: int = Field(1, ge=1, le=256)
    """Runs trained together as one stacked tensor program; 1 suits CPU cores, 16 to 64 one GPU. A variant may ask for
    larger cohorts than `training` does, not for smaller ones."""
    gpus: int | None = Field(None, ge=0, le=1)
    """GPUs that a training job asks for; null means one where runs are stacked and none otherwise."""
    threads: int = Field(1, ge=1, le=256)
    """CPU threads of one training or probing job."""
    checkpoints_logarithmic: int = Field(20, ge=0, le=1000)
    """Checkpoints at logarithmically spaced steps, from the first to where the linear ones begin."""
    checkpoints_every: int = Field(100, ge=1)
    """Linear distance of the other checkpoints, in steps."""
    checkpoints_after_reset: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Steps after a reset at which to save as well, for the resets chosen by `checkpoints_resets`."""
    checkpoints_resets: int = Field(3, ge=0)
    """How many resets, evenly spread over all of a run's, get the checkpoints after a reset."""
    resume_every: int = Field(1000, ge=1)
    """Steps between two states from which a killed run goes on; results do not depend on it."""
    keep_checkpoints: bool = False
    """Keep the checkpoints after probing (they are the bulk of the disk space)."""
