"""The blocks of the configuration: every key, its range, its default and what it means.

All are frozen and forbid unknown keys; :mod:`dual_process.config` puts them together. Nothing heavy is imported here,
so that a dry run stays fast. ``config/README.md`` and ``config/schema.json`` are generated from these models.
"""

from dual_process.blocks.base import Block, FigureName, Name, Probability
from dual_process.blocks.distributions import Distribution, TwoLevel, Uniform, Zipf
from dual_process.blocks.grids import Figure, Grid
from dual_process.blocks.language import (
    CAUSAL_ANALYSES,
    FIGURE_ANALYSES,
    Checkpoints,
    Corpus,
    CorpusFile,
    Finetuning,
    Hub,
    Language,
    LanguageProbing,
    Local,
    Pretrained,
)
from dual_process.blocks.models import Bert, Gpt2, Model
from dual_process.blocks.probing import ANALYSES, EVALUATIONS, Probing
from dual_process.blocks.protocols import CORRECTED, REFERENCE, ClearMoments, Protocol
from dual_process.blocks.schedules import Active, Drift, Probabilistic, Schedule, Temporary, Vanilla
from dual_process.blocks.tasks import AssociativeRecall, PartOfSpeech, Task
from dual_process.blocks.training import STANDARD, Training

__all__ = [
    "ANALYSES",
    "CAUSAL_ANALYSES",
    "CORRECTED",
    "EVALUATIONS",
    "FIGURE_ANALYSES",
    "REFERENCE",
    "STANDARD",
    "Active",
    "AssociativeRecall",
    "Bert",
    "Block",
    "Checkpoints",
    "ClearMoments",
    "Corpus",
    "CorpusFile",
    "Distribution",
    "Drift",
    "Figure",
    "FigureName",
    "Finetuning",
    "Gpt2",
    "Grid",
    "Hub",
    "Language",
    "LanguageProbing",
    "Local",
    "Model",
    "Name",
    "PartOfSpeech",
    "Pretrained",
    "Probabilistic",
    "Probability",
    "Probing",
    "Protocol",
    "Schedule",
    "Task",
    "Temporary",
    "Training",
    "TwoLevel",
    "Uniform",
    "Vanilla",
    "Zipf",
]
