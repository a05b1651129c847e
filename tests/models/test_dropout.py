"""Dropout by 16-bit words."""

import pytest
import torch
from scipy import stats

from dual_process.models.dropout import draw_masks, dropout


def draw(*shapes: tuple[int, ...], probability: float, seed: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return draw_masks(shapes, probability, torch.device("cpu"))


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_each_lane_of_a_word_drops_at_the_rate_asked_for(probability: float) -> None:
    (mask,) = draw((50_000, 4), probability=probability)
    for count in (mask == 0).sum(0).tolist():
        assert stats.binomtest(count, 50_000, probability).pvalue > 1e-4


def test_neighbours_drop_independently() -> None:
    kept = draw((40_000, 4), probability=0.3)[0] != 0
    for lane in range(3):
        table = [[int((kept[:, lane] == a).logical_and(kept[:, lane + 1] == b).sum()) for a in (0, 1)] for b in (0, 1)]
        assert stats.chi2_contingency(table).pvalue > 1e-4


def test_masks_drawn_together_are_independent() -> None:
    first, second = (mask != 0 for mask in draw((4_000, 5), (4_000, 5), probability=0.3))
    table = [[int((first == a).logical_and(second == b).sum()) for a in (False, True)] for b in (False, True)]
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_masks_drawn_together_are_those_drawn_one_by_one() -> None:
    shapes = [(3, 5), (2, 2, 2), (7,)]  # not all numbers of elements are multiples of four
    together = draw(*shapes, probability=0.5)
    torch.manual_seed(0)
    for shape, mask in zip(shapes, together, strict=True):
        assert torch.equal(mask, draw_masks([shape], 0.5, torch.device("cpu"))[0])


def test_survivors_are_scaled_and_gradients_follow() -> None:
    x = torch.randn(7, 3).requires_grad_()
    output = dropout(x, iter(draw((7, 3), probability=0.25)))
    output.sum().backward()
    kept = output != 0
    assert 0 < kept.sum() < x.numel()
    torch.testing.assert_close(output, torch.where(kept, x / 0.75, 0))
    torch.testing.assert_close(x.grad, torch.where(kept, 1 / 0.75, 0))


def test_follows_the_seed_of_pytorch() -> None:
    masks = [draw((64,), probability=0.5, seed=seed)[0] for seed in (3, 3, 4)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_without_masks_nothing_is_dropped() -> None:
    x = torch.randn(5)
    assert dropout(x, None) is x
