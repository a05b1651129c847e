"""Stacked layers against PyTorch's ordinary ones, run by run."""

import pytest
import torch
from torch import Tensor, nn

from dual_process.models.stacked import StackedEmbedding, StackedLayerNorm, StackedLinear, affine_together


def randomise(module: nn.Module) -> None:
    torch.manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter)


def compare(stacked: nn.Module, x: Tensor, plain: list[nn.Module]) -> None:
    output = stacked(x)
    for run, module in enumerate(plain):
        torch.testing.assert_close(output[run], module(x[run]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_runs", [1, 3])
def test_linear(num_runs: int) -> None:
    stacked = StackedLinear(num_runs, 5, 4)
    randomise(stacked)
    plain = [nn.Linear(5, 4) for _ in range(num_runs)]
    for run, module in enumerate(plain):
        module.load_state_dict({"weight": stacked.weight[run].T, "bias": stacked.bias[run, 0]})
    compare(stacked, torch.randn(num_runs, 6, 5), plain)


def test_several_maps_of_the_same_rows() -> None:
    layers = [StackedLinear(2, 5, width) for width in (4, 3, 4)]
    randomise(nn.ModuleList(layers))
    x = torch.randn(2, 6, 5)
    for layer, found in zip(layers, affine_together(x, *layers), strict=True):
        torch.testing.assert_close(found, layer(x))


@pytest.mark.parametrize("epsilon", [1e-12, 0.5])
@pytest.mark.parametrize("num_runs", [1, 3])
def test_layer_norm(num_runs: int, epsilon: float) -> None:
    stacked = StackedLayerNorm(num_runs, 5, epsilon)
    randomise(stacked)
    plain = [nn.LayerNorm(5, epsilon) for _ in range(num_runs)]
    for run, module in enumerate(plain):
        module.load_state_dict({"weight": stacked.weight[run, 0], "bias": stacked.bias[run, 0]})
    compare(stacked, torch.randn(num_runs, 6, 5), plain)


@pytest.mark.parametrize("num_runs", [1, 3])
def test_embedding(num_runs: int) -> None:
    stacked = StackedEmbedding(num_runs, 8, 5)
    randomise(stacked)
    plain = [nn.Embedding.from_pretrained(stacked.weight[run].detach()) for run in range(num_runs)]
    compare(stacked, torch.randint(8, (num_runs, 20)), plain)
