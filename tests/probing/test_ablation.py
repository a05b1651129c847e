"""Silenced heads, on models whose heads are set by hand."""

import numpy as np
import pytest
import torch

from dual_process.probing.ablation import ablate_heads, two_way_accuracy
from dual_process.tasks.part_of_speech import expand
from tests.probing.planted import ADJECTIVES, COPULA, NOUNS, READERS, reading_stack


def sequences(*, exchanged=False, size=64):
    """Inputs and candidates of two runs, the classes of both slots perhaps exchanged."""
    rng = np.random.default_rng(0)
    pools = (NOUNS, ADJECTIVES) if exchanged else (ADJECTIVES, NOUNS)
    adjective, noun = (rng.choice(pool, (2, size)) for pool in pools)
    inputs, _ = expand(rng.integers(0, 4, (2, size)), adjective, noun, copula=COPULA)
    return torch.from_numpy(inputs), torch.from_numpy(np.stack([adjective, noun], axis=-1))


@pytest.mark.parametrize("exchanged", [False, True])
@pytest.mark.parametrize("batch_size", [5, 64])
def test_the_reading_head_alone_decides(batch_size, exchanged):
    """Without it the model answers the noun, which is wrong, or right where the classes are exchanged."""
    inputs, choice = sequences(exchanged=exchanged)
    model, options = reading_stack(), {"target": 4, "batch_size": batch_size}
    assert two_way_accuracy(model, inputs, choice, **options).tolist() == [1, 1]
    found = ablate_heads(model, inputs, choice, **options)
    assert found.shape == (2, 2, 2)
    for run, reader in enumerate(READERS):
        assert found[run, 1, reader] == (0 if exchanged else -1)
        assert found[run, 1, 1 - reader] == 0
        assert found[run, 0, 1] == 0
        assert found[run, 0, 0] < -0.2  # nobody tells the reader where to look


def test_the_model_is_left_as_it_was():
    model, (inputs, choice) = reading_stack(), sequences()
    before = model(inputs, (4, 5, 6))
    ablate_heads(model, inputs, choice, target=4, batch_size=64)
    assert all(layer.kept_heads is None for layer in model.attention_layers())
    assert torch.equal(model(inputs, (4, 5, 6)), before)
