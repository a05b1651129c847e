"""The blocks of the configuration: every key, its range, its default and what it means.

All are frozen and forbid unknown keys; :mod:`dual_process.config` puts them together. Nothing heavy is imported here,
so that a dry run stays fast. ``config/README.md`` and ``config/schema.json`` are generated from these models.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*$")]
"""A short name that becomes part of a path: letters, digits, dots and hyphens."""

Probability = Annotated[float, Field(ge=0, le=1)]


class Block(BaseModel):
    """Base of every block: frozen, no unknown keys, descriptions taken from the field docstrings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PartOfSpeech(Block):
    """The synthetic part-of-speech task (as in the published code of arXiv 2406.00053)."""

    kind: Literal["part-of-speech"] = "part-of-speech"
    """Which task this block describes."""
    vocabulary: int = Field(10_000, ge=20, le=60_000, multiple_of=2)
    """Number v of part-of-speech tokens, half nouns and half adjectives; even."""
    ambiguity: Probability = 0.10
    """Share of token types, per class and rank bin, that may stand in for the other class in training."""
    ambiguity_bins: int = Field(5, ge=1, le=100)
    """Equal rank bins per class within which the ambiguous types are picked."""
    ambiguity_seed: int | None = Field(None, ge=0)
    """Seed of the choice of ambiguous types; null takes the seed of the run."""
    unseen: int | None = Field(None, ge=2, le=10_000)
    """Number of tokens that are never trained; null means a tenth of the vocabulary."""
    unseen_variants: bool = False
    """Add two more blocks of unseen tokens whose embeddings are redrawn from U(0, 1) and N(5, 5) at evaluation."""
    frequency_bins: bool = False
    """Add the evaluation sets by frequency bin (ten bins, each with and without exchanged classes)."""
    evaluation_sequences: int = Field(10_000, ge=20, le=1_000_000)
    """Sequences in each evaluation set; the frequency bins get a tenth of it."""

    @property
    def num_unseen(self) -> int:
        """Number of never-trained tokens in one block."""
        return self.unseen if self.unseen is not None else max(2, self.vocabulary // 10)

    @model_validator(mode="after")
    def _bins_are_filled(self) -> Self:
        if self.vocabulary // 2 < 2 * self.ambiguity_bins:
            raise ValueError(
                f"vocabulary {self.vocabulary} leaves fewer than 2 types in each of {self.ambiguity_bins} "
                f"ambiguity_bins per class; it must be at least {4 * self.ambiguity_bins}"
            )
        num_ids = self.vocabulary + 2 + self.num_unseen * (3 if self.unseen_variants else 1)
        if num_ids > 2**16:
            raise ValueError(
                f"vocabulary {self.vocabulary} with unseen {self.num_unseen} needs {num_ids} ids; "
                f"at most {2**16} are allowed, which the data sets store in 16 bits"
            )
        return self


class Uniform(Block):
    """All types of a class equally likely."""

    law: Literal["uniform"]
    """Name of the sampling law."""


class Zipf(Block):
    """P(rank r) proportional to r to the power of -alpha, truncated at the number of types."""

    law: Literal["zipf"]
    """Name of the sampling law."""
    alpha: float = Field(gt=0, le=10)
    """Exponent; the paper uses 1.0001, 1.2, 1.5, 2 and 3."""


class TwoLevel(Block):
    """A head of equally frequent types and a tail of equally rare ones."""

    law: Literal["two-level"]
    """Name of the sampling law."""
    head_types: float = Field(gt=0, lt=1)
    """Share of the types of a class that form the head."""
    head_share: float = Field(gt=0, lt=1)
    """Probability that a token comes from the head."""


Distribution = Annotated[Uniform | Zipf | TwoLevel, Field(discriminator="law")]


class Vanilla(Block):
    """Nothing is ever reset."""

    kind: Literal["vanilla"]
    """Kind of forgetting schedule."""


class Active(Block):
    """The embedding is re-initialised every `period` steps."""

    kind: Literal["active"]
    """Kind of forgetting schedule."""
    period: int = Field(ge=1)
    """Steps k between resets."""


class Temporary(Block):
    """As active, but only during the first `forget_until` steps (exclusive)."""

    kind: Literal["temporary"]
    """Kind of forgetting schedule."""
    period: int = Field(ge=1)
    """Steps k between resets."""
    forget_until: int = Field(ge=1)
    """Step N before which resets happen (strictly)."""

    @model_validator(mode="after")
    def _one_reset_at_least(self) -> Self:
        if self.forget_until <= self.period:
            raise ValueError(
                f"forget_until {self.forget_until} with period {self.period} never resets anything; "
                f"forget_until must be greater than period"
            )
        return self


class Probabilistic(Block):
    """Each token of a batch has its row replaced by a fresh draw with some probability, for that step alone."""

    kind: Literal["probabilistic"]
    """Kind of forgetting schedule."""
    probability: float = Field(gt=0, le=1)
    """Chance, per step, that a token type of the batch is replaced."""
    forget_until: int | None = Field(None, ge=1)
    """Step N before which replacement happens (strictly); null means always."""


Schedule = Annotated[Vanilla | Active | Temporary | Probabilistic, Field(discriminator="kind")]


class Bert(Block):
    """Toy BERT for masked language modelling (as in the published code of arXiv 2406.00053)."""

    kind: Literal["bert"] = "bert"
    """Which architecture this block describes."""
    layers: int = Field(6, ge=1, le=48)
    """Transformer layers."""
    width: int = Field(64, ge=4, le=4096)
    """Width of the residual stream."""
    heads: int = Field(1, ge=1, le=64)
    """Attention heads per layer; divides the width."""
    feed_forward: int = Field(128, ge=4, le=16384)
    """Hidden units of the feed-forward block."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout on embeddings, attention patterns and block outputs."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}; it must be a divisor of it")
        return self


ClearMoments = Literal["none", "embedding", "all"]


class Protocol(Block):
    """What the published code does in one way and a clean experiment in another."""

    sampling: Literal["reference", "corrected"] = "corrected"
    """reference: Zipf never draws the first type of a class, and the sets by ambiguity ignore the class."""
    padding_is_first_noun: bool = False
    """The id of the first noun doubles as padding: its row is zero and gets no gradient from the input side."""
    reset_scale: float | Literal["empirical"] = Field(0.02, union_mode="left_to_right")
    """Standard deviation of a reset embedding; "empirical" takes that of the trained rows at the reset."""
    clear_moments_active: ClearMoments = "embedding"
    """Whose AdamW moments and step count are cleared at a reset of active forgetting."""
    clear_moments_temporary: ClearMoments = "embedding"
    """Whose AdamW moments and step count are cleared at a reset of temporary forgetting."""
    reset_decoder_bias: bool = True
    """Zero the decoder bias at a reset, so that it keeps no token frequencies."""
    train_unseen: bool = False
    """Unseen tokens are softmax negatives in training, so that their tied rows and biases are pushed down."""
    initial_embedding_scale: float = Field(0.02, gt=0, le=10)
    """Standard deviation of the initial word embedding (1.0 is the control without forgetting)."""

    @model_validator(mode="after")
    def _reset_scale_positive(self) -> Self:
        if isinstance(self.reset_scale, float) and not 0 < self.reset_scale <= 10:
            raise ValueError(
                f"reset_scale {self.reset_scale} is out of range; use 0 < reset_scale <= 10 or 'empirical'"
            )
        return self


REFERENCE = Protocol(
    sampling="reference",
    padding_is_first_noun=True,
    reset_scale=1.0,
    clear_moments_active="none",
    clear_moments_temporary="all",
    reset_decoder_bias=False,
    train_unseen=True,
)
CORRECTED = Protocol()


class Training(Block):
    """Optimisation, stacking and checkpoints."""

    steps: int = Field(ge=1, le=10_000_000)
    """Optimizer steps of every run."""
    batch_size: int = Field(128, ge=1, le=65_536)
    """Sequences per step and run."""
    learning_rate: float = Field(5e-5, gt=0, le=1)
    """AdamW learning rate, constant."""
    weight_decay: float = Field(0.01, ge=0, le=1)
    """AdamW decoupled weight decay, on every parameter."""
    cohort_size: int = Field(1, ge=1, le=256)
    """Runs trained together as one stacked tensor program; 1 suits CPU cores, 16 to 64 one GPU."""
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


EVALUATIONS = (
    *("val", "switch", "tail", "tail_switch", "unseen", "unseen_mean", "unseen_uniform", "unseen_normal"),
    *("top_twenty", "top_twenty_switch", "unambiguous", "ambiguous"),
    *(f"bin_{i}_{kind}" for i in range(10) for kind in ("unambiguous", "unambiguous_switch", "ambiguous")),
)
"""Names of all evaluation sets that a task can have."""


class Probing(Block):
    """What is measured on every checkpoint."""

    batch_size: int = Field(128, ge=1)
    """Sequences per forward pass and run; larger ones fall out of a CPU's caches."""
    evaluations: tuple[str, ...] | None = Field(None, min_length=1)
    """Evaluation sets to measure; null means all in the data set. One that a run's data set lacks is left out."""
    probe_folds: int = Field(5, ge=2, le=50)
    """Cross-validation folds of the linear probes."""
    probe_sequences: int = Field(1000, ge=40)
    """Sequences whose states train and test one linear probe."""
    probe_penalty: float = Field(1.0, ge=0)
    """Ridge penalty of the linear probes (scikit-learn's `alpha`)."""
    embedding_steps: int = Field(4, ge=1, le=1000)
    """Checkpoints, evenly spread, at which the coordinates of all embedding rows are kept."""

    @model_validator(mode="after")
    def _evaluations_exist(self) -> Self:
        for name in self.evaluations or ():
            if name not in EVALUATIONS:
                raise ValueError(
                    f"evaluations names {name!r}, which no task has; known: {', '.join(EVALUATIONS[:12])}, and "
                    f"bin_0 to bin_9 followed by _unambiguous, _unambiguous_switch or _ambiguous"
                )
        return self


class Grid(Block):
    """Runs named by crossing names of the blocks above."""

    tasks: tuple[Name, ...] = ("pos",)
    """Names from `tasks`."""
    distributions: tuple[Name, ...]
    """Names from `distributions`."""
    models: tuple[Name, ...] = ("bert",)
    """Names from `models`."""
    schedules: tuple[Name, ...]
    """Names from `schedules`."""
    protocols: tuple[Name, ...] = ("corrected",)
    """Names from `protocols`."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...]
    """Seeds; the same seed means the same data in the same order for every schedule."""


class Figure(Block):
    """Which runs a figure draws."""

    grids: tuple[Name, ...] = Field(min_length=1)
    """Names from `grids`; shared runs are trained once."""
