"""The dataset store of the associative-recall task; names of variables and dimensions as in `tasks.dataset`."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dual_process.runs import DatasetPlan
from dual_process.tasks import associative_recall as recall
from dual_process.tasks.associative_recall import RecallSequences, RecallVocabulary

PARTS = ("query_label", "other_label", "query_item", "other_item", "query")
"""What stands at a position, as the query sees it: a label after its own item, another label, an item, itself."""


def make_dataset(plan: DatasetPlan) -> dict[str, xr.Dataset]:
    """Draw everything that the plan names.

    Returns
    -------
    dict
        Datasets by group: ``vocabulary``, ``training``, and ``evaluation/<name>`` for each evaluation set.
    """
    assert plan.task.kind == "associative-recall"
    words = RecallVocabulary(plan.task, plan.distribution, plan.sampling)
    training = recall.draw_training(words, plan.seed, plan.training_sequences)
    groups = {
        "vocabulary": describe_vocabulary(words, training["query"]),
        "training": xr.Dataset(
            {
                "context": (("sequence", "position"), training["context"]),
                "query": ("sequence", training["query"]),
                "label": ("sequence", training["label"]),
            },
            attrs={"task": plan.task.kind},
        ),
    }
    for name, sequences in recall.evaluation_sets(words, plan.seed).items():
        groups[f"evaluation/{name}"] = describe_evaluation(sequences)
    return groups


def describe_vocabulary(words: RecallVocabulary, queries: NDArray[np.uint16]) -> xr.Dataset:
    """Describe every token: role, rank of items and labels, probability, how often it was the query in training.

    ``contrast_side`` and ``run_labels`` are those of every task.
    """
    role = np.full(words.num_tokens, "unseen", dtype=object)
    rank = np.full(words.num_tokens, -1)
    role[0] = "padding"
    for name, ids in {"item": words.items, "label": words.labels}.items():
        role[ids], rank[ids] = name, np.arange(len(ids))
    sides = {
        "seen_unseen": np.select([role == "item", role == "unseen"], [0, 1], -1),
        "item_label": np.select([role == "item", role == "label"], [0, 1], -1),
    }
    counts = np.bincount(queries, minlength=words.num_tokens)
    return xr.Dataset(
        {
            "rank": ("token", rank, {"long_name": "frequency rank of the item, 0 first, -1 for none"}),
            "probability": ("token", words.probability(), {"units": "1", "long_name": "as an item"}),
            "training_queries": ("token", counts, {"units": "1", "long_name": "training sequences that ask for it"}),
            "contrast_side": (("contrast", "token"), np.stack(list(sides.values())).astype(np.int8)),
        },
        coords={
            "token": np.arange(words.num_tokens),
            "role": ("token", role),
            "contrast": np.array(list(sides), dtype=object),
        },
        attrs={
            "num_trained": words.num_trained,
            "num_drawn": words.num_trained,
            "run_labels": {
                "vocabulary": words.task.items,
                "label_noise": words.task.label_noise,
                "counting_accuracy": recall.counting_accuracy(words),
            },
        },
    )


def describe_evaluation(sequences: RecallSequences) -> xr.Dataset:
    """Write one evaluation set out: ids, label, right and wrong candidate, and what stands at each position."""
    inputs, labels = recall.expand(sequences.context, sequences.query, sequences.choice[:, 0])
    is_label = np.arange(inputs.shape[1]) % 2 == 1
    own = sequences.context[:, ::2] == sequences.query[:, None]
    own = np.append(np.repeat(own, 2, axis=1), np.ones((len(own), 1), dtype=bool), axis=1)
    part = np.select([own & is_label, is_label, own], [0, 1, 2], 3)
    part[:, -1] = PARTS.index("query")
    query_position = inputs.shape[1] - 1
    return xr.Dataset(
        {
            "input": (("sequence", "position"), inputs.astype(np.uint16)),
            "label": (("sequence", "target"), labels.astype(np.uint16)),
            "choice": (("sequence", "option"), sequences.choice),
            "part": (("sequence", "position"), part.astype(np.int8)),
        },
        coords={"option": np.array(["right", "wrong"], dtype=object), "target": [query_position]},
        attrs={
            "embedding": "kept",
            "query_position": query_position,
            "parts": list(PARTS),
            "decision": "choice is decided at the first target position",
        },
    )
