"""Figure A13 on planted accuracies."""

import numpy as np
import pytest

from dual_process.figures import a13
from tests.language_data import TYPES, as_in_the_paper, part_of_speech
from tests.mechanism_data import keeps_promises, panels, words

SCHEDULES = ["vanilla", "active-200"]


def meshes(figure):
    """Values of each heatmap, by the label of its colour bar's axes or its place."""
    return [
        axes.collections[0].get_array() for axes in figure.axes if axes.collections and axes.get_ylabel() == "layer"
    ]


def test_columns_are_schedules_and_rows_mean_and_range_over_seeds() -> None:
    figure = keeps_promises(a13, part_of_speech(as_in_the_paper, schedule=SCHEDULES), again=True)
    assert {"vanilla", "active\nevery 200 steps", "accuracy\n(white: .5)", "largest minus\nsmallest seed"} <= words(
        figure
    )
    mean, spread = meshes(figure)
    assert mean.shape == (5, 11)
    assert float(mean.max()) == pytest.approx(0.855, abs=1e-5)
    np.testing.assert_allclose(spread, 0.01, atol=1e-5)
    assert "probe accuracy on unseen words, upper row: mean over 2 seeds; lower row: range" in figure.get_suptitle()


def test_layers_go_up_and_white_is_chance() -> None:
    figure = a13.draw(a13.numbers(part_of_speech(as_in_the_paper)))
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["4", "3", "2", "1", "0"]
    mesh = axes.collections[0]
    assert mesh.norm.vmin + mesh.norm.vmax == pytest.approx(1)
    assert mesh.to_rgba([0.5])[0][:3] == pytest.approx([0.97, 0.97, 0.97], abs=0.02)


def test_one_seed_has_no_row_of_ranges() -> None:
    figure = keeps_promises(a13, part_of_speech(as_in_the_paper, seed=[0]))
    assert len(meshes(figure)) == 1
    assert "largest minus\nsmallest seed" not in words(figure)


def test_bars_are_the_types_by_training_count() -> None:
    figure = a13.draw(a13.numbers(part_of_speech(as_in_the_paper)))
    bars = panels(figure)[-1] if panels(figure)[-1].patches else next(axes for axes in figure.axes if axes.patches)
    heights = [patch.get_height() for patch in bars.patches]
    assert heights == [*TYPES["noun"], *TYPES["adjective"]]
    assert [label.get_text() for label in bars.get_xticklabels()][:4] == ["1", "2", "3\N{EN DASH}4", "5\N{EN DASH}8"]
    assert {"nouns (1,461 types)", "adjectives (656 types)"} <= words(figure)


def test_what_was_measured_early_in_a_reset_cycle_is_left_out_and_it_is_said() -> None:
    steps = [0, 100, 199, 250, 399, 599]
    figure = a13.draw(a13.numbers(part_of_speech(as_in_the_paper, schedule=["active-200"], steps=steps)))
    assert meshes(figure)[0].shape == (5, 5)
    assert figure.get_suptitle().endswith("late in a reset cycle")


@pytest.mark.slow
def test_many_schedules_go_on_below() -> None:
    schedules = ["vanilla", "active-200", *(f"temporary-100-{end}" for end in (200, 400, 600, 800))]
    figure = keeps_promises(a13, part_of_speech(as_in_the_paper, schedule=schedules, seed=[0]))
    assert len([axes for axes in figure.axes if axes.get_title().startswith(("vanilla", "active", "temporary"))]) == 6
