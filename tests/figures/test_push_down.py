"""Heatmaps of push-down on planted accuracies."""

from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from dual_process.figures import push_down
from dual_process.push_down_statistics import knee_steps
from tests.language_data import LABELS, MAJORITY, STEPS, pushed_down
from tests.language_data import push_down as store
from tests.mechanism_data import keeps_promises, panels, words

ALL = tuple(MAJORITY)


def heads(row: dict[str, Any], x: np.ndarray, label: str, block: int, head: int) -> np.ndarray:
    """Head 0 is best in seed 0, the last in seed 1; every block differs."""
    better = head if row["seed"] == 1 else 3 - head
    return 0.3 + 0.1 * better + 0.01 * block + 0 * x


def staircase(row: dict[str, Any], x: np.ndarray, name: str, layer: int) -> np.ndarray:
    """The best layer is 4 up to step 100 and 1 later; accuracy jumps below it."""
    return np.where(x <= 100, 0.5 + 0.3 * (layer == 4), 0.5 + 0.3 * (layer >= 1) - 0.01 * layer)


def panel(figure: Any, words_of_title: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_title().startswith(words_of_title))


@pytest.mark.slow
def test_every_label_and_measure_has_a_panel_with_its_majority_and_the_range_of_seeds() -> None:
    figure = keeps_promises(push_down, store(pushed_down, labels=ALL, heads=heads, num_heads=4), again=True)
    titles = [axes.get_title() for axes in panels(figure) if axes.get_title()]
    assert titles[:2] == [
        "part of speech, coarse\nmajority .21, seeds within .01",
        "part of speech, fine\nmajority .14, seeds within .01",
    ]
    assert titles[6:10] == [
        f"{name}\nseeds within .01"
        for name in (
            *("tree distance: attachment", "tree distance: rank correlation"),
            *("tree depth: root", "tree depth: rank correlation"),
        )
    ]
    assert titles[10:] == [f"dependency relation\nfrom single heads of block {block}" for block in (2, 4)]
    assert {"largest rise from a layer to the next", "best layer of the step", "head 1 (best at the end)"} <= words(
        figure
    )
    assert figure.get_suptitle() == "vanilla"


def test_labels_that_the_corpus_lacks_have_no_panel() -> None:
    figure = keeps_promises(push_down, store(pushed_down, labels=LABELS, steps=[0, 10, 100, 1000]))
    assert not any(axes.get_title().startswith(("named entity", "start of", "end of")) for axes in figure.axes)


def test_the_red_line_lies_at_the_largest_rise_and_boxes_around_the_best_layers() -> None:
    figure = push_down.draw(push_down.numbers(store(staircase)))
    axes = panel(figure, "part of speech, coarse")
    (jump,) = (line for line in axes.lines if line.get_color() == push_down.JUMP_COLOUR)
    x, y = jump.get_data()
    # row 0 is layer 4: its lower edge at 1, that of layer 1 at 4
    assert set(y[x < 80]) == {1}
    assert set(y[x > 180]) == {4}
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [(box.get_y(), box.get_height()) for box in boxes] == [(0, 1), (3, 1)]
    assert (
        boxes[0].get_x() + boxes[0].get_width() == pytest.approx(boxes[1].get_x()) == pytest.approx(np.sqrt(100 * 178))
    )


def test_knees_are_those_of_the_measurement() -> None:
    x = np.array(sorted(STEPS))
    planted = np.stack([pushed_down({"layers": 4, "seed": 0}, x, "dep", layer) for layer in range(5)], axis=1)
    figure = push_down.draw(push_down.numbers(store(pushed_down, seed=[0])))
    axes = panel(figure, "dependency relation\nmajority")
    found = {4 - int(line.get_ydata()[0]): line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"}
    assert found == dict(enumerate(knee_steps(planted, x)))


def test_heads_are_ranked_within_each_model() -> None:
    figure = push_down.draw(push_down.numbers(store(pushed_down, heads=heads, num_heads=4)))
    axes = panel(figure, "dependency relation\nfrom single heads of block 2")
    ends = [line.get_ydata()[-1] for line in axes.lines]
    assert ends == pytest.approx([0.62, 0.52, 0.42, 0.32])
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert np.ptp(band) == pytest.approx(0, abs=1e-6)


def test_numbers_hold_all_schedules_and_the_figure_the_first() -> None:
    numbers = push_down.numbers(store(pushed_down, schedule=["active-200", "vanilla"]))
    assert set(numbers["schedule"]) == {"vanilla", "active-200"}
    assert set(numbers.loc[numbers["name"] == "cpos", "majority"]) == {0.21}
    assert push_down.draw(numbers).get_suptitle() == "vanilla (first of 2 schedules)"


@pytest.mark.slow
def test_twelve_layers_and_heads_are_readable() -> None:
    dataset = store(pushed_down, labels=ALL, heads=heads, num_heads=12, layers=12)
    figure = keeps_promises(push_down, dataset)
    ticks = [label.get_text() for label in panel(figure, "named entity").get_yticklabels()]
    assert ticks == ["12", "10", "8", "6", "4", "2", "0"]
    assert [axes.get_title()[-2:].strip() for axes in figure.axes if "single heads" in axes.get_title()] == ["5", "11"]
