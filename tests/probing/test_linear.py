"""Linear classifiers against scikit-learn's ridge classifier and nearest centroid on the same folds."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neighbors import NearestCentroid

from dual_process.probing.linear import cross_validated_accuracy, cross_validated_centroids, fit_ridge


def problem(seed, *, size=120, width=10, share=0.5, signal=0.5):
    """Features off centre and of unequal scales, with classes that overlap."""
    rng = np.random.default_rng(seed)
    labels = rng.random(size) < share
    features = rng.normal(size=(size, width)) * rng.uniform(0.1, 3, width) + 5
    features[:, :3] += signal * labels[:, None]
    return features, labels


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("folds", [2, 5])
def test_accuracy_is_that_of_scikit_learn(balanced, penalty, share, folds):
    problems = [problem(seed, share=share) for seed in range(4)]
    features, labels = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*problems, strict=True))
    found = cross_validated_accuracy(features, labels, folds=folds, penalty=penalty, balanced=balanced)
    split = PredefinedSplit(np.arange(120) % folds)
    measure = balanced_accuracy_score if balanced else accuracy_score
    model = RidgeClassifier(alpha=penalty, class_weight="balanced" if balanced else None)
    wanted = [measure(y, cross_val_predict(model, x, y, cv=split)) for x, y in problems]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert len(set(wanted)) > 1


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("folds", [2, 5])
def test_nearest_centroid_is_that_of_scikit_learn(share, folds):
    problems = [problem(seed, share=share) for seed in range(4)]
    features, labels = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*problems, strict=True))
    found = cross_validated_centroids(features, labels, folds=folds)
    split = PredefinedSplit(np.arange(120) % folds)
    wanted = [balanced_accuracy_score(y, cross_val_predict(NearestCentroid(), x, y, cv=split)) for x, y in problems]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert len(set(wanted)) > 1


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_weights_are_those_of_scikit_learn(balanced, penalty):
    features, labels = problem(0, share=0.2)
    weight, intercept = fit_ridge(torch.from_numpy(features), torch.from_numpy(labels), penalty, balanced=balanced)
    model = RidgeClassifier(alpha=penalty, class_weight="balanced" if balanced else None).fit(features, labels)
    np.testing.assert_allclose(weight, np.ravel(model.coef_), rtol=1e-8)
    np.testing.assert_allclose(intercept, np.ravel(model.intercept_)[0], rtol=1e-8)


@pytest.mark.parametrize("balanced", [False, True])
def test_planted_classes_are_found_and_random_ones_are_not(balanced):
    features, labels = problem(0, size=2000, signal=100.0)
    options = {"folds": 5, "penalty": 1.0, "balanced": balanced}
    tensors = torch.from_numpy(features), torch.from_numpy(labels)
    assert cross_validated_accuracy(*tensors, **options) == 1
    shuffled = torch.from_numpy(np.random.default_rng(1).permutation(labels))
    assert abs(float(cross_validated_accuracy(tensors[0], shuffled, **options)) - 0.5) < 4 * 0.5 / np.sqrt(2000)


def test_balanced_accuracy_of_rare_random_labels_is_a_half():
    features, labels = problem(0, size=3000, share=0.1, signal=0)
    tensors = torch.from_numpy(features), torch.from_numpy(labels)
    plain = cross_validated_accuracy(*tensors, folds=5, penalty=1.0)
    balanced = cross_validated_accuracy(*tensors, folds=5, penalty=1.0, balanced=True)
    assert float(plain) > 0.85
    assert abs(float(balanced) - 0.5) < 0.06


def test_any_leading_axes_are_problems_of_their_own():
    problems = [problem(seed) for seed in range(6)]
    features, labels = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*problems, strict=True))
    one = cross_validated_accuracy(features, labels, folds=5, penalty=1.0)
    grid = cross_validated_accuracy(features.view(2, 3, 120, 10), labels.view(2, 3, 120), folds=5, penalty=1.0)
    torch.testing.assert_close(grid.flatten(), one, rtol=0, atol=0)
