"""Checkpoints come from folders alone, and new rows have the stated law and touch nothing else."""

import logging

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM, GPT2LMHeadModel

from dual_process.language.loading import add_rows, load_model, load_tokenizer, num_rows
from tests.language.tiny_checkpoints import PIECES, bert_folder, gpt2_folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return bert_folder(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    return gpt2_folder(tmp_path_factory.mktemp("gpt2"))


def test_a_masked_model_is_the_encoder_that_was_saved_and_nothing_is_said(bert, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        model = load_model(bert, "masked")
    assert (caplog.text, *capfd.readouterr()) == ("", "", "")
    saved = BertForMaskedLM.from_pretrained(bert).bert.state_dict()
    own = model.state_dict()
    assert {name for name in own if not name.startswith("pooler.")} == set(saved)
    assert all(torch.equal(own[name], values) for name, values in saved.items())
    assert not model.training
    assert model.dtype == torch.float32


def test_a_causal_model_has_its_head_and_half_precision_becomes_single(gpt2, tmp_path):
    GPT2LMHeadModel.from_pretrained(gpt2).half().save_pretrained(tmp_path)
    model = load_model(tmp_path, "causal")
    assert isinstance(model, GPT2LMHeadModel)
    assert model.dtype == torch.float32
    assert model.lm_head.weight is model.transformer.wte.weight


@pytest.mark.parametrize("wanted", [True, False])
def test_attention_weights_come_when_asked_for(bert, wanted):
    model = load_model(bert, "masked", attentions=wanted)
    assert model.config._attn_implementation == ("eager" if wanted else "sdpa")


def test_loading_leaves_the_global_random_stream_alone(bert):
    state = torch.get_rng_state()
    model = load_model(bert, "masked")
    add_rows(model, count=3, seed=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_missing_folder_and_missing_weights_are_told_in_one_sentence(bert, tmp_path):
    with pytest.raises(ValueError, match=r"no checkpoint in .*/nowhere: put there config.json, model.safetensors and"):
        load_model(tmp_path / "nowhere", "masked")
    with pytest.raises(ValueError, match=r"no tokenizer in .*/nowhere: put tokenizer.json"):
        load_tokenizer(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text((bert / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"no weights in .*: put there a \*.safetensors file; \*.bin files are not read"
    ):
        load_model(tmp_path, "masked")


def test_a_checkpoint_of_another_kind_is_refused(gpt2, bert, tmp_path):
    for name in ("config.json", "model.safetensors"):
        source = bert if name == "config.json" else gpt2
        (tmp_path / name).write_bytes((source / name).read_bytes())
    with pytest.raises(ValueError, match=r"lacks \d+ weights of BertModel"):
        load_model(tmp_path, "masked")


def test_new_rows_follow_the_law_of_the_start_and_the_old_ones_stay(bert):
    model = load_model(bert, "masked")
    before = model.get_input_embeddings().weight.detach().clone()
    ids = add_rows(model, count=2000, seed=3)
    rows = model.get_input_embeddings().weight.detach()
    assert ids.tolist() == list(range(len(PIECES), len(PIECES) + 2000))
    assert num_rows(model) == len(PIECES) + 2000
    assert torch.equal(rows[: len(PIECES)], before)
    new = rows[len(PIECES) :]
    # 32,000 draws: six standard errors
    assert abs(new.mean()) < 6 * 0.2 / np.sqrt(32_000)
    assert abs(new.std() / 0.2 - 1) < 6 / np.sqrt(2 * 32_000)


def test_new_rows_depend_on_the_seed_alone_and_fewer_are_the_first_of_more(bert):
    def rows(count, seed):
        model = load_model(bert, "masked")
        add_rows(model, count=count, seed=seed)
        return model.get_input_embeddings().weight[len(PIECES) :]

    assert torch.equal(rows(5, 0), rows(9, 0)[:5])
    assert not torch.equal(rows(5, 0), rows(5, 1))


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_gets_the_rows_too_tied_or_not(tmp_path, tied):
    model = load_model(gpt2_folder(tmp_path, tie_word_embeddings=tied), "causal")
    (first, *_) = add_rows(model, count=4, seed=0)
    inputs, outputs = model.transformer.wte.weight[first:], model.lm_head.weight[first:]
    assert outputs.shape == (4, 16)
    assert torch.equal(inputs, outputs) == tied
    assert torch.all(outputs != 0)


def test_the_bias_of_new_words_is_zero(bert):
    model = BertForMaskedLM.from_pretrained(bert)
    with torch.no_grad():
        model.cls.predictions.bias.fill_(1)
    add_rows(model, count=2, seed=0)
    assert model.get_output_embeddings().bias.tolist() == [1] * len(PIECES) + [0, 0]
