"""Every architecture behind one interface, and where training starts."""

import pytest
import torch

from dual_process.blocks import CORRECTED, REFERENCE, Bert, Protocol
from dual_process.models.registry import build_model, initial_model

SIZES = {"num_tokens": 30, "num_positions": 7}
BLOCK = Bert(layers=1, width=16, feed_forward=32)


def test_sizes_are_those_of_the_block():
    model = build_model(BLOCK, num_runs=3, **SIZES)
    assert model.word_embedding.weight.shape == (3, 30, 16)
    assert model.decoder_bias.shape == (3, 1, 30)
    assert len(model.layers) == 1


def test_a_run_starts_alike_in_any_cohort():
    together = initial_model(BLOCK, CORRECTED, seeds=(4, 5, 4), **SIZES).state_dict()
    alone = initial_model(BLOCK, CORRECTED, seeds=(5,), **SIZES).state_dict()
    for name, tensor in together.items():
        assert torch.equal(tensor[1], alone[name][0])
        assert torch.equal(tensor[0], tensor[2])
    assert not torch.equal(together["word_embedding.weight"][0], together["word_embedding.weight"][1])


def test_the_first_noun_is_padding_in_the_reference_alone():
    for protocol, is_padding in ((REFERENCE, True), (CORRECTED, False)):
        row = initial_model(BLOCK, protocol, seeds=(0,), **SIZES).word_embedding.weight[0, 0]
        assert bool((row == 0).all()) == is_padding


@pytest.mark.parametrize("scale", [0.02, 1.0])
def test_the_protocol_scales_the_word_embedding_alone(scale):
    usual = initial_model(BLOCK, CORRECTED, seeds=(0,), **SIZES).state_dict()
    scaled = initial_model(BLOCK, Protocol(initial_embedding_scale=scale), seeds=(0,), **SIZES).state_dict()
    for name, tensor in usual.items():
        factor = scale / 0.02 if name == "word_embedding.weight" else 1
        assert torch.allclose(scaled[name], tensor * factor)
