"""Linear probes of many labels at once, against scikit-learn's ridge classifier."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from dual_process.language.linear_labels import UNSEEN, encode_label, label_accuracies, predict_labels


def words(seed, *, size=300, width=12, classes=5):
    """Features off centre and of unequal scales, and classes that overlap."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, size)
    features = rng.normal(size=(size, width)) * np.linspace(0.1, 3, width) + 5
    features[:, :classes] += np.eye(classes)[codes]
    return features, np.array([f"class{code}" for code in codes], dtype=object)


def encoded(classes):
    """Features of both parts, and labels of one number of classes each, all of the same words."""
    (train, first), (test, second) = words(0, classes=classes), words(1, size=200, classes=classes)
    return train, first, test, second


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_predictions_are_those_of_scikit_learn(penalty, classes):
    train, first, test, second = encoded(classes)
    low = [f"class{code}" for code in range(classes // 2)]
    other = [np.where(np.isin(each.astype(str), low), "yes", "no").astype(object) for each in (first, second)]
    labels = [encode_label("classes", first, second), encode_label("low", *other)]
    found = predict_labels(torch.from_numpy(train), torch.from_numpy(test), labels, penalty=penalty)
    for answer, label, wanted in zip(found, labels, (first, other[0]), strict=True):
        peer = RidgeClassifier(alpha=penalty).fit(train, wanted.astype(str)).predict(test)
        assert label.classes[answer].tolist() == peer.tolist()
        assert len(set(peer)) > 1


def test_accuracy_is_the_share_of_right_predictions():
    train, first, test, second = encoded(5)
    label = encode_label("classes", first, second)
    peer = RidgeClassifier(alpha=1.0).fit(train, first.astype(str))
    found = label_accuracies(torch.from_numpy(train), torch.from_numpy(test), [label], penalty=1.0)
    assert found.tolist() == [pytest.approx(peer.score(test, second.astype(str)))]
    assert 0.3 < found < 0.9


def test_classes_that_no_training_word_has_are_wrong():
    train, first, test, second = encoded(3)
    unseen = second.copy()
    unseen[:50] = "aardvark"
    unseen[50:60] = "zebra"
    label, plain = encode_label("classes", first, unseen), encode_label("classes", first, second)
    assert (label.test_m[:60] == UNSEEN).all()
    assert label.classes[label.test_m[60:]].tolist() == second[60:].tolist()
    tensors = torch.from_numpy(train), torch.from_numpy(test)
    (right,) = predict_labels(*tensors, [plain], penalty=1.0)
    found = label_accuracies(*tensors, [label], penalty=1.0)
    assert float(found) == pytest.approx(float((right == plain.test_m)[60:].sum()) / 200)


def test_leading_axes_are_problems_of_their_own():
    features = [torch.from_numpy(np.stack([words(seed)[0] for seed in seeds])) for seeds in ((0, 2, 3), (1, 4, 5))]
    label = encode_label("classes", words(0)[1], words(1)[1])
    stacked = label_accuracies(*features, [label], penalty=1.0)
    alone = [label_accuracies(train, test, [label], penalty=1.0) for train, test in zip(*features, strict=True)]
    torch.testing.assert_close(stacked, torch.stack(alone, dim=1))
    assert stacked[0, 0] > stacked[0, 1] + 0.1  # only the first features belong to the label


def test_majority_is_the_share_of_the_most_frequent_seen_class():
    label = encode_label("tag", np.array(["a", "b", "b"], object), np.array(["a", "a", "b", "c", "c", "c"], object))
    assert label.majority == pytest.approx(2 / 6)  # c was never seen, so no probe can answer it


def test_half_precision_features_are_probed_in_double():
    train, first, test, second = encoded(5)
    label = encode_label("classes", first, second)
    halves = [torch.from_numpy(each).half() for each in (train, test)]
    (found,) = predict_labels(*halves, [label], penalty=1.0)
    peer = RidgeClassifier(alpha=1.0).fit(halves[0].double(), first.astype(str)).predict(halves[1].double())
    assert label.classes[found].tolist() == peer.tolist()
