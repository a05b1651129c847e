"""The natural-language study: corpora, series of checkpoints, what is measured on them, and finetuning."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dual_process.blocks.base import Block, Name, Probability

FIGURE_ANALYSES = {
    "fig2": "part_of_speech",
    "a13": "part_of_speech",
    "push_down": "push_down",
    "head_curves": "attention_heads",
    "v3": "syllogisms",
    "v4": "finetuning",
}
"""What each figure of the natural-language study draws; each analysis has stores of its own."""
CAUSAL_ANALYSES = ("syllogisms", "finetuning")
"""Analyses of autoregressive models; the others are of masked ones."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]


class CorpusFile(Block):
    """One annotated file: CoNLL-U, or CoNLL-X as CoreNLP writes it."""

    path: str | None = None
    """Where the file lies, from the folder of the Snakefile."""
    url: str | None = Field(None, pattern=r"^https://")
    """Where a rule fetches it instead."""
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    """Checksum of what the URL gives; wanted with a URL."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("a file of a corpus takes either path or url")
        if self.url and not self.sha256:
            raise ValueError(f"url {self.url!r} needs sha256, the checksum of the file")
        return self


class Corpus(Block):
    """A treebank."""

    train: CorpusFile
    """Sentences to pretrain on and to train probes on."""
    dev: CorpusFile
    """Sentences on which probes are tested."""


class Pretrained(Block):
    """Models that this workflow pretrains itself, one for each schedule and seed."""

    kind: Literal["pretrained"]
    """Where the checkpoints come from."""
    corpus: Name
    """Name from `language.corpora`, whose training file is the text."""
    model: Name
    """Name from `models`; a bert learns masked language modelling, a gpt2 next-token prediction."""
    training: Name
    """Name from `training_variants`."""
    schedules: tuple[Name, ...] = Field(min_length=1)
    """Names from `schedules`; of the kinds vanilla, active, temporary and probabilistic."""
    protocol: Name = "corrected"
    """Name from `protocols`: how a reset draws rows and what it clears."""
    seeds: tuple[Seed, ...] = Field(min_length=1)
    """Seeds of the runs: initial weights, order of the text, resets."""
    vocabulary: int = Field(4000, ge=100, le=100_000)
    """Word pieces of the tokenizer, which is trained on the text."""
    sequence_length: int = Field(64, ge=8, le=1024)
    """Word pieces of a training sequence."""
    masked_share: float = Field(0.15, gt=0, le=0.5)
    """Share of the word pieces that a bert has to predict."""
    syllogisms: Probability = 0.0
    """Share of the training sequences that hold syllogisms about words of the corpus instead of text."""


class Hub(Block):
    """Checkpoints from the Hugging Face hub; safetensors alone are taken, and no code."""

    kind: Literal["hub"]
    """Where the checkpoints come from."""
    objective: Literal["masked", "causal"]
    """masked: BERT and its like; causal: GPT and its like."""
    repository: str = Field(pattern=r"^[\w.-]+/[\w.{}-]+$")
    """Repository, in which {seed} and {step} are filled in."""
    revision: str
    """Commit, tag or branch, in which {seed} and {step} are filled in; a commit makes results repeatable."""
    corpus: Name
    """Name from `language.corpora`, on which the checkpoints are probed."""
    steps: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    """What {step} takes, in increasing order."""
    step_unit: int = Field(1, ge=1)
    """Optimizer steps that one unit of {step} stands for."""
    seeds: tuple[Seed, ...] = Field((0,), min_length=1)
    """What {seed} takes."""


class Local(Block):
    """Checkpoints in local folders, as `save_pretrained` of transformers writes them."""

    kind: Literal["local"]
    """Where the checkpoints come from."""
    objective: Literal["masked", "causal"]
    """masked: BERT and its like; causal: GPT and its like."""
    folder: str
    """Folder of a checkpoint, in which {seed} and {step} are filled in."""
    corpus: Name
    """Name from `language.corpora`, on which the checkpoints are probed."""
    steps: tuple[Annotated[int, Field(ge=0)], ...] = Field((0,), min_length=1)
    """What {step} takes, in increasing order."""
    step_unit: int = Field(1, ge=1)
    """Optimizer steps that one unit of {step} stands for."""
    seeds: tuple[Seed, ...] = Field((0,), min_length=1)
    """What {seed} takes."""


Checkpoints = Annotated[Pretrained | Hub | Local, Field(discriminator="kind")]
"""A series of checkpoints for each schedule and seed."""


class Finetuning(Block):
    """Finetuning of the last checkpoint of every run of a causal series, and the syllogism task along the way."""

    checkpoints: Name
    """Name from `language.checkpoints`."""
    training: Name
    """Name from `training_variants`."""
    schedules: tuple[Name, ...] = Field(min_length=1)
    """Names from `schedules`, of the kinds vanilla and probabilistic."""
    sequence_length: int = Field(64, ge=8, le=1024)
    """Word pieces of a training sequence."""


class LanguageProbing(Block):
    """What is measured on a checkpoint of a language model."""

    protocol: Literal["corrected", "reference"] = "corrected"
    """reference: nonce words split into pieces, capitals unknown and the full stop glued, as in the published code."""
    seed: Seed = 0
    """Seed of every sample."""
    train_words: int = Field(20_000, ge=100)
    """Words of the training file on which probes are trained, in whole sentences drawn at random."""
    dev_words: int = Field(10_000, ge=100)
    """Words of the other file on which they are tested."""
    sequences: int = Field(2000, ge=20)
    """Template sentences of each set."""
    types: int = Field(500, ge=5)
    """Nouns, adjectives and nonce words among the most frequent, the rarest and the unseen ones."""
    purity: float = Field(0.8, ge=0.5, lt=1)
    """A word is a noun if more than this share of its uses as noun or adjective are as a noun; so for adjectives."""
    penalty: float = Field(1.0, gt=0)
    """L2 penalty of the logistic probes, the inverse of scikit-learn's `C`."""
    structural_rank: int = Field(64, ge=1)
    """Rank of the structural probes of distance and depth."""
    batch_tokens: int = Field(8192, ge=64)
    """Word pieces in one forward pass, padding included."""
    prompts: int = Field(300, ge=10)
    """Prompts of the syllogism task, for each trial."""
    trials: int = Field(3, ge=1)
    """Draws of the new subjects and prompts of the syllogism task."""
    new_subjects: int = Field(20, ge=1)
    """Subjects of the syllogism task that no model has seen."""


class Language(Block):
    """The natural-language study."""

    corpora: dict[Name, Corpus]
    """Treebanks by name."""
    checkpoints: dict[Name, Checkpoints]
    """Series of checkpoints by name."""
    finetunings: dict[Name, Finetuning] = Field(default_factory=dict)
    """Finetunings by name."""
    probing: LanguageProbing = LanguageProbing()
    """What is measured."""

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        for name, series in self.checkpoints.items():
            if series.corpus not in self.corpora:
                raise ValueError(
                    f"checkpoints.{name}.corpus names {series.corpus!r}, which is not defined; "
                    f"defined under language.corpora: {', '.join(self.corpora)}"
                )
        for name, finetuning in self.finetunings.items():
            if finetuning.checkpoints not in self.checkpoints:
                raise ValueError(
                    f"finetunings.{name}.checkpoints names {finetuning.checkpoints!r}, which is not defined; "
                    f"defined under language.checkpoints: {', '.join(self.checkpoints)}"
                )
        return self
