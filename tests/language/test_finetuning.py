"""Finetuning: the steps of an ordinary loop, the rows that forgetting leaves alone, scores at the right steps."""

import copy

import numpy as np
import pytest
import torch
import transformers

from dual_process.blocks import LanguageProbing, Training
from dual_process.language import finetuning
from dual_process.language.finetuning import TextBatches, finetune
from dual_process.language.loading import load_model
from dual_process.language.syllogisms import score_trials, single_piece_nouns
from dual_process.language.tokenizer import train_tokenizer
from dual_process.language_runs import FinetuningPlan, Labels
from dual_process.schedules import checkpoint_steps
from dual_process.store import write_store
from dual_process.training.forgetting import ProbabilisticForgetting
from tests.language.test_syllogisms import NOUNS, make_types
from tests.language.tiny_checkpoints import unit_plan

LENGTH = 8
VERBS = ["sees", "likes", "Finds"]


def make_text(count=30):
    generator = np.random.default_rng(0)
    return [
        f"The {generator.choice(NOUNS)} {generator.choice(VERBS)} a {generator.choice(NOUNS)} .".split()
        for _ in range(count)
    ]


def write_treebank(path, sentences):
    lines = []
    for words in sentences:
        lines += [f"{n}\t{word}\t_\tX\t_\t_\t{n - 1}\tdep\t_\t_" for n, word in enumerate(words, 1)] + [""]
    path.write_text("\n".join(lines))
    return path


def make_plan(schedule=None, *, steps=6, seed=0, **training):
    schedule = schedule or {"kind": "vanilla"}
    options = {"batch_size": 3, "learning_rate": 0.01, "checkpoints_every": 3, "checkpoints_logarithmic": 2}
    labels = Labels(
        run="run", corpus="toy", checkpoints="toy", training="short", protocol="corrected",
        schedule_name=schedule["kind"], schedule=schedule, seed=seed,
    )  # fmt: skip
    return FinetuningPlan(
        labels=labels,
        source=unit_plan("causal"),
        training=Training(steps=steps, **options | training).model_dump(mode="json"),
        sequence_length=LENGTH,
        probing=LanguageProbing(prompts=20, trials=2, new_subjects=4),
    )


class Place:
    """Folder with a checkpoint, a treebank and a store of sentences."""

    def __init__(self, folder):
        self.text = write_treebank(folder / "text.conllu", make_text())
        self.checkpoint, self.sentences = folder / "checkpoint", folder / "sentences.zarr"
        self.tokenizer = train_tokenizer([" ".join(words) for words in make_text()], 95, "gpt2")
        self.tokenizer.save_pretrained(self.checkpoint)
        write_store(self.sentences, {"types": make_types()}, {})
        self.save_model(dropout=0.0)

    def save_model(self, dropout):
        drops = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), dropout)
        sizes = {"vocab_size": len(self.tokenizer), "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64}
        ends = {"bos_token_id": 3, "eos_token_id": 3}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            config = transformers.GPT2Config(**sizes, **drops, **ends)
            transformers.GPT2LMHeadModel(config).save_pretrained(self.checkpoint)

    def finetune(self, plan):
        paths = {"checkpoint": self.checkpoint, "text": self.text, "sentences": self.sentences}
        return finetune(plan.model_dump_json(), **paths, threads=1)

    def batches(self, plan, longest=32):
        return TextBatches(self.text, self.tokenizer, plan, longest=longest)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def trained(monkeypatch):
    """Models that finetuning has loaded, in order."""
    models = []

    def load(*arguments):
        models.append(load_model(*arguments))
        return models[-1]

    monkeypatch.setattr(finetuning, "load_model", load)
    return models


def test_batches_hold_the_text_once_an_epoch_in_an_order_of_the_seed(place):
    batches = place.batches(make_plan())
    text = [[*place.tokenizer.encode(" ".join(words)), place.tokenizer.eos_token_id] for words in make_text()]
    pieces = [piece for sentence in text for piece in sentence]
    blocks = {tuple(pieces[start : start + LENGTH]) for start in range(0, len(pieces) - LENGTH + 1, LENGTH)}
    number = len(pieces) // LENGTH
    drawn = torch.cat([batches.batch(step) for step in range(number)])
    assert drawn.shape == (3 * number, LENGTH)
    epochs = [drawn[start : start + number].tolist() for start in range(0, 3 * number, number)]
    assert all(set(map(tuple, epoch)) == blocks for epoch in epochs)
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]
    assert torch.equal(place.batches(make_plan()).batch(4), batches.batch(4))
    assert not torch.equal(place.batches(make_plan(seed=1)).batch(4), batches.batch(4))
    assert [batch.tolist() for batch in batches] == [batches.batch(step).tolist() for step in range(6)]


@pytest.mark.parametrize("schedule", [{"kind": "vanilla"}, {"kind": "probabilistic", "probability": 0.4}])
def test_finetuning_is_an_ordinary_loop_with_scores_along_the_way(place, trained, schedule):
    plan = make_plan(schedule, learning_rate_schedule="linear", warmup=0.34, weight_decay=0.1)
    found = place.finetune(plan)["syllogism"].isel(run=0)
    model, batches = load_model(place.checkpoint, "causal").train(), place.batches(plan)
    start = model.get_input_embeddings().weight.detach().clone()
    forgetting = ProbabilisticForgetting(model, schedule.get("probability", 0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    rates = transformers.get_linear_schedule_with_warmup(optimizer, 2, 6)
    nouns = single_piece_nouns(place.tokenizer, make_types(), 100)
    assert found["step"].values.tolist() == [0, *checkpoint_steps(plan.optimisation, [])] == [0, 1, 3, 6]
    for step in range(7):
        if step in found["step"]:
            copied = transformers.GPT2LMHeadModel(copy.deepcopy(model.config))
            copied.load_state_dict(model.state_dict())
            wanted = score_trials(copied, place.tokenizer, nouns, plan.probing)
            assert np.allclose(found.sel(step=step), wanted, atol=1e-5)
        if step < 6:
            ids = batches.batch(step)
            if schedule["kind"] == "vanilla":
                model(input_ids=ids, labels=ids).loss.backward()
            else:
                with forgetting.replaced(ids, step):
                    model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()
            rates.step()
            optimizer.zero_grad()
    for (name, value), other in zip(trained[0].named_parameters(), model.parameters(), strict=True):
        assert torch.allclose(value.cpu(), other, atol=1e-5), name
    frozen = torch.equal(trained[0].get_input_embeddings().weight.cpu(), start)
    assert frozen == (schedule["kind"] == "probabilistic")
    assert trained[0].get_input_embeddings().weight.shape == start.shape


def test_the_store_has_the_labels_of_the_finetuning(place):
    found = place.finetune(make_plan({"kind": "probabilistic", "probability": 0.2, "forget_until": 3}))
    assert found["syllogism"].dims == ("run", "step", "evaluation", "metric", "trial")
    assert found["syllogism"].shape == (1, 4, 2, 3, 2)
    assert found["kind"].item() == "probabilistic"
    assert found["probability"].item() == 0.2
    assert found["forget_until"].item() == 3
    assert found["vocabulary"].item() == len(place.tokenizer)


def test_forgetting_that_ends_lets_the_embedding_learn(place, trained):
    place.finetune(make_plan({"kind": "probabilistic", "probability": 0.2, "forget_until": 3}))
    start = load_model(place.checkpoint, "causal").get_input_embeddings().weight
    assert not torch.equal(trained[0].get_input_embeddings().weight.cpu(), start)


def test_the_same_seed_gives_the_same_weights_with_dropout_and_another_does_not(place, trained):
    place.save_model(dropout=0.3)
    state = torch.get_rng_state()
    for seed in (0, 0, 1):
        torch.rand(3)
        place.finetune(make_plan({"kind": "probabilistic", "probability": 0.2}, seed=seed))
    torch.set_rng_state(state)
    weights = [torch.cat([p.detach().cpu().flatten() for p in model.parameters()]) for model in trained]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_what_cannot_be_finetuned_is_refused_in_one_sentence(place):
    masked = make_plan().model_copy(update={"source": unit_plan("masked")})
    with pytest.raises(ValueError, match="local are masked models, and finetuning needs causal ones"):
        place.finetune(masked)
    with pytest.raises(ValueError, match="schedule 'active' is of kind active"):
        place.finetune(make_plan({"kind": "active", "period": 2}))
    with pytest.raises(ValueError, match="sequence_length 8 is more than the 4 word pieces"):
        place.batches(make_plan(), longest=4)
    write_treebank(place.text, make_text(1))
    with pytest.raises(ValueError, match="fewer than 8 word pieces"):
        place.batches(make_plan())
