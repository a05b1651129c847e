"""Syllogisms: what is asked, that no habit of word or order answers it, and scores against models of known habits."""

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from scipy import stats
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from dual_process.language import syllogisms
from dual_process.language.loading import num_rows
from dual_process.language.syllogism_text import training_sentences
from dual_process.language.syllogisms import (
    EVALUATIONS,
    METRICS,
    Prompts,
    encode_prompts,
    make_prompts,
    measure,
    score,
    score_trials,
    single_piece_nouns,
)
from dual_process.store import RUN_COLUMNS, write_store
from tests.language.tiny_checkpoints import gpt2_tokenizer, unit_plan

NOUNS = ["cat", "dog", "bone", "bird", "sea", "house", "river", "stone"]
VOCABULARY = ["<|endoftext|>", "[UNK]", ".", ",", "all", "are", "therefore", *NOUNS, "win", "##ter"]
FORM = re.compile(r"All (\w+) are (\w+) \. All (\w+) are (\w+) \. Therefore , all (\w+) are (\w+) \.")


def make_tokenizer():
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = {"unk_token": "[UNK]", "eos_token": "<|endoftext|>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **ends)


def make_model(seed=0, *, tied=True):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, "vocab_size": len(VOCABULARY)}
        ends = {"bos_token_id": 0, "eos_token_id": 0}
        config = GPT2Config(**sizes, **ends, initializer_range=0.3, tie_word_embeddings=tied)
        return GPT2LMHeadModel(config).eval()


def make_types(nouns=NOUNS):
    """Types in which the nouns come last, the most frequent of them first, and `winter` has two pieces."""
    forms = ["winter", "cold", "unheard", *nouns]
    counts = [900, 0, 800, *range(len(nouns) * 10, 0, -10)]
    roles = ["noun", "adjective", "noun", *["noun"] * len(nouns)]
    columns = {"form": np.array(forms, object), "role": np.array(roles, object), "noun_count": counts}
    return xr.Dataset({name: ("type", values) for name, values in columns.items()})


class Habit:
    """A model that always prefers what a function of the word pieces says."""

    device = torch.device("cpu")
    config = SimpleNamespace(max_position_embeddings=32)

    def __init__(self, choose):
        self.choose = choose

    def __call__(self, input_ids, **options):
        logits = torch.zeros(*input_ids.shape, len(VOCABULARY))
        for row, ids in enumerate(input_ids.tolist()):
            for rank, piece in enumerate(self.choose(ids)):
                logits[row, -1, piece] = 3.0 - rank
        return SimpleNamespace(logits=logits)


def pieces(*words):
    return [VOCABULARY.index(word) for word in words]


def test_sentences_are_syllogisms_about_three_different_words_all_triples_alike():
    count = 6000
    sentences = training_sentences(NOUNS[:4], np.random.default_rng(0), count)
    seen = {}
    for words in sentences:
        x, y, again_y, z, again_x, again_z = FORM.fullmatch(" ".join(words)).groups()
        assert (y, x, z) == (again_y, again_x, again_z)
        seen[x, y, z] = seen.get((x, y, z), 0) + 1
    assert len(seen) == 4 * 3 * 2
    assert all(len(set(triple)) == 3 for triple in seen)
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3


def test_prompts_hold_three_different_nouns_and_every_second_one_exchanges_two():
    prompts = make_prompts(pieces(*NOUNS), np.random.default_rng(0), 200)
    table = np.stack([prompts.subject, prompts.middle, prompts.answer], axis=1)
    assert table.shape == (200, 3)
    assert all(len(set(row)) == 3 for row in table.tolist())
    assert set(table.flatten()) == set(pieces(*NOUNS))
    assert np.array_equal(table[0::2], table[1::2][:, [0, 2, 1]])
    assert make_prompts(pieces(*NOUNS), np.random.default_rng(0), 11).answer.shape == (11,)


def test_fewer_than_three_nouns_are_refused():
    with pytest.raises(ValueError, match="three nouns that are one word piece each, and there are 2"):
        make_prompts([1, 2], np.random.default_rng(0), 10)


def test_prompts_are_encoded_as_the_whole_text_would_be():
    byte_level = gpt2_tokenizer()
    cat, dog, house = (byte_level.encode(f" {word}") for word in ("cat", "dog", "house"))
    assert len(cat) == len(dog) == len(house) == 1
    prompts = Prompts(*map(np.array, (cat, dog, house)))
    text = "All cat are dog. All dog are house. Therefore, all cat are"
    assert encode_prompts(byte_level, prompts).tolist() == [byte_level.encode(text)]
    lower = make_tokenizer()
    prompts = Prompts(*map(np.array, (pieces("cat", "sea"), pieces("dog", "bone"), pieces("house", "bird"))))
    spaced = [
        "All cat are dog . All dog are house . Therefore , all cat are",
        "All sea are bone . All bone are bird . Therefore , all sea are",
    ]
    assert encode_prompts(lower, prompts).tolist() == lower(spaced)["input_ids"]


def test_a_sentence_of_the_text_begins_with_the_prompt_it_answers():
    tokenizer = make_tokenizer()
    words = training_sentences(NOUNS, np.random.default_rng(3), 1)[0]
    ids = tokenizer.encode(" ".join(words))
    prompts = Prompts(*(np.array([ids[place]]) for place in (1, 3, 8)))
    assert encode_prompts(tokenizer, prompts).tolist() == [ids[:-2]]
    assert ids[-2] == ids[8]


def test_nouns_are_whole_pieces_by_frequency():
    found = single_piece_nouns(make_tokenizer(), make_types(), most=5)
    assert found.tolist() == pieces(*NOUNS[:5])
    ties = make_types(["sea", "cat"]).assign(noun_count=("type", [9, 9, 9, 1, 1]))
    assert single_piece_nouns(make_tokenizer(), ties, most=5).tolist() == pieces("cat", "sea")
    none = make_types().isel(type=slice(1, 2))
    assert single_piece_nouns(make_tokenizer(), none, most=5).tolist() == []


@pytest.mark.parametrize(
    ("choose", "preferred"),
    [
        (lambda ids: [ids[8], ids[3]], 1.0),  # concludes
        (lambda ids: [ids[3], ids[8]], 0.0),  # repeats what followed the subject
        (sorted, 0.5),  # likes some words better than others
        (lambda ids: sorted(ids, reverse=True), 0.5),
    ],
    ids=["conclusion", "repetition", "low pieces", "high pieces"],
)
def test_habits_get_their_scores(choose, preferred):
    prompts = make_prompts(pieces(*NOUNS), np.random.default_rng(0), 60)
    found = score(Habit(choose), make_tokenizer(), prompts, known=len(VOCABULARY), batch_tokens=100)
    assert found[0] == preferred


def test_scores_are_those_of_one_prompt_at_a_time():
    model, tokenizer = make_model(), make_tokenizer()
    prompts = make_prompts(pieces(*NOUNS), np.random.default_rng(0), 21)
    preferred, answers, middles = [], [], []
    for ids, answer, middle in zip(encode_prompts(tokenizer, prompts), prompts.answer, prompts.middle, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor(ids)[None]).logits[0, -1]
        shares = torch.softmax(logits, 0)
        preferred.append(bool(logits[answer] > logits[middle]))
        answers.append(float(shares[answer]))
        middles.append(float(shares[middle]))
    assert 0 < np.mean(preferred) < 1
    for batch_tokens in (1, 80, 10_000):
        found = score(model, tokenizer, prompts, known=len(VOCABULARY), batch_tokens=batch_tokens)
        assert found == pytest.approx([np.mean(preferred), np.mean(answers), np.mean(middles)], rel=1e-5)


def test_a_model_that_cannot_read_a_prompt_is_refused(monkeypatch):
    prompts = make_prompts(pieces(*NOUNS), np.random.default_rng(0), 4)
    monkeypatch.setattr(Habit, "config", SimpleNamespace(max_position_embeddings=14))
    with pytest.raises(ValueError, match="a prompt takes 15 word pieces and the model reads 14"):
        score(Habit(sorted), make_tokenizer(), prompts, known=len(VOCABULARY), batch_tokens=100)


@pytest.mark.parametrize("tied", [True, False])
def test_new_subjects_are_fresh_rows_and_take_no_probability(tied, monkeypatch):
    model, asked = make_model(tied=tied), []
    known, before = num_rows(model), model.get_input_embeddings().weight.detach().clone()
    keep = syllogisms.score
    monkeypatch.setattr(syllogisms, "score", lambda *args, **more: asked.append(args[2]) or keep(*args, **more))
    probing = unit_plan("causal", trials=3, new_subjects=5, prompts=40).probing
    values = score_trials(model, make_tokenizer(), np.array(pieces(*NOUNS)), probing)
    assert values.shape == (2, 3, 3)
    rows = model.get_input_embeddings().weight.detach()
    assert rows.shape == (known + 15, 16)
    assert torch.equal(rows[:known], before)
    assert stats.kstest(rows[known:].flatten().numpy(), stats.norm(0, 0.3).cdf).pvalue > 1e-3
    subjects = [set(prompts.subject.tolist()) for prompts in asked[1::2]]
    assert set.union(*subjects) <= set(range(known, known + 15))
    assert all(not first & second for first, second in pairwise(subjects))
    for seen, unseen in zip(asked[::2], asked[1::2], strict=True):
        assert np.array_equal(seen.middle, unseen.middle)
        assert np.array_equal(seen.answer, unseen.answer)
        assert np.array_equal(unseen.subject[::2], unseen.subject[1::2])
    with torch.no_grad():
        ids = torch.from_numpy(encode_prompts(make_tokenizer(), asked[1]))
        shares = model(ids).logits[:, -1, :known].softmax(-1)
    answer = shares.gather(1, torch.from_numpy(asked[1].answer)[:, None]).mean()
    assert values[1, METRICS.index("answer_probability"), 0] == pytest.approx(float(answer), rel=1e-5)
    again = score_trials(make_model(tied=tied), make_tokenizer(), np.array(pieces(*NOUNS)), probing)
    assert np.array_equal(values, again)


def save(folder, seed):
    make_model(seed).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def test_checkpoints_of_a_unit_become_one_run(tmp_path):
    folders = [save(tmp_path / str(seed), seed) for seed in (1, 2)]
    write_store(tmp_path / "sentences.zarr", {"types": make_types()}, {})
    plan = unit_plan("causal", steps=(10, 20), trials=2, prompts=30, new_subjects=4)
    found = measure(plan, folders=folders, sentences=tmp_path / "sentences.zarr", threads=1)
    assert found["syllogism"].dims == ("run", "step", "evaluation", "metric", "trial")
    assert found["syllogism"].shape == (1, 2, 2, 3, 2)
    assert found["step"].values.tolist() == [10, 20]
    assert found["evaluation"].values.tolist() == list(EVALUATIONS)
    assert found["metric"].values.tolist() == list(METRICS)
    assert set(RUN_COLUMNS) <= set(found.coords)
    assert found["layers"].item() == 2
    assert found["vocabulary"].item() == len(VOCABULARY)
    for step, seed in ((10, 1), (20, 2)):
        wanted = score_trials(make_model(seed), make_tokenizer(), np.array(pieces(*NOUNS)), plan.probing)
        assert np.array_equal(found["syllogism"].sel(step=step).isel(run=0), wanted)


def test_masked_models_are_refused(tmp_path):
    with pytest.raises(ValueError, match="local are masked models, and syllogisms need causal ones"):
        measure(unit_plan("masked"), folders=[tmp_path], sentences=tmp_path, threads=1)
