"""Compiled forward passes against plain ones."""

import pytest
import torch

from dual_process.models.interface import StackedModel
from dual_process.models.registry import BUILDERS
from dual_process.probing import compiled_features
from dual_process.probing.compiled_features import CompiledFeatures
from tests.compiles import compiles

TARGETS = (3, 4)


def make_model(kind: str) -> StackedModel:
    sizes = {"num_tokens": 11, "num_positions": 5, "layers": 2, "width": 8, "heads": 2, "feed_forward": 12}
    model = BUILDERS[kind]({**sizes, "dropout": 0.5, "num_runs": 2}, 0).eval()
    model.initialise([torch.Generator().manual_seed(run) for run in range(2)])
    return model


@compiles
@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_batches_of_every_size_and_other_weights_share_one_graph(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    compiled = compiled_features.compiled
    monkeypatch.setattr(compiled_features, "compiled", lambda *each: made.append(compiled(*each)) or made[-1])
    features, model = CompiledFeatures(TARGETS, 6), make_model(kind)
    for size in (6, 2, 4, 9):  # whole, too small to fill, filled up, too large
        ids = torch.randint(11, (2, size, 5), generator=torch.Generator().manual_seed(size))
        with torch.inference_mode():
            found, wanted = features(model, ids), model(ids, TARGETS)
        assert found.shape == (2, size, 2, 8)
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
        model = make_model(kind) if size == 2 else model
    assert len(made) == 1


@compiles
def test_models_of_other_sizes_have_graphs_of_their_own() -> None:
    features, ids = CompiledFeatures(TARGETS, 3), torch.arange(30).view(2, 3, 5) % 11
    for kind in sorted(BUILDERS):
        model = make_model(kind)
        with torch.inference_mode():
            torch.testing.assert_close(features(model, ids), model(ids, TARGETS), rtol=1e-5, atol=1e-5)
