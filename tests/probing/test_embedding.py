"""Geometry of embeddings: against scikit-learn's PCA, and on planted clouds."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from dual_process.probing.embedding import centroid_accuracy, drift, principal_components, separability

CONTRASTS = ("seen_unseen", "noun_adjective")


def clouds(*, shifts=(0.0, 0.0, 0.0), size=100, width=12, seed=0):
    """Rows of nouns, adjectives and unseen tokens around three centres, and two tokens of no class."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3 * size + 2, width))
    roles = np.repeat([0, 1, -1, 2], [size, size, 2, size])
    for role, shift in enumerate(shifts):
        rows[roles == role, role] += shift
    sides = [np.select([roles == 2, roles >= 0], [1, 0], -1), np.where(roles < 2, roles, -1)]
    return torch.from_numpy(rows).float()[None], torch.from_numpy(np.stack(sides))


def test_principal_components_are_those_of_scikit_learn_up_to_sign():
    scales = torch.linspace(3, 0.5, 12)
    rows = torch.cat([clouds(seed=seed)[0] * scales + seed for seed in range(3)])
    coordinates, explained = principal_components(rows)
    assert coordinates.shape == (3, 302, 2)
    for run in range(3):
        model = PCA(2, svd_solver="full")
        wanted = model.fit_transform(rows[run].double().numpy())
        np.testing.assert_allclose(explained[run], model.explained_variance_ratio_, rtol=1e-6)
        for component in range(2):
            sign = np.sign(wanted[0, component] * coordinates[run, 0, component].item())
            np.testing.assert_allclose(coordinates[run, :, component], sign * wanted[:, component], atol=1e-5)


def test_the_sign_makes_the_largest_loading_positive():
    rows = clouds()[0] * torch.tensor([1.0] * 5 + [9.0] + [1.0] * 5 + [4.0])
    for flipped in (rows, -rows):
        coordinates, _ = principal_components(flipped)
        assert torch.corrcoef(torch.stack([coordinates[0, :, 0], flipped[0, :, 5].double()]))[0, 1] > 0.9
        assert torch.corrcoef(torch.stack([coordinates[0, :, 1], flipped[0, :, 11].double()]))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("shifts", "seen_unseen", "noun_adjective"),
    [((0, 0, 20), 1.0, 0.5), ((20, 0, 0), None, 1.0), ((0, 0, 0), 0.5, 0.5), ((20, -20, 20), 1.0, 1.0)],
)
def test_planted_separability(shifts, seen_unseen, noun_adjective):
    rows, sides = clouds(shifts=shifts)
    found = dict(zip(CONTRASTS, separability(rows, sides, folds=5, penalty=1.0)[0].tolist(), strict=True))
    for name, wanted in (("seen_unseen", seen_unseen), ("noun_adjective", noun_adjective)):
        if wanted is not None:
            assert found[name] == pytest.approx(wanted, abs=0 if wanted == 1 else 0.12), name


@pytest.mark.parametrize(
    ("shifts", "seen_unseen", "noun_adjective"),
    [((0, 0, 40), 1.0, 0.5), ((0, 0, 0), 0.5, 0.5), ((40, -40, 80), 1.0, 1.0)],
)
def test_planted_centroids(shifts, seen_unseen, noun_adjective):
    rows, sides = clouds(shifts=shifts)
    found = dict(zip(CONTRASTS, centroid_accuracy(rows, sides, folds=5)[0].tolist(), strict=True))
    assert found["seen_unseen"] == pytest.approx(seen_unseen, abs=0 if seen_unseen == 1 else 0.12)
    assert found["noun_adjective"] == pytest.approx(noun_adjective, abs=0 if noun_adjective == 1 else 0.12)


def test_a_line_separates_what_centroids_do_not():
    """Unseen tokens between nouns on one side and adjectives on the other, a little above both."""
    rows, sides = clouds(shifts=(0, 0, 0))
    rows = rows * 0.1
    rows[0, :100, 0], rows[0, 100:200, 0] = rows[0, :100, 0] + 30, rows[0, 100:200, 0] - 30
    rows[0, -100:, 1] += 2
    rows[0, :200, 1] += rows[0, :200, 0] / 10  # the nouns' end is raised, the adjectives' lowered
    seen_unseen = sides[:1]
    assert separability(rows, seen_unseen, folds=5, penalty=1e-3) == 1
    assert centroid_accuracy(rows, seen_unseen, folds=5) < 0.9


def test_drift_is_a_distance_and_unknown_for_tokens_without_first_row():
    rows = torch.zeros(2, 5, 3)
    initial = torch.zeros(2, 4, 3)
    rows[0, 1] = torch.tensor([3.0, 4.0, 0.0])
    initial[1, 2] = torch.tensor([0.0, 0.0, -2.0])
    nan = float("nan")
    wanted = torch.tensor([[0.0, 5.0, 0.0, 0.0, nan], [0.0, 0.0, 2.0, 0.0, nan]])
    torch.testing.assert_close(drift(rows, initial), wanted, equal_nan=True)
    assert torch.equal(drift(rows, rows), torch.zeros(2, 5))


def test_separability_does_not_depend_on_the_scale_of_the_rows():
    rows, sides = clouds(shifts=(0.5, 0, 0.5), size=60)
    scaled = separability(torch.cat([rows, 50 * rows, 0.02 * rows]), sides, folds=5, penalty=10.0)
    torch.testing.assert_close(scaled[1:], scaled[:1].expand(2, -1))
    assert ((scaled > 0.5) & (scaled < 0.9)).all()


def test_tokens_of_no_class_are_no_matter():
    rows, sides = clouds(shifts=(1, 0, 1), size=60)
    other = rows.clone()
    neither = (sides == -1).all(0)
    other[:, neither] = -other[:, neither]  # of the same norm, which scales all rows
    options = {"folds": 5, "penalty": 1.0}
    torch.testing.assert_close(separability(other, sides, **options), separability(rows, sides, **options))


def test_runs_are_apart():
    first, sides = clouds(shifts=(20, 0, 20))
    second, _ = clouds(seed=1)
    both = separability(torch.cat([first, second]), sides, folds=5, penalty=1.0)
    torch.testing.assert_close(both[:1], separability(first, sides, folds=5, penalty=1.0))
    torch.testing.assert_close(both[1:], separability(second, sides, folds=5, penalty=1.0))
