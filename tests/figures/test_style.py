"""Orders, labels and colours."""

import matplotlib as mpl
import pandas as pd
import pytest

from dual_process.figures import style
from tests.builders import grid

NUMBERS = pd.DataFrame(
    grid(
        distribution=["zipf-1.5", "two-level", "zipf-1.0001", "uniform"],
        schedule=["temporary-50-1200", "temporary-50-600", "active-200", "vanilla"],
        protocol=["trained-unseen", "reference", "corrected"],
    )
)


def test_distributions_are_ordered_by_law_and_exponent() -> None:
    assert style.distribution_order(NUMBERS) == ["uniform", "zipf-1.0001", "zipf-1.5", "two-level"]


def test_schedules_are_ordered_by_kind_and_end() -> None:
    assert style.schedule_order(NUMBERS) == ["vanilla", "active-200", "temporary-50-600", "temporary-50-1200"]


def test_protocols_known_come_before_others() -> None:
    assert style.protocol_order(NUMBERS) == ["corrected", "reference", "trained-unseen"]


def test_labels_are_words() -> None:
    assert list(style.schedule_labels(NUMBERS).values())[:3] == [
        "vanilla",
        "active, every 200 steps",
        "temporary, every 50 steps until 600",
    ]
    alpha = "\N{GREEK SMALL LETTER ALPHA}"
    assert list(style.distribution_labels(NUMBERS).values()) == [
        "uniform",
        f"Zipf {alpha} = 1.0001",
        f"Zipf {alpha} = 1.5",
        "two-level",
    ]


@pytest.mark.parametrize("num_names", [1, 6, 12])
def test_colours_are_distinct(num_names: int) -> None:
    assert len(set(style.colours([str(i) for i in range(num_names)]))) == num_names


def test_every_schedule_and_distribution_has_its_own_colour() -> None:
    assert len(set(style.schedule_colours(NUMBERS).values())) == 4
    assert len(set(style.distribution_colours(NUMBERS).values())) == 4


def test_the_longest_temporary_forgetting_looks_the_same_alone_and_beside_shorter_ones() -> None:
    alone = NUMBERS[NUMBERS["schedule"] != "temporary-50-600"]
    assert len(alone) < len(NUMBERS)
    for name, colour in style.schedule_colours(alone).items():
        assert colour == style.schedule_colours(NUMBERS)[name]


def test_style_leaves_nothing_behind_and_takes_nothing_over() -> None:
    with mpl.rc_context({"font.size": 31, "axes.grid": True}):
        with style.paper_style():
            assert mpl.rcParams["font.size"] == 7
            assert not mpl.rcParams["axes.grid"]
        assert mpl.rcParams["font.size"] == 31
