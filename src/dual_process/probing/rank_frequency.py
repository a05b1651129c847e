"""Accuracy on exchanged classes by query token, beside how often training asked for that token.

Shape letters: R run, B sequence, V token, M metric.
"""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.probing.scores import METRICS, score_sequences
from dual_process.probing.subject import Subject

SET = "uniform_switch"
"""Evaluation set of uniformly drawn types with exchanged classes."""
BY_TOKEN = ("two_way", "exact_match")
"""Metrics that are told by token."""
ATTRS = {
    "training_queries": {"units": "1", "long_name": "training sequences whose query is the token"},
    "token_accuracy": {"units": "1", "long_name": "mean over the sequences of uniform_switch whose query is the token"},
}


def measure_rank_frequency(subject: Subject) -> xr.Dataset:
    """Training count and accuracy of every token; each is left out where the task does not offer it."""
    evaluations, found = subject.evaluations, xr.Dataset()
    if all("training_queries" in vocabulary for vocabulary in subject.vocabularies):
        counts = np.stack([vocabulary["training_queries"].values for vocabulary in subject.vocabularies])
        found["training_queries"] = ("run", "token"), counts
    if SET in evaluations.sets:
        scores_rbm = score_sequences(
            subject.model,
            evaluations.sequences(SET),
            targets=evaluations.targets,
            num_trained=evaluations.num_trained,
            batch_size=subject.plan.probing.batch_size,
        )
        query_rb = evaluations.tensor(SET, "input")[..., int(evaluations.sets[SET][0].attrs["query_position"])]
        wanted = scores_rbm[..., [METRICS.index(metric) for metric in BY_TOKEN]]
        accuracy = evaluations.known(SET, mean_by_token(wanted, query_rb, subject.vocabularies[0].sizes["token"]))
        found["token_accuracy"] = ("run", "token", "metric_by_token"), accuracy.cpu().numpy()
        found = found.assign_coords(metric_by_token=np.array(BY_TOKEN, dtype=object))
    return found


def mean_by_token(values_rbm: Tensor, ids_rb: Tensor, num_tokens: int) -> Tensor:
    """Mean over the sequences of each token, shape (R, V, M); NaN for tokens without a sequence."""
    num_runs, _, num_metrics = values_rbm.shape
    sums = torch.zeros(num_runs, num_tokens, num_metrics, dtype=torch.double, device=ids_rb.device)
    sums.scatter_add_(1, ids_rb[..., None].expand(values_rbm.shape), values_rbm.double())
    counts = torch.zeros(num_runs, num_tokens, dtype=torch.double, device=ids_rb.device)
    counts.scatter_add_(1, ids_rb, torch.ones_like(ids_rb, dtype=torch.double))
    return sums / counts[..., None]
