"""Heatmaps: where cells lie, what is written in them, and what was not measured."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dual_process.figures import heatmaps

TABLE = pd.DataFrame([[0.0, 1.0, np.nan], [0.5, 0.25, 0.75]], index=["top", "bottom"], columns=[1, 10, 100])


def test_first_row_is_on_top_and_cells_say_their_values_and_notes() -> None:
    axes = Figure().subplots()
    notes = TABLE.map(lambda value: f"from {value - 0.1:.1f}")
    mesh = heatmaps.draw_cells(axes, TABLE, limits=(0, 1), notes=notes)
    placed = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert placed == {
        (0.5, 0.5): "0.00\nfrom -0.1",
        (1.5, 0.5): "1.00\nfrom 0.9",
        (0.5, 1.5): "0.50\nfrom 0.4",
        (1.5, 1.5): "0.25\nfrom 0.1",
        (2.5, 1.5): "0.75\nfrom 0.7",
    }
    assert axes.get_ylim() == (2, 0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["top", "bottom"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10", "100"]
    np.testing.assert_array_equal(np.ma.getmaskarray(mesh.get_array()), TABLE.isna())


def test_text_is_white_on_dark_and_black_on_light_cells() -> None:
    axes = Figure().subplots()
    heatmaps.draw_cells(axes, TABLE.iloc[:1, :2], limits=(0, 1))
    assert {text.get_text(): text.get_color() for text in axes.texts} == {"0.00": "white", "1.00": "#000000"}


def test_contrast_of_text_is_at_least_that_of_readable_print() -> None:
    """The ratio of luminances asked for by the Web Content Accessibility Guidelines is 4.5, for large text 3."""
    axes = Figure().subplots()
    table = pd.DataFrame([np.linspace(0, 1, 101)])
    mesh = heatmaps.draw_cells(axes, table, limits=(0, 1))
    luminance = np.array([heatmaps._luminance(colour) for colour in mesh.to_rgba(np.linspace(0, 1, 101))])
    white = np.array([text.get_color() == "white" for text in axes.texts])
    contrast = np.where(white, 1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05)
    assert contrast.min() >= 4.5


def test_a_checkpoint_reaches_halfway_to_its_neighbours() -> None:
    np.testing.assert_allclose(heatmaps.step_edges([1, 100, 10000]), [1, 10, 1000, 10000])
    np.testing.assert_allclose(heatmaps.step_edges([0, 10, 1000]), [0, 5, 100, 1000])
    np.testing.assert_allclose(heatmaps.step_edges([7]), [6.5, 7.5])


@pytest.mark.parametrize("steps", [[0, 10, 1000], [1, 100, 2000], [5], [0]])
def test_steps_lie_in_order_on_the_axis_and_within_it(steps: list[int]) -> None:
    figure = Figure()
    axes = figure.subplots()
    heatmaps.draw_over_steps(axes, pd.DataFrame([np.zeros(len(steps))], columns=steps), limits=(0, 1))
    figure.draw_without_rendering()
    x = axes.transAxes.inverted().transform(axes.transData.transform([(step, 0) for step in steps]))[:, 0]
    assert (np.diff(x) > 0).all()
    assert x.min() >= -1e-9
    assert x.max() <= 1 + 1e-9
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == {1000: ["1", "10", "100", "1k"], 2000: ["1", "10", "100", "1k"]}.get(steps[-1], [])


def test_colour_bar_goes_from_limit_to_limit() -> None:
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    bar = heatmaps.colour_bar(figure, heatmaps.draw_cells(axes, TABLE, limits=(-1, 2)), [axes], label="words")
    assert (bar.vmin, bar.vmax) == (-1, 2)
    assert bar.ax.get_ylabel() == "words"
    assert heatmaps.missing_handle().get_label() == "not measured"
