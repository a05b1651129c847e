"""A plan and a treebank small enough to pretrain a language model within a test."""

from pathlib import Path
from typing import Any

import numpy as np

from dual_process.blocks import Protocol, Training
from dual_process.language.corpus import Sentence, Word
from dual_process.language_runs import Labels, PretrainingPlan

NOUNS = ("cat", "dog", "bone", "bird", "sea", "winter", "house", "river")
ADJECTIVES = ("big", "cold", "old", "green")
VERBS = ("sees", "likes", "crosses", "Finds")
SCHEDULES: dict[str, dict[str, Any]] = {
    "vanilla": {"kind": "vanilla"},
    "active": {"kind": "active", "period": 4},
    "temporary": {"kind": "temporary", "period": 3, "forget_until": 8},
    "probabilistic": {"kind": "probabilistic", "probability": 0.5},
}


def make_sentences(count: int = 60, seed: int = 0) -> list[Sentence]:
    """Sentences such as "The old cat sees the river .", of seven words."""
    generator = np.random.default_rng(seed)
    sentences = []
    for _ in range(count):
        first, second = generator.choice(NOUNS, 2)
        adjective, verb, end = (generator.choice(list(words)) for words in (ADJECTIVES, VERBS, ".,"))
        forms = ["The", adjective, first, verb, "the", second, end]
        tags = ["DET", "ADJ", "NOUN", "VERB", "DET", "NOUN", "PUNCT"]
        heads, relations = [3, 3, 4, 0, 6, 4, 4], ["det", "amod", "nsubj", "root", "det", "obj", "punct"]
        words = zip(forms, tags, relations, heads, strict=True)
        sentences.append(tuple(Word(str(form), tag, tag, relation, head) for form, tag, relation, head in words))
    return sentences


def write_treebank(path: Path, sentences: list[Sentence] | None = None) -> Path:
    """Write sentences in CoNLL-U."""
    blocks = [
        "".join(
            f"{number}\t{word.form}\t_\t{word.upos}\t{word.xpos}\t_\t{word.head}\t{word.dep}\t_\t_\n"
            for number, word in enumerate(sentence, start=1)
        )
        for sentence in sentences or make_sentences()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(blocks))
    return path


def make_plan(kind: str = "bert", **changes: Any) -> PretrainingPlan:
    """Return a small plan; `training`, `model` and `protocol` are merged, a schedule goes by its name."""
    model = {"kind": kind, "layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "dropout": 0.1}
    training = {"steps": 10, "batch_size": 4, "learning_rate": 1e-2}
    schedule = changes.pop("schedule", "vanilla")
    labels = Labels(
        run="run",
        corpus="toy",
        checkpoints="toy",
        training="short",
        protocol="corrected",
        schedule_name=schedule,
        schedule=SCHEDULES.get(schedule, {"kind": schedule, "probability": 0.1}),
        seed=changes.pop("seed", 0),
    )
    training |= changes.pop("training", {})
    values = {"vocabulary": 110, "sequence_length": 16, "masked_share": 0.15, "syllogisms": 0.0, "steps": (1, 4, 8, 10)}
    return PretrainingPlan(
        labels=labels,
        model=model | changes.pop("model", {}),
        protocol=Protocol(**changes.pop("protocol", {})),
        training=Training(**training).model_dump(mode="json"),
        **values | changes,
    )
