"""Geometry of the word embedding: principal components, norms, drift, and which groups of rows lie apart.

Shape letters: R run, V token, D feature, C component or contrast.
"""

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dual_process.models.registry import initial_model
from dual_process.probing.linear import cross_validated_accuracy, cross_validated_centroids
from dual_process.probing.subject import Subject
from dual_process.tasks.shared import shared_layout

NUM_COMPONENTS = 2
SEPARATION_ATTRS = {
    "separability": {"units": "1", "long_name": "balanced accuracy of a linear classifier of rows; chance 0.5"},
    "centroid_accuracy": {"units": "1", "long_name": "balanced accuracy of the nearest centroid of rows; chance 0.5"},
}
EMBEDDING_ATTRS = {
    "embedding_coordinates": {"units": "embedding units", "long_name": "principal components of all rows"},
    "embedding_norm": {"units": "embedding units", "long_name": "Euclidean norm of a row"},
    "embedding_drift": {"units": "embedding units", "long_name": "Euclidean distance of a row from its initial value"},
    "explained_variance": {"units": "1", "long_name": "share of the variance of all rows"},
}


def measure_separation(subject: Subject) -> xr.Dataset:
    """How well groups of rows can be told apart, by a line and by their centroids; cheap enough for every step."""
    probing, vocabulary = subject.plan.probing, subject.vocabularies[0]
    rows = subject.model.word_embedding.weight.detach()
    sides = torch.from_numpy(vocabulary["contrast_side"].values).to(rows.device)
    apart = separability(rows, sides, folds=probing.probe_folds, penalty=probing.probe_penalty)
    nearest = centroid_accuracy(rows, sides, folds=probing.probe_folds)
    return xr.Dataset(
        {
            "separability": (("run", "contrast"), apart.cpu().numpy()),
            "centroid_accuracy": (("run", "contrast"), nearest.cpu().numpy()),
        },
        coords={"contrast": vocabulary["contrast"].values},
    )


def measure_embedding(subject: Subject) -> xr.Dataset:
    """Coordinates, norm and drift of every row."""
    rows = subject.model.word_embedding.weight.detach()
    coordinates, explained = principal_components(rows)
    distance = drift(rows, initial_rows(subject).to(rows.device))
    return xr.Dataset(
        {
            "embedding_coordinates": (("run", "token", "component"), coordinates.cpu().numpy()),
            "embedding_norm": (("run", "token"), rows.norm(dim=-1).cpu().numpy()),
            "embedding_drift": (("run", "token"), distance.cpu().numpy()),
            "explained_variance": (("run", "component"), explained.cpu().numpy()),
        },
        coords={"component": np.arange(1, NUM_COMPONENTS + 1)},
    )


def initial_rows(subject: Subject) -> Tensor:
    """Word embedding from which training started, on the CPU, without unseen tokens where those are not trained."""
    cohort, vocabulary = subject.plan.cohort, subject.vocabularies[0]
    num_tokens = vocabulary.sizes["token"] if cohort.protocol.train_unseen else int(vocabulary.attrs["num_trained"])
    seeds = [run.seed for run in cohort.runs]
    num_positions = shared_layout(run.task for run in cohort.runs).num_positions
    model = initial_model(
        cohort.model, cohort.protocol, num_tokens=num_tokens, num_positions=num_positions, seeds=seeds
    )
    return model.word_embedding.weight.detach()


def drift(rows_rvd: Tensor, initial_rnd: Tensor) -> Tensor:
    """Distance (R, V) of each row from its initial value; NaN for the tokens, last of all, that have none."""
    distance = (rows_rvd[:, : initial_rnd.shape[1]] - initial_rnd).norm(dim=-1)
    absent = rows_rvd.shape[1] - initial_rnd.shape[1]
    return torch.nn.functional.pad(distance, (0, absent), value=torch.nan)


def principal_components(rows_rvd: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates of all rows on the leading principal components.

    Returns
    -------
    coordinates
        Shape (R, V, C), rows centred; the sign makes each component's largest loading positive.
    explained
        Share of the total variance, shape (R, C).
    """
    centred = rows_rvd.double() - rows_rvd.double().mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(centred.transpose(1, 2) @ centred)
    leading = vectors.flip(-1)[..., :NUM_COMPONENTS]
    largest = leading.gather(1, leading.abs().argmax(1, keepdim=True))
    leading = leading * largest.sign()
    explained = values.flip(-1)[..., :NUM_COMPONENTS] / values.sum(-1, keepdim=True)
    return centred @ leading, explained


def separability(rows_rvd: Tensor, sides_cv: Tensor, *, folds: int, penalty: float) -> Tensor:
    """Balanced accuracy with which a linear classifier tells groups of rows apart; chance is 0.5.

    Rows are scaled to unit root mean square per run first, so that the penalty means the same at any norm.

    Parameters
    ----------
    rows_rvd
        Word embeddings.
    sides_cv
        For each contrast, 0 or 1 for the tokens to tell apart and -1 for all others.
    folds, penalty
        As for :func:`~dual_process.probing.linear.cross_validated_accuracy`.

    Returns
    -------
    Tensor
        Shape (R, C).
    """
    scaled = rows_rvd / rows_rvd.square().mean((1, 2), keepdim=True).sqrt()
    columns = [
        cross_validated_accuracy(rows, labels, folds=folds, penalty=penalty, balanced=True)
        for rows, labels in _contrasts(scaled, sides_cv)
    ]
    return torch.stack(columns, dim=-1)


def centroid_accuracy(rows_rvd: Tensor, sides_cv: Tensor, *, folds: int) -> Tensor:
    """Balanced accuracy, shape (R, C), with which the nearest centroid tells groups of rows apart; chance is 0.5."""
    columns = [cross_validated_centroids(rows, labels, folds=folds) for rows, labels in _contrasts(rows_rvd, sides_cv)]
    return torch.stack(columns, dim=-1)


def _contrasts(rows_rvd: Tensor, sides_cv: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows and boolean labels of each contrast."""
    for side in sides_cv:
        yield rows_rvd[:, side >= 0], (side[side >= 0] == 1).expand(len(rows_rvd), -1)
