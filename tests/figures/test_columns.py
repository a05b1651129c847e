"""Which columns of panels stand side by side."""

import pytest

from dual_process.figures.columns import pages, schedule_titles
from dual_process.figures.selection import run_table
from tests.builders import grid, probe_dataset


@pytest.mark.parametrize(
    ("sizes", "most", "widths"),
    [
        ([1] * 6, 6, [6]),
        ([1] * 7, 6, [4, 3]),
        ([1] * 7, 5, [4, 3]),
        ([2] * 5, 5, [4, 4, 2]),
        ([3] * 4, 5, [3, 3, 3, 3]),
        ([3, 1, 1], 5, [5]),
        ([8], 5, [5, 3]),
    ],
)
def test_pages_are_few_and_alike_and_keep_groups_together(sizes: list[int], most: int, widths: list[int]) -> None:
    groups = [[(group, member) for member in range(size)] for group, size in enumerate(sizes)]
    found = pages(groups, most)
    assert [len(page) for page in found] == widths
    assert [column for page in found for column in page] == [column for group in groups for column in group]


def test_titles_take_one_line_more_where_columns_are_narrow() -> None:
    runs = run_table(probe_dataset(grid(schedule=["vanilla", "temporary-50-600"])))
    wide, narrow = schedule_titles(runs, 3), schedule_titles(runs, 4)
    assert wide == {"vanilla": "vanilla", "temporary-50-600": "temporary\nevery 50 steps until 600"}
    assert narrow == {"vanilla": "vanilla", "temporary-50-600": "temporary\nevery 50 steps\nuntil 600"}
