"""Figure 2 on planted accuracies."""

import numpy as np
import pytest

from dual_process.figures import fig2, language, style
from tests.language_data import as_in_the_paper, part_of_speech
from tests.mechanism_data import keeps_promises, panels, words

LEFT = (fig2.STRUCTURAL, fig2.FIRST, fig2.TWO_WAY)
SCHEDULES = ["vanilla", "active-200", "temporary-200-600"]


def test_a_row_each_schedule_and_the_three_columns_of_the_paper() -> None:
    figure = keeps_promises(fig2, part_of_speech(as_in_the_paper, schedule=SCHEDULES[::-1]))
    axes = np.reshape(panels(figure), (3, 3))
    assert [row[0].get_ylabel().splitlines()[0] for row in axes] == ["vanilla", "active", "temporary"]
    assert [panel.get_title().split(":")[0] for panel in axes[0]] == [
        *("structural in-context learning", "gain over layer 0", "in-weights preference")
    ]
    assert [panel.get_xlabel() for panel in axes[-1]] == ["training step"] * 3
    assert {"layer 2 of 4, the structural layer", "frequent words (head)", "chance, no gain, no preference"} <= words(
        figure
    )
    assert "lines: mean over 2 seeds; bands: minimum to maximum" in words(figure)


def test_lines_are_means_over_seeds_and_bands_go_from_the_smallest_to_the_largest() -> None:
    figure = fig2.draw(fig2.numbers(part_of_speech(as_in_the_paper)))
    structural, gain, preference = panels(figure)
    ends = {line.get_color(): line.get_ydata()[-1] for line in structural.lines if len(line.get_xdata()) > 2}
    assert ends == pytest.approx(dict.fromkeys((fig2.PALETTE[name] for name in LEFT), 0.505))
    band = structural.collections[0].get_paths()[0].vertices
    assert sorted(set(band[band[:, 0] == 1000, 1].round(6))) == [0.5, 0.51]
    peaks = {line.get_color(): max(line.get_ydata()) for line in gain.lines if len(line.get_xdata()) > 2}
    assert peaks[fig2.PALETTE["tail"]] > peaks[fig2.PALETTE["head"]] > 0.19
    last = {line.get_color(): line.get_ydata()[-1] for line in preference.lines if len(line.get_xdata()) > 2}
    assert last == pytest.approx({fig2.PALETTE["head"]: 0.845, fig2.PALETTE["tail"]: 0.655})


def test_reference_lines_lie_at_chance_at_no_gain_and_at_no_preference() -> None:
    figure = fig2.draw(fig2.numbers(part_of_speech(as_in_the_paper)))
    levels = [[line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"] for axes in panels(figure)]
    assert levels == [[0.5], [0.0], [0.5]]


def test_numbers_hold_the_structural_layer_of_every_depth() -> None:
    for layers, structural in {2: 1, 4: 2, 6: 4, 12: 7}.items():
        numbers = fig2.numbers(part_of_speech(as_in_the_paper, layers=layers, seed=[0]))
        assert language.structural_layer(layers) == structural
        assert set(numbers["layer"]) == {0, structural}
        assert set(numbers.loc[numbers["quantity"] != "structural", "layer"]) == {structural}


def test_the_first_series_of_checkpoints_is_drawn_and_it_is_said() -> None:
    figure = keeps_promises(fig2, part_of_speech(as_in_the_paper, model=["multiberts", "bert-small"]), again=True)
    assert figure.get_suptitle() == "model bert-small (first of 2 settings)"
    assert len(panels(figure)) == 3


def test_the_end_of_temporary_forgetting_is_marked() -> None:
    figure = fig2.draw(fig2.numbers(part_of_speech(as_in_the_paper, schedule=SCHEDULES)))
    marks = [[line.get_xdata()[0] for line in axes.lines if line.get_marker() == "v"] for axes in panels(figure)]
    assert marks == [[]] * 6 + [[600]] * 3


def test_steps_of_a_long_training_have_few_ticks_and_step_0_has_one() -> None:
    steps = [0, 20_000, 500_000, 2_000_000]
    figure = keeps_promises(fig2, part_of_speech(as_in_the_paper, steps=steps, layers=12, seed=[0]))
    assert [label.get_text() for label in panels(figure)[0].get_xticklabels()] == ["0", "100k", "1M"]
    assert "lines: one seed" in words(figure)


def test_nothing_measured_is_a_clear_error() -> None:
    dataset = part_of_speech(lambda *_: np.nan)
    with pytest.raises(ValueError, match="no run has part_of_speech, which the analysis part_of_speech measures"):
        fig2.numbers(dataset)


def test_vanilla_is_grey_and_other_schedules_differ() -> None:
    numbers = fig2.numbers(part_of_speech(as_in_the_paper, schedule=SCHEDULES, seed=[0]))
    colours = language.schedule_colours(numbers)
    assert colours["vanilla"] == style.GREY
    assert len(set(colours.values())) == 3


def test_the_choice_between_both_words_is_drawn_beside_the_accuracy_by_threshold() -> None:
    dataset = part_of_speech(as_in_the_paper)
    planted = dataset.assign(two_way=dataset["two_way"] * 0 + 0.75)
    structural = panels(fig2.draw(fig2.numbers(planted)))[0]
    heights = {line.get_color(): set(line.get_ydata()) for line in structural.lines if len(line.get_xdata()) > 2}
    assert heights[fig2.PALETTE[fig2.TWO_WAY]] == {0.75}
    assert 0.75 not in heights[fig2.PALETTE[fig2.STRUCTURAL]]
