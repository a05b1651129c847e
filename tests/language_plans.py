"""Tiny configurations of the natural-language study."""

from typing import Any

from dual_process.config import Config, load_config
from tests.tiny import configuration

CORPUS = {"train": {"path": "train.conllu"}, "dev": {"path": "dev.conllu"}}
PRETRAINED = {
    "kind": "pretrained",
    "corpus": "tiny",
    "model": "bert",
    "training": "short",
    "schedules": ["vanilla", "active-4"],
    "seeds": [0, 1],
    "vocabulary": 200,
    "sequence_length": 16,
}
HUB = {
    "kind": "hub",
    "objective": "masked",
    "repository": "maker/model-{seed}-step-{step}k",
    "revision": "main",
    "corpus": "tiny",
    "step_unit": 1000,
    "steps": [0, 20, 40],
    "seeds": [3, 4],
}
LOCAL = {"kind": "local", "objective": "masked", "folder": "mine/{step}", "corpus": "tiny", "steps": [1, 5]}


def language_configuration(**changes: Any) -> dict[str, Any]:
    """Return a mapping with pretrained, hub and local checkpoints; `changes` are made in the language block."""
    language = {
        "corpora": {"tiny": CORPUS},
        "checkpoints": {
            "own": PRETRAINED,
            "own-causal": PRETRAINED | {"model": "gpt2", "schedules": ["vanilla"]},
            "away": HUB,
            "here": LOCAL,
        },
        "finetunings": {"forgetful": {"checkpoints": "own-causal", "training": "short", "schedules": ["vanilla"]}},
        "probing": {"train_words": 100, "dev_words": 100, "sequences": 20, "types": 5, "structural_rank": 8},
    }
    figures = {
        "fig2": {"checkpoints": ["own", "away", "here"]},
        "v3": {"checkpoints": ["own-causal"]},
        "v4": {"finetunings": ["forgetful"]},
    }
    data = configuration(
        training_variants={"short": {"steps": 10}},
        figures=figures,
        models={"gpt2": {"kind": "gpt2", "layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "dropout": 0.0}},
    )
    return data | {"language": language | changes}


def language_config(**changes: Any) -> Config:
    """Return a checked configuration, changed as in `language_configuration`."""
    return load_config(language_configuration(**changes))
