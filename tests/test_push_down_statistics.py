"""Statistics of push-down on planted heatmaps, and the knee against the package kneed."""

import numpy as np
import pytest

from dual_process.push_down_statistics import (
    best_layer,
    knee_steps,
    layer_of_share,
    push_down_score,
    triangle_difference,
)

STEPS = np.array([0, 10, 20, 30, 40, 80, 160])


def falling(steps=7, layers=7):
    """Accuracy of .5 below and .9 on and above the diagonal that falls from the upper left to the lower right."""
    step, layer = np.mgrid[:steps, :layers]
    return np.where(step * (layers - 1) + layer * (steps - 1) >= (steps - 1) * (layers - 1), 0.9, 0.5)


def saturating(scales):
    """A curve for each layer that rises to its end with a time scale of its own."""
    return 0.9 - 0.5 * np.exp(-STEPS[:, None] / np.array(scales))


def test_best_layer_is_the_lowest_of_the_best():
    assert best_layer(np.array([[0.1, 0.3, 0.2], [0.4, 0.4, 0.1]])).tolist() == [1, 0]


def test_first_layer_that_reaches_a_share_of_the_best_falls_with_a_planted_push_down():
    assert layer_of_share(falling()).tolist() == [6, 5, 4, 3, 2, 1, 0]
    assert layer_of_share(np.array([[0.5, 0.94, 0.96, 1.0]])).tolist() == [2]
    assert layer_of_share(np.array([[0.5, 0.94, 0.96, 1.0]]), share=0.9).tolist() == [1]


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (3, 13)])
def test_triangles_of_a_planted_push_down_differ_by_its_contrast(shape):
    assert triangle_difference(falling(*shape)) == pytest.approx(0.4)
    assert triangle_difference(-falling(*shape)) == pytest.approx(-0.4)
    assert triangle_difference(falling(*shape)[:, ::-1]) == pytest.approx(0, abs=0.15)


def test_the_diagonal_counts_in_no_triangle():
    accuracy = np.fliplr(np.eye(5))
    assert triangle_difference(accuracy) == 0
    accuracy[4, 4] = 1
    assert triangle_difference(accuracy) == pytest.approx(1 / 10)


def test_too_few_steps_have_no_course():
    assert np.isnan(triangle_difference(falling()[:2]))
    assert np.isnan(knee_steps(falling()[:2], STEPS[:2])).all()
    assert np.isnan(push_down_score(np.array([np.nan, 3.0])))


def test_the_knee_lies_highest_above_the_chord():
    corner = np.interp(STEPS, [0, 30, 160], [0.2, 0.8, 0.9])[:, None]
    assert knee_steps(corner, STEPS).tolist() == [30]
    late = np.interp(STEPS, [0, 80, 160], [0.2, 0.8, 0.8])[:, None]
    assert knee_steps(late, STEPS).tolist() == [80]
    assert np.isnan(knee_steps(np.full((7, 1), 0.5), STEPS)).all()


def test_the_knee_is_that_of_kneed():
    steps = np.linspace(0, 1000, 60).round()
    accuracy = 0.9 - 0.5 * np.exp(-steps[:, None] / np.array([30, 80, 150, 300]))
    # KneeLocator(steps, curve, curve="concave", direction="increasing").knee of kneed 0.9.0
    assert knee_steps(accuracy, steps).tolist() == [102, 203, 288, 373]


def test_the_score_is_above_zero_where_low_layers_learn_later():
    knees = knee_steps(saturating([80, 40, 20, 8]), STEPS)
    assert (np.diff(knees) <= 0).all()
    assert push_down_score(knees) == knees[0] - knees[-1] > 0
    assert push_down_score(knees[::-1]) == knees[-1] - knees[0]
    assert push_down_score(np.array([50.0, np.nan, 20.0])) == 30
