"""Geometry of the word embedding: principal components, norms, and what a linear classifier can tell apart.

Shape letters: R run, V token, D feature, C component or contrast.
"""

import torch
from torch import Tensor

from dual_process.probing.linear import cross_validated_accuracy

NUM_COMPONENTS = 2


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
    columns = []
    for side in sides_cv:
        labels = (side[side >= 0] == 1).expand(len(scaled), -1)
        columns.append(
            cross_validated_accuracy(scaled[:, side >= 0], labels, folds=folds, penalty=penalty, balanced=True)
        )
    return torch.stack(columns, dim=-1)
