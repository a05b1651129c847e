"""Pretraining: against a plain loop of torch and transformers, with resets in their place, and stopped at any step."""

import json
import logging
import os
import signal
from pathlib import Path

import pytest
import pytorch_lightning as lightning
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer, GPT2LMHeadModel

from dual_process.checkpoints import RESUME, resumable_step
from dual_process.language import pretraining as pretraining_module
from dual_process.language.corpus import read_sentences
from dual_process.language.pretraining import pretrain
from dual_process.language.pretraining_module import (
    BODY,
    DECODER_BIAS,
    EMBEDDING,
    PretrainingModule,
    initial_model,
    word_embedding,
)
from dual_process.language.pretraining_saving import SIGNALS, TRY_AGAIN
from dual_process.language.text import TextBatches, plain
from dual_process.language.tokenizer import train_tokenizer
from dual_process.locks import Lease, LeaseLostError
from dual_process.schedules import is_reset, learning_rate
from dual_process.streams import integer_seed
from tests.language.small_pretraining import make_plan, make_sentences, write_treebank

KINDS = pytest.mark.parametrize("kind", ["bert", "gpt2"])
STILL = {"dropout": 0.0}


class StoppedError(Exception):
    """Training has been stopped on purpose."""


class Watch(lightning.Callback):
    """Copies weights, gradients and optimizer state at every hook, by step; may stop training there."""

    def __init__(self, stop=None, action=None):
        self.stop, self.action = stop, action
        self.start, self.gradient, self.weights, self.moments = {}, {}, {}, {}

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.start[pl_module.completed_steps] = word_embedding(pl_module.model).detach().clone()

    def on_after_backward(self, trainer, pl_module):
        weight = word_embedding(pl_module.model)
        self.gradient[pl_module.completed_steps] = weight.detach().clone(), weight.grad.clone()
        if self.action and pl_module.completed_steps == self.stop:
            self.action()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        step, optimizer = pl_module.completed_steps, pl_module.optimizer
        self.weights[step] = {name: tensor.clone() for name, tensor in pl_module.model.state_dict().items()}
        self.moments[step] = [
            [{key: tensor.clone() for key, tensor in optimizer.state[each].items()} for each in group["params"]]
            for group in optimizer.param_groups
        ]
        if step == self.stop and not self.action:
            raise StoppedError


@pytest.fixture
def watch(monkeypatch):
    """Return a function that puts a watch before and after the callbacks of the package."""
    build = pretraining_module.make_trainer

    def add(**options):
        first, last = Watch(), Watch(**options)
        monkeypatch.setattr(pretraining_module, "make_trainer", lambda own, steps: build([first, *own, last], steps))
        return first, last

    return add


@pytest.fixture(autouse=True)
def _same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folders(tmp_path):
    text = write_treebank(tmp_path / "toy.conllu")
    return {"text": text, "output": tmp_path / "checkpoints" / "run", "working": tmp_path / "working" / "run-0123"}


def train(folders, plan, *, resume_every=100):
    pretrain(plan.model_dump_json(), **folders, resume_every=resume_every, threads=1)
    return folders["output"]


def contents(folder):
    """Every tensor of every checkpoint, and the text of every other file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): load_file(path) if path.suffix == ".safetensors" else path.read_text()
        for path in files
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, content in first.items():
        if isinstance(content, dict):
            assert content.keys() == second[name].keys()
            assert all(torch.equal(tensor, second[name][key]) for key, tensor in content.items()), name
        else:
            assert content == second[name], name


def parts(plan, text):
    """Tokenizer, batches and first model of a plan, as a user would put them together."""
    sentences = list(read_sentences(text))
    tokenizer = train_tokenizer(map(plain, sentences), plan.vocabulary, plan.model.kind)
    return tokenizer, TextBatches(sentences, tokenizer=tokenizer, plan=plan), initial_model(plan, tokenizer)


def own_loss(model, batch):
    """Loss as transformers computes it."""
    if isinstance(model, GPT2LMHeadModel):
        return model(batch.inputs, labels=batch.inputs).loss
    labels = torch.full_like(batch.inputs, -100)
    labels.view(-1)[batch.positions] = batch.targets
    return model(batch.inputs, labels=labels).loss


@KINDS
def test_the_loss_is_that_of_transformers(folders, kind):
    plan = make_plan(kind, model={"dropout": 0.0, "layers": 2})
    _, batches, model = parts(plan, folders["text"])
    batch = batches.batch(0)
    logits = PretrainingModule(model, plan).logits(batch)
    assert logits.shape == (len(batch.targets), len(batches.special))
    torch.testing.assert_close(torch.nn.functional.cross_entropy(logits, batch.targets), own_loss(model, batch))


@KINDS
@pytest.mark.parametrize("schedule", ["vanilla", "active", "temporary"])
def test_training_follows_a_plain_loop_over_the_model_of_transformers(folders, kind, schedule):
    training = {"learning_rate_schedule": "linear", "warmup": 0.2, "weight_decay": 0.1, "learning_rate": 1e-3}
    plan = make_plan(kind, schedule=schedule, model=STILL, training=training, protocol={"reset_scale": 0.3})
    output = train(folders, plan)
    _, batches, model = parts(plan, folders["text"])
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
    for step, batch in enumerate(batches, start=1):
        optimizer.param_groups[0]["lr"] = learning_rate(plan.optimisation, step)
        optimizer.zero_grad()
        own_loss(model, batch).backward()
        optimizer.step()
        if step in plan.steps:
            checkpoint = load_file(output / f"step_{step:08d}" / "model.safetensors")
            for name, parameter in model.named_parameters():
                # Biases of keys have no gradient but rounding errors, which Adam makes large.
                torch.testing.assert_close(checkpoint[name], parameter.detach(), rtol=1e-3, atol=1e-4)
        if is_reset(plan.labels.schedule, step):
            generator = torch.Generator().manual_seed(integer_seed(0, "reset", step))
            rows, bias = model.get_input_embeddings().weight, model.get_output_embeddings().bias
            rows.data = 0.3 * torch.randn(rows.shape, generator=generator)
            forgotten = [rows] if bias is None else [rows, bias]
            if bias is not None:
                bias.data.zero_()
            for parameter in forgotten:
                optimizer.state.pop(parameter)
    assert plan.steps[-1] == step == 10


@KINDS
def test_training_learns_more_than_how_frequent_words_are(folders, kind):
    training = {"steps": 250, "batch_size": 16}
    plan = make_plan(kind, training=training, steps=(10, 230, 250), model=STILL, masked_share=0.3)
    losses = json.loads((train(folders, plan) / "index.json").read_text())["training_loss"]
    words = [word.lower() for sentence in read_sentences(folders["text"]) for word in plain(sentence).split()]
    shares = torch.unique(torch.tensor([hash(word) for word in words]), return_counts=True)[1] / len(words)
    assert losses[0] > 3
    assert losses[-1] < 0.8 * float(-(shares * shares.log()).sum())  # 2.6 nats


@pytest.mark.parametrize(("kind", "auto"), [("bert", AutoModelForMaskedLM), ("gpt2", AutoModelForCausalLM)])
def test_checkpoints_are_loaded_by_the_auto_classes(folders, kind, auto):
    plan = make_plan(kind)
    output = train(folders, plan)
    assert sorted(path.name for path in output.glob("step_*")) == [f"step_{step:08d}" for step in plan.steps]
    tokenizer, _, _ = parts(plan, folders["text"])
    for step in plan.steps:
        folder = output / f"step_{step:08d}"
        saved = load_file(folder / "model.safetensors")
        model = auto.from_pretrained(folder, local_files_only=True)
        assert all(torch.equal(tensor, saved[name]) for name, tensor in model.named_parameters())
        loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        assert loaded("The cold cat .") == tokenizer("The cold cat .")
        assert loaded.model_max_length == model.config.max_position_embeddings == 16
        assert model.get_input_embeddings().num_embeddings == len(loaded)
        assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    index = json.loads((output / "index.json").read_text())
    assert index["steps"] == list(plan.steps)
    assert index["plan"] == json.loads(plan.model_dump_json())
    assert not list(output.rglob("*.bin"))
    assert not folders["working"].exists()


@KINDS
def test_first_weights_come_from_the_seed_alone(folders, kind):
    plan = make_plan(kind, protocol={"initial_embedding_scale": 0.5}, model={"layers": 2})
    tokenizer, _, model = parts(plan, folders["text"])
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = initial_model(plan, tokenizer).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())
    other = initial_model(make_plan(kind, seed=1), tokenizer)
    assert not torch.equal(word_embedding(other), word_embedding(model))
    assert word_embedding(model).std().item() == pytest.approx(0.5, rel=0.1)  # of 1,500 numbers
    assert word_embedding(other).std().item() == pytest.approx(0.02, rel=0.1)
    assert model.config._attn_implementation == "sdpa"


def test_the_first_weights_of_a_gpt2_have_the_scale_of_its_block(folders):
    _, _, model = parts(make_plan("gpt2", model={"initial_scale": 0.2}), folders["text"])
    assert model.transformer.h[0].attn.c_attn.weight.std().item() == pytest.approx(0.2, rel=0.1)
    assert word_embedding(model).std().item() == pytest.approx(0.02, rel=0.1)


@KINDS
@pytest.mark.parametrize(("schedule", "resets"), [("vanilla", []), ("active", [4, 8]), ("temporary", [3, 6])])
def test_a_reset_touches_rows_and_bias_after_the_checkpoint(folders, watch, kind, schedule, resets):
    first, last = watch()
    train(folders, make_plan(kind, schedule=schedule, protocol={"reset_scale": 0.3}))
    for step, before in first.weights.items():
        forgotten = {name for name, tensor in before.items() if not torch.equal(tensor, last.weights[step][name])}
        embedding = {name for name in before if name.endswith(("word_embeddings.weight", "wte.weight"))}
        decoder = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias", "cls.predictions.bias"}
        decoder = decoder if kind == "bert" else {"lm_head.weight"}
        assert forgotten == (embedding | decoder if step in resets else set())
        if forgotten:
            (name,) = embedding
            assert last.weights[step][name].std().item() == pytest.approx(0.3, rel=0.1)
            assert kind == "gpt2" or not last.weights[step]["cls.predictions.bias"].any()
            saved = folders["output"] / f"step_{step:08d}" / "model.safetensors"
            assert step not in (4, 8) or torch.equal(load_file(saved)[name], before[name])


def test_resets_differ_from_step_to_step_and_repeat_with_the_seed(folders, watch):
    _, last = watch()
    train(folders, make_plan(schedule="active"))
    name = "bert.embeddings.word_embeddings.weight"
    assert not torch.equal(last.weights[4][name], last.weights[8][name])
    drawn = torch.empty(last.weights[4][name].shape).normal_(
        0, 0.02, generator=torch.Generator().manual_seed(integer_seed(0, "reset", 4))
    )
    assert torch.equal(last.weights[4][name], drawn)


def test_an_empirical_reset_takes_the_scale_of_the_trained_rows(folders, watch):
    first, last = watch()
    protocol = {"reset_scale": "empirical", "initial_embedding_scale": 0.7}
    train(folders, make_plan(schedule="active", protocol=protocol))
    name = "bert.embeddings.word_embeddings.weight"
    trained, drawn = first.weights[4][name].std().item(), last.weights[4][name].std().item()
    assert trained == pytest.approx(0.7, rel=0.1)
    assert drawn == pytest.approx(trained, rel=0.06)  # standard error 0.02


@pytest.mark.parametrize(
    ("what", "bias", "groups"),
    [
        ("none", True, []),
        ("embedding", True, [EMBEDDING, DECODER_BIAS]),
        ("embedding", False, [EMBEDDING]),
        ("all", False, [EMBEDDING, DECODER_BIAS, BODY]),
    ],
)
@pytest.mark.parametrize("schedule", ["active", "temporary"])
def test_a_reset_clears_the_moments_that_the_protocol_names(folders, watch, schedule, what, bias, groups):
    first, last = watch()
    other = {"active": "temporary", "temporary": "active"}[schedule]
    protocol = {f"clear_moments_{schedule}": what, f"clear_moments_{other}": "none", "reset_decoder_bias": bias}
    train(folders, make_plan(schedule=schedule, protocol=protocol))
    step = {"active": 4, "temporary": 6}[schedule]
    for group, (before, after) in enumerate(zip(first.moments[step], last.moments[step], strict=True)):
        assert before
        for old, new in zip(before, after, strict=True):
            assert old.keys() == {"step", "exp_avg", "exp_avg_sq"}
            for key, tensor in old.items():
                assert tensor.any(), "nothing to clear"
                assert torch.equal(new[key], torch.zeros_like(tensor) if group in groups else tensor)
    kept = last.weights[step]["cls.predictions.bias"]
    assert kept.any() != bias


@KINDS
def test_probabilistic_forgetting_replaces_rows_for_a_step_alone(folders, watch, kind):
    first, last = watch()
    train(folders, make_plan(kind, schedule="probabilistic", training={"batch_size": 2}))
    number = 0
    for step in range(10):
        rows, replaced = first.start[step], last.start[step]
        chosen = (rows != replaced).any(1)
        number += int(chosen.sum())
        before, gradient_before = first.gradient[step]
        after, gradient = last.gradient[step]
        assert torch.equal(before, replaced)
        assert torch.equal(after, rows)
        assert not gradient[chosen].any()
        assert gradient[~chosen].any()
        assert gradient_before.shape == gradient.shape
    assert 40 < number < 150  # half of the 10 to 25 pieces of each of 10 batches


@KINDS
@pytest.mark.parametrize("schedule", ["vanilla", "active", "temporary", "probabilistic"])
@pytest.mark.parametrize("stop", [2, 4, 7])
def test_a_run_stopped_at_any_step_goes_on_to_the_same_bits(folders, watch, tmp_path, kind, schedule, stop):
    plan = make_plan(kind, schedule=schedule, syllogisms=0.25)
    undisturbed = contents(train(folders, plan))
    others = folders | {"output": tmp_path / "again"}
    watch(stop=stop)
    with pytest.raises(StoppedError):
        train(others, plan, resume_every=2)
    assert not others["output"].exists()
    assert resumable_step(others["working"]) == stop // 2 * 2
    watch()
    assert_same(contents(train(others, plan, resume_every=2)), undisturbed)


def test_a_run_killed_after_its_last_step_is_finished_without_training(folders, watch, monkeypatch, tmp_path):
    plan = make_plan()
    undisturbed = contents(train(folders, plan))
    others = folders | {"output": tmp_path / "again"}
    with monkeypatch.context() as patch:
        patch.setattr(pretraining_module, "write_index", lambda *_: (_ for _ in ()).throw(StoppedError))
        with pytest.raises(StoppedError):
            train(others, plan, resume_every=5)
    first, _ = watch()
    assert_same(contents(train(others, plan)), undisturbed)
    assert not first.weights


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_saves_the_step_at_hand_and_leaves_with_a_code_that_asks_for_another_start(
    folders, watch, caplog, tmp_path, number
):
    plan = make_plan(schedule="active")
    undisturbed = contents(train(folders, plan))
    others = folders | {"output": tmp_path / "again"}
    handler = signal.getsignal(number)
    watch(stop=6, action=lambda: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as left:
        train(others, plan)
    assert left.value.code == TRY_AGAIN == os.EX_TEMPFAIL
    assert resumable_step(others["working"]) == 7
    assert f"asked to end by {number.name}; saved after step 7, where the next start goes on" in caplog.messages
    assert signal.getsignal(number) == handler
    watch()
    assert_same(contents(train(others, plan)), undisturbed)


def test_no_run_goes_on_with_another_text(folders, watch, tmp_path):
    plan = make_plan()
    watch(stop=7)
    with pytest.raises(StoppedError):
        train(folders, plan, resume_every=2)
    watch()
    write_treebank(folders["text"], make_sentences(seed=1))
    output = train(folders, plan)
    fresh = folders | {"output": tmp_path / "fresh"}
    assert_same(contents(output), contents(train(fresh, plan)))


def test_what_a_killed_process_has_half_written_is_taken_away(folders, watch):
    plan = make_plan()
    watch(stop=5)
    with pytest.raises(StoppedError):
        train(folders, plan, resume_every=2)
    watch()
    half = folders["working"] / ".partial-1-step_00000004"
    half.mkdir()
    (half / "config.json").write_text("{")
    (folders["working"] / ".partial-1-resume.safetensors").write_text("half")
    output = train(folders, plan)
    names = {path.name for path in output.iterdir()}
    assert names == {"index.json", "text.sha256", *(f"step_{step:08d}" for step in plan.steps)}
    assert not (output / RESUME).exists()


def test_nothing_more_is_saved_once_another_process_has_taken_over(folders, watch, monkeypatch):
    held = []
    take = Lease.try_to_take
    monkeypatch.setattr(Lease, "try_to_take", lambda lease: held.append(lease) or take(lease))
    watch(stop=4, action=lambda: setattr(held[-1], "lost", True))
    with pytest.raises(LeaseLostError, match="another one has gone on with run-0123"):
        train(folders, make_plan(), resume_every=1)
    assert resumable_step(folders["working"]) == 4
    assert not folders["output"].exists()


def test_finished_checkpoints_are_left_alone(folders, watch):
    plan = make_plan()
    before = contents(train(folders, plan))
    first, _ = watch()
    assert_same(contents(train(folders, plan)), before)
    assert not first.weights


def test_dropout_differs_from_step_to_step_and_leaves_no_trace_of_global_seeds(folders, tmp_path):
    torch.manual_seed(1)
    first = contents(train(folders, make_plan()))
    torch.manual_seed(2)
    assert_same(contents(train(folders | {"output": tmp_path / "b"}, make_plan())), first)
    other = contents(train(folders | {"output": tmp_path / "c"}, make_plan(model=STILL)))
    name = "step_00000010/model.safetensors"
    assert not torch.equal(first[name]["cls.predictions.bias"], other[name]["cls.predictions.bias"])


def test_progress_tells_step_rate_and_loss(folders, caplog):
    with caplog.at_level(logging.INFO, logger="dual_process"):
        train(folders, make_plan())
    assert any(line.startswith("training for 10 steps, from the start, with ") for line in caplog.messages)
    last = next(line for line in caplog.messages if line.startswith("step 10 of 10 (100%), "))
    assert "steps/s, 0:00 left, loss " in last


def test_a_drifting_embedding_is_refused(folders):
    with pytest.raises(
        ValueError, match="schedule 'drift' is of kind drift, under which no language model is pretrained"
    ):
        train(folders, make_plan(schedule="drift"))
    assert not Path(folders["working"]).exists()
