"""Curves of attention heads on planted scores."""

from typing import Any

import numpy as np
import pytest

from dual_process.figures import head_curves
from tests.language_data import attention_heads
from tests.mechanism_data import keeps_promises, panels, words


def score(row: dict[str, Any], x: np.ndarray, pattern: str, block: int, head: int) -> np.ndarray:
    return np.full(len(x), 0.1 * block + 0.2 * head * (pattern == "induction") + 0.02 * row["seed"])


def test_rows_are_largest_and_mean_score_and_columns_patterns() -> None:
    figure = keeps_promises(head_curves, attention_heads(score), again=True)
    largest, mean = np.reshape(panels(figure), (2, 3))
    assert [axes.get_title() for axes in largest] == [
        "previous token",
        "same token, earlier",
        "what followed it\n(induction)",
    ]
    assert (largest[0].get_ylabel(), mean[0].get_ylabel()) == ("largest score", "mean score")
    assert [line.get_ydata()[-1] for line in largest[2].lines] == pytest.approx([0.31, 0.41, 0.51, 0.61])
    assert [line.get_ydata()[-1] for line in mean[2].lines] == pytest.approx([0.21, 0.31, 0.41, 0.51])
    assert [line.get_ydata()[-1] for line in largest[0].lines] == pytest.approx([0.11, 0.21, 0.31, 0.41])
    assert {"block 1", "block 4"} <= words(figure)


def test_bands_go_from_the_smallest_to_the_largest_seed() -> None:
    figure = head_curves.draw(head_curves.numbers(attention_heads(score)))
    band = panels(figure)[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.1, 0.12))


def test_schedules_are_rows() -> None:
    figure = head_curves.draw(head_curves.numbers(attention_heads(score, schedule=["temporary-200-600", "vanilla"])))
    labels = [axes.get_ylabel() for axes in panels(figure)[::3]]
    temporary = "temporary\nevery 200 steps\nuntil 600"
    assert labels == [
        *("vanilla\nlargest score", "vanilla\nmean score"),
        *(f"{temporary}\nlargest score", f"{temporary}\nmean score"),
    ]
    assert "end of forgetting" in words(figure)


@pytest.mark.slow
def test_twelve_blocks_are_in_the_legend() -> None:
    figure = keeps_promises(head_curves, attention_heads(score, layers=12, seed=[0]))
    assert {f"block {block}" for block in range(1, 13)} <= words(figure)
