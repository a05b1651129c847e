"""The dataset store: vocabulary, evaluation sets and training sequences of one task, distribution and seed.

The names of variables and dimensions here are those every task uses; what follows in the pipeline knows no others:
``input`` (sequence, position), ``label`` (sequence, target), ``choice`` (sequence, option) with the right and the
wrong token of the decision, ``query_role`` (sequence), ``part`` (sequence, position) with the attribute ``parts``,
``training_queries`` (token), and the compact form of training sequences. Probing does without ``query_role``, ``part``
and ``training_queries`` where a task has no such thing.
"""

import numpy as np
import xarray as xr

from dual_process.blocks import PartOfSpeech
from dual_process.runs import DatasetPlan
from dual_process.tasks import part_of_speech
from dual_process.tasks.evaluation import EvaluationSet, evaluation_sets
from dual_process.tasks.vocabulary import Ids, Vocabulary, make_vocabulary


def make_dataset(plan: DatasetPlan) -> dict[str, xr.Dataset]:
    """Draw everything that the plan names.

    Returns
    -------
    dict
        Datasets by group: ``vocabulary``, ``training``, and ``evaluation/<name>`` for each evaluation set.
    """
    assert isinstance(plan.task, PartOfSpeech)
    vocabulary = make_vocabulary(plan.task, plan.distribution, plan.sampling, plan.seed)
    training = part_of_speech.draw_training(vocabulary, plan.seed, plan.training_sequences)
    groups = {
        "vocabulary": describe_vocabulary(vocabulary, part_of_speech.query_tokens(**training)),
        "training": xr.Dataset(
            {name: ("sequence", values) for name, values in training.items()},
            attrs={"task": plan.task.kind, "copula": vocabulary.copula},
        ),
    }
    for name, evaluation in evaluation_sets(vocabulary, plan.seed).items():
        groups[f"evaluation/{name}"] = describe_evaluation(evaluation, vocabulary)
    return groups


def describe_vocabulary(vocabulary: Vocabulary, queries: Ids) -> xr.Dataset:
    """Describe every token: role, rank within its class, whether it is ambiguous, probability, how often it is asked.

    `queries` are the query tokens of all training sequences.

    ``contrast_side`` says for each contrast which tokens a linear classifier of their rows is to tell apart: 0 from 1,
    -1 being left out. The attribute ``run_labels`` holds what is told of a run beside its results.
    """
    role = np.full(vocabulary.num_tokens, "unseen", dtype=object)
    rank = np.full(vocabulary.num_tokens, -1)
    for name, ids in {"noun": vocabulary.nouns, "adjective": vocabulary.adjectives}.items():
        role[ids], rank[ids] = name, np.arange(len(ids))
    role[vocabulary.copula], role[vocabulary.mask] = "copula", "mask"
    ambiguous = np.zeros(vocabulary.num_tokens, dtype=bool)
    ambiguous[np.concatenate([vocabulary.ambiguous_nouns, vocabulary.ambiguous_adjectives])] = True
    sides = {
        "seen_unseen": np.select([rank >= 0, role == "unseen"], [0, 1], -1),
        "noun_adjective": np.select([role == "noun", role == "adjective"], [0, 1], -1),
    }
    counts = np.bincount(queries, minlength=vocabulary.num_tokens)
    labels = {"ambiguity": vocabulary.task.ambiguity, "vocabulary": vocabulary.task.vocabulary}
    masses = {f"ambiguous_mass_{name}": mass for name, mass in vocabulary.ambiguous_mass().items()}
    return xr.Dataset(
        {
            "rank": ("token", rank, {"long_name": "frequency rank within the class, 0 first, -1 for none"}),
            "ambiguous": ("token", ambiguous),
            "probability": ("token", vocabulary.probability(), {"units": "1", "long_name": "given the class"}),
            "training_queries": ("token", counts, {"units": "1", "long_name": "training sequences that ask for it"}),
            "contrast_side": (("contrast", "token"), np.stack(list(sides.values())).astype(np.int8)),
        },
        coords={
            "token": np.arange(vocabulary.num_tokens),
            "role": ("token", role),
            "contrast": np.array(list(sides), dtype=object),
        },
        attrs={
            "num_trained": vocabulary.num_trained,
            "num_drawn": vocabulary.copula,
            "copula": vocabulary.copula,
            "run_labels": labels | masses,
        },
    )


def describe_evaluation(evaluation: EvaluationSet, vocabulary: Vocabulary) -> xr.Dataset:
    """Write one evaluation set out: ids, labels, the two candidates, the query's role, the part of each position."""
    inputs, labels = part_of_speech.expand(
        evaluation.template, evaluation.adjective, evaluation.noun, copula=vocabulary.copula
    )
    query = part_of_speech.TEMPLATE_INPUTS[evaluation.template, part_of_speech.QUERY_POSITION]
    part = part_of_speech.TEMPLATE_PARTS[evaluation.template].astype(np.int8)
    return xr.Dataset(
        {
            "input": (("sequence", "position"), inputs.astype(np.uint16)),
            "label": (("sequence", "target"), labels.astype(np.uint16)),
            "choice": (("sequence", "option"), np.stack([evaluation.adjective, evaluation.noun], axis=-1)),
            "query_role": ("sequence", query == part_of_speech.NOUN),
            "template": ("sequence", evaluation.template),
            "part": (("sequence", "position"), part),
        },
        coords={"option": np.array(["right", "wrong"], dtype=object), "target": list(part_of_speech.TARGET_POSITIONS)},
        attrs={
            "embedding": evaluation.embedding,
            "every_checkpoint": evaluation.every_checkpoint,
            "parts": list(part_of_speech.PARTS),
            "query_position": part_of_speech.QUERY_POSITION,
            "decision": "choice is decided at the first target position",
        },
    )
