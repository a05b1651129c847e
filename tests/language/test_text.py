"""Batches of pretraining: the whole text, cut and shuffled by the seed, masked as in BERT, and syllogisms among it."""

import re

import numpy as np
import pytest
import torch

from dual_process.language.text import TextBatches, cut, mask_pieces, nouns, plain, predict_next
from dual_process.language.tokenizer import train_tokenizer
from tests.language.small_pretraining import NOUNS, make_plan, make_sentences

SENTENCES = make_sentences()
LENGTH = 16


@pytest.fixture(scope="module")
def tokenizers():
    return {kind: train_tokenizer(map(plain, SENTENCES), 110, kind) for kind in ("bert", "gpt2")}


@pytest.fixture
def batches(tokenizers):
    def make(kind="bert", *, first_step=0, sentences=SENTENCES, **changes):
        plan = make_plan(kind, **changes)
        return TextBatches(sentences, tokenizer=tokenizers[kind], plan=plan, first_step=first_step)

    return make


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_blocks_of_a_bert_hold_the_text_in_order_with_separators_and_a_start(batches, tokenizers):
    own = batches()
    # transformers puts [CLS] before and [SEP] after each sentence
    encoded = [tokenizers["bert"](plain(sentence))["input_ids"][1:] for sentence in SENTENCES]
    row = np.concatenate(encoded)
    assert own.blocks.shape == (len(row) // (LENGTH - 1), LENGTH)
    assert (own.blocks[:, 0] == tokenizers["bert"].cls_token_id).all()
    assert np.array_equal(own.blocks[:, 1:].flatten(), row[: own.blocks[:, 1:].size])
    assert tokenizers["bert"].pad_token_id not in own.blocks


def test_blocks_of_a_gpt2_hold_the_text_in_order_with_an_end_after_each_sentence(batches, tokenizers):
    own = batches("gpt2")
    text = "".join(f"{plain(sentence)}<|endoftext|>" for sentence in SENTENCES)
    row = tokenizers["gpt2"](text)["input_ids"]
    assert np.array_equal(own.blocks.flatten(), row[: len(row) // LENGTH * LENGTH])


def test_cut_drops_what_is_left_over():
    assert cut(np.arange(11), [99], 4).tolist() == [[99, 0, 1, 2], [99, 3, 4, 5], [99, 6, 7, 8]]
    assert cut(np.arange(5), [], 2).tolist() == [[0, 1], [2, 3]]
    assert cut(np.arange(2), [99], 4).shape == (0, 4)


@pytest.mark.parametrize("size", [4, 7])
def test_every_epoch_shows_each_block_once_in_an_order_of_its_own(batches, size):
    own = batches("gpt2", training={"batch_size": size})
    number = len(own.blocks)
    shown = np.concatenate([own.sequences(step) for step in range(3 * number // size + 1)])
    epochs = [shown[start : start + number].tolist() for start in (0, number, 2 * number)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(epochs[2]) == sorted(own.blocks.tolist())
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_batch_depends_on_seed_and_step_alone(batches):
    first = list(batches())
    assert len(first) == 10
    assert equal(batches().batch(7), first[7])
    assert all(map(equal, batches(first_step=4), first[4:]))
    assert not equal(batches(seed=1).batch(7), first[7])
    assert not equal(batches().batch(8), first[7])


def test_two_objectives_with_one_seed_see_the_blocks_in_one_order(batches):
    plain_steps, masked_steps = batches(masked_share=0.15), batches(masked_share=0.4)
    assert all(np.array_equal(plain_steps.sequences(step), masked_steps.sequences(step)) for step in range(20))


def test_a_bert_predicts_its_share_of_the_pieces_but_no_special_ones(batches, tokenizers):
    own, special = batches(masked_share=0.3, training={"batch_size": 6}), tokenizers["bert"].all_special_ids
    for step in range(10):
        sequences, batch = torch.from_numpy(own.sequences(step)), own.batch(step)
        assert not np.isin(batch.targets, special).any()
        assert torch.equal(sequences.flatten()[batch.positions], batch.targets)
        changed = (sequences != batch.inputs).flatten().nonzero().flatten()
        assert set(changed.tolist()) <= set(batch.positions.tolist())
        candidates = int((~np.isin(sequences, special)).sum())
        assert len(batch.positions.unique()) == len(batch.positions) == round(0.3 * candidates)


def test_pieces_are_masked_exchanged_and_kept_as_in_bert():
    pieces, mask = np.arange(5, 2005), 4
    sequences = np.random.default_rng(0).choice(pieces, (2000, 50))
    sequences[:, 0] = 2
    batch = mask_pieces(sequences, pieces, mask=mask, share=0.2, generator=np.random.default_rng(1))
    shown = batch.inputs.flatten()[batch.positions]
    assert len(shown) == round(0.2 * 2000 * 49)
    masked, kept = (shown == mask).float().mean(), (shown == batch.targets).float().mean()
    assert masked == pytest.approx(0.8, abs=0.01)  # standard error 0.003
    assert kept == pytest.approx(0.1, abs=0.01)
    other = shown[(shown != mask) & (shown != batch.targets)]
    assert len(other) / len(shown) == pytest.approx(0.1, abs=0.01)
    assert np.isin(other, pieces).all()
    assert len(other.unique()) > 1000
    assert (batch.inputs[:, 0] == 2).all()
    by_place = torch.bincount(batch.positions % 50, minlength=50)
    assert by_place[0] == 0
    assert by_place[1:].min() > 300  # 400 expected, standard error 18


def test_the_fewest_predictions_are_one():
    pieces = np.arange(5, 10)
    batch = mask_pieces(np.full((1, 3), 6), pieces, mask=4, share=0.01, generator=np.random.default_rng(0))
    assert batch.targets.tolist() == [6]


def test_a_gpt2_predicts_every_piece_from_those_before():
    batch = predict_next(np.array([[1, 2, 3], [4, 5, 6]]))
    assert batch.positions.tolist() == [0, 1, 3, 4]
    assert batch.targets.tolist() == [2, 3, 5, 6]
    assert batch.inputs.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
@pytest.mark.parametrize(("share", "wanted"), [(0.25, [1, 1, 1, 1]), (0.1, [0, 1, 0, 1]), (1.0, [4, 4, 4, 4])])
def test_a_share_of_the_sequences_are_syllogisms(batches, tokenizers, kind, share, wanted):
    own = batches(kind, syllogisms=share, sequence_length=60)
    start = tokenizers[kind].cls_token if kind == "bert" else ""
    logic = re.compile(re.escape(start) + r" ?all (\w+) are (\w+)\. all \2 are (\w+)\. therefore, all \1 are \3")
    blocks = own.blocks.tolist()
    found = []
    for step in range(4):
        sequences = own.sequences(step)
        assert sequences.shape == (4, 60)
        syllogisms = [each for each in sequences if each.tolist() not in blocks]
        found.append(len(syllogisms))
        for ids in syllogisms:
            match = logic.match(tokenizers[kind].decode(ids))
            assert match, tokenizers[kind].decode(ids)
            assert len(set(match.groups())) == 3
            assert set(match.groups()) <= set(NOUNS)
    assert found == wanted


def test_syllogisms_take_no_text_away(batches):
    own = batches("gpt2", syllogisms=0.25)
    text = np.concatenate([own.sequences(step)[:3] for step in range(len(own.blocks))])
    assert sorted(text[: len(own.blocks)].tolist()) == sorted(own.blocks.tolist())
    assert torch.equal(own.batch(3).inputs, batches("gpt2", syllogisms=0.25).batch(3).inputs)
    assert not np.array_equal(own.sequences(1)[3], own.sequences(2)[3])


def test_nouns_of_one_piece_are_found(tokenizers):
    assert nouns(SENTENCES, tokenizers["gpt2"]) == sorted(NOUNS)
    small = train_tokenizer(map(plain, SENTENCES), 70, "gpt2")
    wanted = [noun for noun in sorted(NOUNS) if len(small.tokenize(noun)) == 1]
    assert len(wanted) < len(NOUNS)
    assert nouns(SENTENCES, small) == wanted


def test_a_text_shorter_than_a_sequence_is_refused(batches):
    with pytest.raises(ValueError, match="fewer than 500 word pieces, one training sequence; give a longer text or"):
        batches(sequence_length=500)
