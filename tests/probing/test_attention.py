"""Attention to parts, on models whose heads are set by hand, and against transformers."""

import numpy as np
import pytest
import torch

from dual_process.probing.attention import read_parts
from dual_process.tasks.part_of_speech import PARTS, TEMPLATE_PARTS, expand
from tests.peers import TARGETS, batches, peers, stack_of
from tests.probing.planted import ADJECTIVES, COPULA, NOUNS, READERS, reading_stack


def sequences(size=64, seed=0):
    """Inputs and parts of two runs."""
    rng = np.random.default_rng(seed)
    template = rng.integers(0, 4, (2, size))
    inputs, _ = expand(template, rng.choice(ADJECTIVES, (2, size)), rng.choice(NOUNS, (2, size)), copula=COPULA)
    return torch.from_numpy(inputs), torch.from_numpy(TEMPLATE_PARTS[template])


@pytest.mark.parametrize("batch_size", [5, 64])
def test_planted_heads_read_what_they_were_made_for(batch_size):
    inputs, part = sequences()
    found = read_parts(reading_stack(), inputs, part, target=4, num_parts=len(PARTS), batch_size=batch_size)
    assert found.shape == (2, 2, 2, len(PARTS))
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 2, 2, dtype=torch.double))
    for run, reader in enumerate(READERS):
        assert found[run, 0, 0, PARTS.index("query")] > 0.99  # one position back
        assert found[run, 1, reader, PARTS.index("after_copula")] > 0.99
        for idle in (found[run, 0, 1], found[run, 1, 1 - reader]):  # a head without weights reads all alike
            torch.testing.assert_close(idle, torch.tensor([1, 1, 1, 1, 1, 2]).double() / 7)


def test_readings_are_sums_of_attentions_of_transformers():
    models = peers(2, heads=2, layers=3)
    inputs, _ = batches(2, batch=9)
    part = torch.randint(4, inputs.shape, generator=torch.Generator().manual_seed(1))
    found = read_parts(stack_of(models).eval(), inputs, part, target=TARGETS[0], num_parts=4, batch_size=4)
    for run, peer in enumerate(models):
        with torch.no_grad():
            patterns = peer.eval()(input_ids=inputs[run], output_attentions=True).attentions
        for layer, pattern in enumerate(patterns):
            for index in range(4):
                member = (part[run] == index)[:, None]
                wanted = (pattern[:, :, TARGETS[0]] * member).sum(-1).mean(0)
                torch.testing.assert_close(found[run, layer, :, index].float(), wanted)
