"""Probes are scikit-learn's logistic regressions."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dual_process.language.logistic import accuracy, fit_logistic

PROBLEMS, EXAMPLES, FEATURES = 3, 400, 12


def examples(seed=0, share=0.3):
    """Features of unequal means and scales in float32, as hidden states are, and unbalanced noisy labels."""
    random = np.random.default_rng(seed)
    labels = random.random(EXAMPLES) < share
    features = random.standard_normal((PROBLEMS, EXAMPLES, FEATURES)) + labels[:, None] * np.linspace(0, 1, FEATURES)
    features = (features * np.geomspace(0.1, 10, FEATURES) + np.linspace(-3, 5, FEATURES)).astype(np.float32)
    return torch.from_numpy(features), torch.from_numpy(labels)


def theirs(features, labels, penalty, balanced, intercept, standardise):
    """Weights and intercept of scikit-learn for features as they came."""
    model = LogisticRegression(
        C=1 / penalty,
        class_weight="balanced" if balanced else None,
        fit_intercept=intercept,
        tol=1e-10,
        max_iter=10_000,
        solver="newton-cholesky",
    )
    scaler = StandardScaler(with_mean=standardise, with_std=standardise)
    pipeline = make_pipeline(scaler, model).fit(features.astype(np.float64), labels)
    weight = model.coef_[0] / (scaler.scale_ if standardise else 1)
    shift = weight @ scaler.mean_ if standardise else 0
    return pipeline, weight, (model.intercept_[0] if intercept else 0) - shift


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("standardise", [False, True])
def test_weights_and_predictions_are_those_of_scikit_learn(penalty, balanced, intercept, standardise):
    features, labels = examples()
    options = {"penalty": penalty, "balanced": balanced, "intercept": intercept, "standardise": standardise}
    probe = fit_logistic(features, labels, **options)
    scores = probe.scores(features)
    for index in range(PROBLEMS):
        pipeline, weight, constant = theirs(features[index].numpy(), labels.numpy(), **options)
        np.testing.assert_allclose(probe.weight_pd[index], weight, atol=1e-3)
        np.testing.assert_allclose(probe.intercept_p[index], constant, atol=1e-3)
        np.testing.assert_array_equal(scores[index] > 0, pipeline.predict(features[index].numpy().astype(np.float64)))


def test_more_features_than_examples_and_separable_classes_converge():
    random = np.random.default_rng(1)
    features = torch.from_numpy(random.standard_normal((1, 40, 100)))
    labels = torch.from_numpy(np.arange(40) % 2 == 0)
    probe = fit_logistic(features, labels, penalty=0.1, balanced=True, intercept=True, standardise=False)
    _, weight, _ = theirs(features[0].numpy(), labels.numpy(), 0.1, True, True, False)
    np.testing.assert_allclose(probe.weight_pd[0], weight, atol=1e-3)
    assert accuracy(probe.scores(features), labels, threshold=0, balanced=True).tolist() == [1]


def test_a_step_that_overshoots_is_halved():
    """Four examples on which Newton's full steps run away."""
    features = torch.tensor([[[-2.0, -4.0], [-2.0, 61.0], [8.0, 6.0], [-1.0, -7.0]]])
    labels = torch.tensor([False, False, True, True])
    probe = fit_logistic(features, labels, penalty=0.01, balanced=False, intercept=True, standardise=False)
    _, weight, constant = theirs(features[0].numpy(), labels.numpy(), 0.01, False, True, False)
    np.testing.assert_allclose([*probe.weight_pd[0], probe.intercept_p[0]], [*weight, constant], atol=1e-3)


def test_a_constant_feature_gets_no_weight():
    features, labels = examples()
    features[:, :, 4] = 7
    probe = fit_logistic(features, labels, penalty=1.0, balanced=True, intercept=True, standardise=True)
    assert torch.all(probe.weight_pd[:, 4] == 0)


def test_one_class_alone_is_refused():
    features, labels = examples()
    with pytest.raises(ValueError, match=r"raise language.probing.train_words"):
        fit_logistic(features, torch.ones_like(labels), penalty=1.0, balanced=True, intercept=True, standardise=True)


def test_accuracy_is_that_of_scikit_learn_above_the_threshold():
    random = np.random.default_rng(2)
    scores, labels = random.standard_normal((4, 50)), random.random(50) < 0.2
    found = accuracy(torch.from_numpy(scores), torch.from_numpy(labels), threshold=0.5, balanced=True)
    np.testing.assert_allclose(found, [balanced_accuracy_score(labels, row > 0.5) for row in scores])
    found = accuracy(torch.from_numpy(scores), torch.from_numpy(labels), threshold=0.5, balanced=False)
    np.testing.assert_allclose(found, [np.mean(labels == (row > 0.5)) for row in scores])


def test_accuracy_of_one_class_is_its_share():
    scores = torch.tensor([[1.0, -1.0, 2.0, 3.0]])
    assert accuracy(scores, torch.ones(4, dtype=torch.bool), threshold=0, balanced=True).tolist() == [0.75]
