"""Dropout by 16-bit words."""

import pytest
import torch
from scipy import stats

from dual_process.models.dropout import dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_each_lane_of_a_word_drops_at_the_rate_asked_for(probability: float) -> None:
    torch.manual_seed(0)
    zeros = (dropout(torch.ones(50_000, 4), probability, True) == 0).sum(0).tolist()
    for count in zeros:
        assert stats.binomtest(count, 50_000, probability).pvalue > 1e-4


def test_neighbours_drop_independently() -> None:
    torch.manual_seed(0)
    kept = dropout(torch.ones(40_000, 4), 0.3, True) != 0
    for lane in range(3):
        table = [[int((kept[:, lane] == a).logical_and(kept[:, lane + 1] == b).sum()) for a in (0, 1)] for b in (0, 1)]
        assert stats.chi2_contingency(table).pvalue > 1e-4


def test_survivors_are_scaled_and_gradients_follow() -> None:
    x = torch.randn(7, 3).requires_grad_()  # a number of elements that is no multiple of four
    output = dropout(x, 0.25, True)
    output.sum().backward()
    kept = output != 0
    assert 0 < kept.sum() < x.numel()
    torch.testing.assert_close(output, torch.where(kept, x / 0.75, 0))
    torch.testing.assert_close(x.grad, torch.where(kept, 1 / 0.75, 0))


def test_follows_the_seed_of_pytorch() -> None:
    outputs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        outputs.append(dropout(torch.ones(64), 0.5, True))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


@pytest.mark.parametrize(("probability", "training"), [(0.0, True), (0.5, False)])
def test_is_nothing_at_probability_zero_and_in_evaluation(probability: float, training: bool) -> None:
    x = torch.randn(5)
    assert dropout(x, probability, training) is x
