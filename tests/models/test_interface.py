"""What holds of every stack of networks, whatever its architecture."""

import pytest
import torch

from dual_process.models.interface import StackedModel
from dual_process.models.registry import BUILDERS

TARGETS = (3, 4)


@pytest.fixture(params=sorted(BUILDERS))
def model(request: pytest.FixtureRequest) -> StackedModel:
    sizes = {"num_tokens": 11, "num_positions": 5, "layers": 3, "width": 8, "heads": 2, "feed_forward": 12}
    model = BUILDERS[request.param]({**sizes, "dropout": 0.5, "num_runs": 2}, None)
    model.initialise([torch.Generator().manual_seed(run) for run in range(2)])
    return model


def test_a_forward_pass_uses_every_mask_once(model: StackedModel) -> None:
    ids_rbs = torch.arange(30).view(2, 3, 5) % 11
    words_rbsd = model.words(ids_rbs)
    masks = model.masks(words_rbsd, len(TARGETS))
    left = iter(masks)
    model.features(words_rbsd, TARGETS, left)
    assert len(masks) == 1 + 3 * len(model.layers)
    assert next(left, None) is None


def test_without_training_there_are_no_masks(model: StackedModel) -> None:
    assert model.eval().masks(torch.zeros(2, 3, 5, 8), len(TARGETS)) is None
