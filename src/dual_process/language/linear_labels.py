"""Linear probes of many classes in closed form: every label of a word from the same features, solved together.

Least squares on one-hot targets with a ridge penalty, as scikit-learn's ``RidgeClassifier``: all labels of one layer
share one Gram matrix, so that a further label costs next to nothing.
Shape letters: P problem (any leading axes, such as heads), N training word, M test word, D component, C class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

UNSEEN = -1
"""Code of a test word whose class no training word has; no prediction is equal to it, so it counts as wrong."""


@dataclass(frozen=True)
class LabelCodes:
    """One label of the words of both parts, such as the part of speech, as class numbers."""

    name: str
    classes: np.ndarray
    """Names of the classes of the training words, sorted."""
    train_n: Tensor
    """Class number of each training word."""
    test_m: Tensor
    """Class number of each test word, or `UNSEEN`."""

    @property
    def majority(self) -> float:
        """Share of the most frequent class among the test words: what a constant answer can reach."""
        counts = torch.bincount(self.test_m - UNSEEN)[1:]
        return float(counts.max() / len(self.test_m)) if len(counts) else 0.0


def encode_label(name: str, train: np.ndarray, test: np.ndarray) -> LabelCodes:
    """Number the classes of one label.

    Parameters
    ----------
    name
        Name of the label.
    train, test
        Class of every word of each part, strings.
    """
    classes, train_codes = np.unique(train.astype(str), return_inverse=True)
    wanted = test.astype(str)
    place = np.searchsorted(classes, wanted).clip(max=len(classes) - 1)
    test_codes = np.where(classes[place] == wanted, place, UNSEEN)
    return LabelCodes(name, classes, torch.from_numpy(train_codes), torch.from_numpy(test_codes))


def label_accuracies(train_pnd: Tensor, test_pmd: Tensor, labels: Sequence[LabelCodes], *, penalty: float) -> Tensor:
    """Share of the test words whose class a linear probe finds.

    Parameters
    ----------
    train_pnd, test_pmd
        Features of the words, shapes (..., N, D) and (..., M, D).
    labels
        What is read; each gets a probe of its own.
    penalty
        Ridge penalty on the weights, not on the intercepts: ``alpha`` of scikit-learn.

    Returns
    -------
    Tensor
        Shape (label, ...).
    """
    answers = predict_labels(train_pnd, test_pmd, labels, penalty=penalty)
    return torch.stack(
        [(answer == label.test_m).double().mean(-1) for answer, label in zip(answers, labels, strict=True)]
    )


def predict_labels(
    train_pnd: Tensor, test_pmd: Tensor, labels: Sequence[LabelCodes], *, penalty: float
) -> list[Tensor]:
    """Class number (..., M) that the probe of each label gives each test word; arguments as above.

    The class with the highest score; a ridge on targets 0 and 1 ranks classes as one on -1 and 1 does, and with two
    classes the higher score is the sign of the one score that scikit-learn keeps.
    """
    features, sizes = train_pnd.double(), [len(label.classes) for label in labels]
    hot = [torch.nn.functional.one_hot(label.train_n, size) for label, size in zip(labels, sizes, strict=True)]
    targets_nc = torch.cat(hot, dim=-1).double()
    mean = features.mean(-2, keepdim=True)
    centred = features - mean
    gram = centred.mT @ centred
    gram.diagonal(dim1=-2, dim2=-1).add_(penalty)
    # centred features add up to 0, so the targets need not be centred here
    weights = torch.cholesky_solve(centred.mT @ targets_nc, torch.linalg.cholesky(gram))
    scores = (test_pmd.double() - mean) @ weights + targets_nc.mean(0)
    return [part.argmax(-1) for part in scores.split(sizes, dim=-1)]
