"""Tasks: vocabulary, sequences and the size of the evaluation sets."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from dual_process.blocks.base import Block, Probability


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
    """Add the evaluation sets of unseen tokens with other embeddings: two more blocks of tokens whose rows are redrawn
    from U(0, 1) and N(5, 5) at evaluation, and the mean of ten trained rows."""
    frequency_bins: bool = False
    """Add the evaluation sets by frequency and ambiguity: top twenty types, ten bins by rank, (un)ambiguous types."""
    evaluation_sequences: int = Field(10_000, ge=20, le=1_000_000)
    """Sequences in each evaluation set; the frequency bins get a tenth of it."""
    rank_frequency_sequences: int = Field(0, ge=0, le=1_000_000)
    """Sequences of uniformly drawn types with exchanged classes, for accuracy by training count; 0 for none."""

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


class AssociativeRecall(Block):
    """Recall of an item's label from the context or from the weights (toy autoregressive study of arXiv 2406.00053)."""

    kind: Literal["associative-recall"] = "associative-recall"
    """Which task this block describes."""
    items: int = Field(1600, ge=10, le=25_000)
    """Trained items; item i has label i."""
    unseen: int = Field(200, ge=2, le=10_000)
    """Items that are never trained."""
    pairs: int = Field(8, ge=4, le=64, multiple_of=4)
    """Pairs of an item and its label before the query; a multiple of 4."""
    label_noise: Probability = 0.10
    """Chance that an item carries a random label throughout a sequence."""
    bursty: Probability = 1.0
    """Share of the sequences that hold the query's item in their context."""
    evaluation_sequences: int = Field(2_000, ge=20, le=1_000_000)
    """Sequences in each evaluation set."""

    @model_validator(mode="after")
    def _ids_fit(self) -> Self:
        num_ids = 2 * self.items + self.unseen + 1
        if num_ids > 2**16:
            raise ValueError(
                f"items {self.items} with unseen {self.unseen} needs {num_ids} ids; "
                f"at most {2**16} are allowed, which the data sets store in 16 bits"
            )
        return self


def _kind(block: Any) -> str:
    kind = block.get("kind", "part-of-speech") if isinstance(block, dict) else getattr(block, "kind", "")
    return str(kind)


Task = Annotated[
    Annotated[PartOfSpeech, Tag("part-of-speech")] | Annotated[AssociativeRecall, Tag("associative-recall")],
    Discriminator(_kind),
]
"""A task; `kind` tells which, and is part-of-speech if it is left out."""
