"""Linear classifiers in closed form, cross-validated, for any stack of problems at once.

A ridge classifier and the nearest centroid: the same numbers as scikit-learn's ``RidgeClassifier`` and
``NearestCentroid`` on the same folds, without a loop over runs and layers.
Shape letters: P problem (any leading axes), N example, D feature, F fold.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

Fit = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From features (..., N, D) and labels (..., N) to the weights (..., D) and the intercept (...) of a classifier."""


def cross_validated_accuracy(
    features_pnd: Tensor, labels_pn: Tensor, *, folds: int, penalty: float, balanced: bool = False
) -> Tensor:
    """Accuracy of a ridge classifier on examples that it was not fitted to.

    Parameters
    ----------
    features_pnd
        Examples, shape (..., N, D).
    labels_pn
        Boolean class of each example, shape (..., N).
    folds
        Number of folds; example i belongs to fold ``i % folds``.
    penalty
        Ridge penalty on the weights (not on the intercept).
    balanced
        Weight both classes equally, in the fit and in the accuracy.

    Returns
    -------
    Tensor
        Shape (...); the decision threshold is 0, between targets -1 and 1.
    """
    fit = partial(fit_ridge, penalty=penalty, balanced=balanced)
    return _cross_validate(features_pnd.double(), labels_pn, fit, folds=folds, balanced=balanced)


def cross_validated_centroids(features_pnd: Tensor, labels_pn: Tensor, *, folds: int) -> Tensor:
    """Balanced accuracy of the nearest centroid on examples that are in neither; arguments and result as above."""
    return _cross_validate(features_pnd.double(), labels_pn, fit_centroids, folds=folds, balanced=True)


def _cross_validate(features: Tensor, labels: Tensor, fit: Fit, *, folds: int, balanced: bool) -> Tensor:
    example = torch.arange(features.shape[-2], device=features.device)
    right = torch.zeros_like(labels, dtype=torch.double)
    for fold in range(folds):
        held_out = example % folds == fold
        weight, intercept = fit(features[..., ~held_out, :], labels[..., ~held_out])
        scores = (features[..., held_out, :] @ weight[..., None])[..., 0] + intercept[..., None]
        right[..., held_out] = ((scores > 0) == labels[..., held_out]).double()
    share = _class_weights(labels) if balanced else torch.ones_like(right)
    return (right * share).sum(-1) / share.sum(-1)


def fit_ridge(features: Tensor, labels: Tensor, penalty: float, *, balanced: bool) -> tuple[Tensor, Tensor]:
    """Least-squares weights (..., D) and intercept (...) for targets of -1 and 1."""
    target = labels.double() * 2 - 1
    share = _class_weights(labels) if balanced else torch.ones_like(target)
    total = share.sum(-1, keepdim=True)
    mean = (share[..., None] * features).sum(-2, keepdim=True) / total[..., None]
    target_mean = (share * target).sum(-1, keepdim=True) / total
    centred, weighted = features - mean, share[..., None] * (features - mean)
    gram = weighted.transpose(-1, -2) @ centred
    gram = gram + penalty * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    moment = weighted.transpose(-1, -2) @ (target - target_mean)[..., None]
    weight = torch.linalg.solve(gram, moment)[..., 0]
    intercept = target_mean[..., 0] - (mean[..., 0, :] * weight).sum(-1)
    return weight, intercept


def fit_centroids(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (..., D) and intercept (...) of the plane halfway between the means of both classes."""
    shares = torch.stack([~labels, labels], dim=-2).double()
    means = shares @ features / shares.sum(-1, keepdim=True)
    weight = means[..., 1, :] - means[..., 0, :]
    return weight, -(weight * means.mean(-2)).sum(-1)


def _class_weights(labels: Tensor) -> Tensor:
    """Weights that make both classes count the same, n / (2 n_class) for each example."""
    positive = labels.double().mean(-1, keepdim=True)
    return torch.where(labels, 0.5 / positive, 0.5 / (1 - positive))
