"""Scores of attention heads on hand-made attention, against their definition, and on models with planted heads."""

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from dual_process.language.attention_heads import (
    PATTERNS,
    SEQUENCES,
    measure,
    ordinary_pieces,
    pattern_scores,
    repeated_sequences,
    score_model,
)
from dual_process.language.loading import load_model, load_tokenizer
from tests.language.tiny_checkpoints import bert_folder, bert_tokenizer, gpt2_folder, unit_plan

POSITIONS, ROWS = 40, 24


def scores_by_definition(attention, tokens):
    """Score of each pattern for one attention matrix, position by position."""
    belongs = {
        "previous": lambda q, k: k == q - 1,
        "duplicate": lambda q, k: k < q and tokens[k] == tokens[q],
        "induction": lambda q, k: 0 < k < q and tokens[k - 1] == tokens[q],
    }
    found = []
    for name in PATTERNS:
        keys = [[k for k in range(len(tokens)) if belongs[name](q, k)] for q in range(len(tokens))]
        paid = [sum(float(attention[q, k]) for k in each) for q, each in enumerate(keys) if each]
        found.append(sum(paid) / len(paid) if paid else 0)
    return found


@pytest.mark.parametrize("tokens", [[5, 6, 7, 5, 6, 7, 5, 6, 7], [1, 1, 2, 1, 3, 3, 2, 2, 2], [1, 2, 3]])
def test_scores_are_what_they_are_defined_to_be(tokens):
    attention = torch.rand(2, 3, len(tokens), len(tokens), generator=torch.Generator().manual_seed(0)).softmax(-1)
    found = pattern_scores(attention, torch.tensor(tokens))
    assert found.shape == (3, 2, 3)
    for block in range(2):
        for head in range(3):
            wanted = scores_by_definition(attention[block, head], tokens)
            assert found[:, block, head].tolist() == pytest.approx(wanted)
    assert found[0].min() > 0


@pytest.mark.parametrize(("shift", "pattern"), [(1, "previous"), (6, "duplicate"), (5, "induction")])
def test_a_perfect_head_scores_one_and_nothing_else(shift, pattern):
    tokens = torch.arange(6).repeat(3)
    attention = torch.diag_embed(torch.ones(18 - shift), offset=-shift)
    attention[range(shift), range(shift)] = 1  # before, it pays to itself
    found = dict(zip(PATTERNS, pattern_scores(attention, tokens).tolist(), strict=True))
    wanted = dict.fromkeys(PATTERNS, 0.0) | {pattern: 1.0}
    assert found == wanted


def test_keys_after_the_query_never_count():
    tokens = torch.arange(4).repeat(3)
    attention = torch.rand(12, 12, generator=torch.Generator().manual_seed(0)).triu()
    assert pattern_scores(attention, tokens).tolist() == [0, 0, 0]


@pytest.mark.parametrize("limit", [12, 40, 1000])
def test_sequences_repeat_different_pieces_within_the_limit(limit):
    pieces = np.arange(100, 140)
    found = repeated_sequences(pieces, limit=limit, seed=0)
    assert len(found) == SEQUENCES
    for tokens in found:
        length = len(set(tokens.tolist()))
        assert 5 <= length <= 20
        assert len(tokens) <= limit
        assert len(tokens) // length in range(2, 6)
        np.testing.assert_array_equal(tokens, np.tile(tokens[:length], len(tokens) // length))
        assert np.isin(tokens, pieces).all()
    again, other = (repeated_sequences(pieces, limit=limit, seed=seed) for seed in (0, 1))
    assert [each.tolist() for each in again] == [each.tolist() for each in found]
    assert [each.tolist() for each in other] != [each.tolist() for each in found]


def test_a_model_too_small_to_repeat_anything_is_told():
    with pytest.raises(ValueError, match="a model of 9 positions and 50 word pieces is too small"):
        repeated_sequences(np.arange(50), limit=9, seed=0)


def test_special_and_free_pieces_are_left_out():
    tokenizer = bert_tokenizer()
    tokenizer.add_tokens(["[unused7]", "new"])
    kept = ordinary_pieces(tokenizer, len(tokenizer))
    assert set(tokenizer.get_vocab()) - {tokenizer.convert_ids_to_tokens(int(index)) for index in kept} == {
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused7]")
    }
    assert ordinary_pieces(tokenizer, 20).tolist() == list(range(5, 20))


def copying_model():
    """GPT-2 whose first block has a head for the previous and one for the same token; the second an induction head."""
    width, token, previous, strength = 128, POSITIONS, POSITIONS + ROWS, 2.0
    sizes = {"vocab_size": ROWS, "n_positions": POSITIONS, "n_embd": width, "n_layer": 2, "n_head": 2}
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))
    with torch.no_grad():
        for name, parameter in model.transformer.named_parameters():
            if "ln_" not in name:
                parameter.zero_()
        places, tokens = torch.arange(POSITIONS), torch.arange(ROWS)
        model.transformer.wpe.weight[places, places] = 1
        model.transformer.wte.weight[tokens, token + tokens] = 1
        first, second = (block.attn for block in model.transformer.h)
        query, key, value, head_width = 0, width, 2 * width, 64
        first.c_attn.weight[places[1:], query + places[:-1]] = strength
        first.c_attn.weight[places, key + places] = strength
        first.c_attn.weight[token + tokens, query + head_width + tokens] = strength
        first.c_attn.weight[token + tokens, key + head_width + tokens] = strength
        # the first head hands on which token was before
        first.c_attn.weight[token + tokens, value + tokens] = 1
        first.c_proj.weight[tokens, previous + tokens] = 1
        second.c_attn.weight[token + tokens, query + tokens] = strength
        second.c_attn.weight[previous + tokens, key + tokens] = strength
    return model


def test_planted_heads_of_a_model_score_what_they_were_made_for(tmp_path):
    copying_model().save_pretrained(tmp_path)
    bert_tokenizer().save_pretrained(tmp_path)
    found = measure(unit_plan("causal", steps=(7,)), folders=[tmp_path], threads=1)
    assert found["head_score"].dims == ("run", "step", "pattern", "block", "head")
    assert found["head_score"].shape == (1, 1, 3, 2, 2)
    score = found["head_score"].isel(run=0, step=0)
    assert float(score.sel(pattern="previous", block=1, head=0)) > 0.99
    assert float(score.sel(pattern="induction", block=2, head=0)) > 0.95
    # the head of the same token pays to the query itself, too: half at the second copy, a third at the third ...
    pieces = ordinary_pieces(bert_tokenizer(), ROWS)
    copies = [len(each) // len(set(each.tolist())) for each in repeated_sequences(pieces, limit=POSITIONS, seed=0)]
    wanted = np.mean([np.mean([1 - 1 / copy for copy in range(2, count + 1)]) for count in copies])
    assert float(score.sel(pattern="duplicate", block=1, head=1)) == pytest.approx(wanted, abs=0.01)
    for pattern, block, head in (("duplicate", 1, 0), ("previous", 1, 1), ("previous", 2, 0), ("duplicate", 2, 0)):
        assert float(score.sel(pattern=pattern, block=block, head=head)) < 0.2
    assert found["layers"].item() == 2
    assert found["vocabulary"].item() == ROWS


@pytest.mark.parametrize("objective", ["masked", "causal"])
def test_scores_of_a_model_are_those_of_its_attentions(tmp_path, objective):
    folder = bert_folder(tmp_path) if objective == "masked" else gpt2_folder(tmp_path)
    model, tokenizer = load_model(folder, objective, attentions=True), load_tokenizer(folder)
    found = score_model(model, tokenizer, seed=3, causal=objective == "causal")
    ends = 1 if objective == "masked" else 0
    pieces = ordinary_pieces(tokenizer, len(tokenizer))
    wanted = []
    for tokens in repeated_sequences(pieces, limit=40 - 2 * ends, seed=3):
        ids = [tokenizer.cls_token_id, *tokens, tokenizer.sep_token_id] if ends else tokens.tolist()
        with torch.no_grad():
            attentions = model(torch.tensor([ids]), output_attentions=True).attentions
        inner = [[head[ends : len(ids) - ends, ends : len(ids) - ends] for head in block[0]] for block in attentions]
        wanted.append([[scores_by_definition(head.numpy(), tokens) for head in block] for block in inner])
    np.testing.assert_allclose(found, np.moveaxis(np.mean(wanted, 0), -1, 0), rtol=1e-5)
    assert found.shape == (3, 2, 2)
    assert found.std() > 1e-3
