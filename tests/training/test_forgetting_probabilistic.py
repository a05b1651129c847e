"""Probabilistic temporary forgetting of transformers models: what is replaced, what returns, what learns."""

import copy
import re
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest
import pytorch_lightning as lightning
import torch
from scipy import stats
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from dual_process.training.forgetting import LightningForgetting, ProbabilisticForgetting, TransformersForgetting
from dual_process.training.forgetting import callbacks as callbacks_module

# Lightning on what it would like to be used for
TALK = ("`srun` command", "does not have many workers", "litlogger", "smaller than the logging", "tensorboardX")
pytestmark = pytest.mark.filterwarnings(*(f"ignore:.*{talk}" for talk in (*TALK, "LeafSpec", "'pin_memory' argument")))
SIZE, PAD = 30, 3
SMALL = {"vocab_size": SIZE, "pad_token_id": PAD, "initializer_range": 0.02}


def make_model(kind, *, tied=True, dropout=0.0):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "gpt2":
            drops = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), dropout)
            ends = {"bos_token_id": 0, "eos_token_id": 0}
            config = GPT2Config(**SMALL, **drops, **ends, n_embd=8, n_layer=1, n_head=2, n_positions=16)
            return GPT2LMHeadModel(_tie(config, tied))
        drops = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), dropout)
        shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        config = BertConfig(**SMALL, **drops, **shape, max_position_embeddings=16)
        return BertForMaskedLM(_tie(config, tied))


def _tie(config, tied):
    config.tie_word_embeddings = tied
    return config


KINDS = pytest.mark.parametrize(("kind", "tied"), [(k, t) for k in ("gpt2", "bert") for t in (True, False)])


def make_batch(seed=0, shape=(4, 6)):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, SIZE, shape, generator=generator)
    ids[0, -1] = PAD
    return ids


def embedding(model):
    return model.get_input_embeddings().weight


def decoder(model):
    return model.get_output_embeddings().weight


def gradients(model):
    return {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}


def same(found, wanted):
    """Whether two gradients are equal; an untied BERT has a bias that nothing uses, without any."""
    return found is wanted if wanted is None else torch.equal(found, wanted)


def by_hand(model, ids, chosen, rows):
    """Gradients of a model whose chosen input rows, and tied output rows, are `rows`."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        embedding(model)[chosen] = rows
    model(input_ids=ids, labels=ids).loss.backward()
    return gradients(model)


@KINDS
@pytest.mark.parametrize("mode", ["none", "others"])
def test_the_body_learns_as_if_the_model_had_the_drawn_rows_and_the_rows_return(kind, tied, mode):
    model, ids = make_model(kind, tied=tied), make_batch()
    assert (embedding(model) is decoder(model)) == tied
    before = {name: value.clone() for name, value in model.state_dict().items()}
    forgetting = ProbabilisticForgetting(model, 0.4, embedding_gradient=mode)
    with forgetting.replaced(ids, step=5) as chosen:
        assert 0 < len(chosen) < len(ids.unique())
        rows = embedding(model).detach()[chosen].clone()
        untouched = torch.ones(SIZE, dtype=torch.bool).index_fill(0, chosen, False)
        assert torch.equal(embedding(model)[untouched], before[_name(model)][untouched])
        assert (embedding(model)[chosen] != before[_name(model)][chosen]).any(1).all()
        if not tied:
            assert torch.equal(decoder(model), before[_decoder_name(model)])
        model(input_ids=ids, labels=ids).loss.backward()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    wanted, found = by_hand(model, ids, chosen, rows), gradients(model)
    name = next(name for name, p in model.named_parameters() if p is embedding(model))
    if mode == "none":
        assert found.pop(name) is None
        wanted.pop(name)
    else:
        assert not found[name][chosen].any()
        assert wanted[name][chosen].any()
        wanted[name][chosen] = 0
    assert set(found) == set(wanted)
    assert all(same(found[each], wanted[each]) for each in wanted)
    assert embedding(model).requires_grad


def _name(model):
    return next(name for name, p in model.state_dict(keep_vars=True).items() if p is embedding(model))


def _decoder_name(model):
    return next(name for name, p in model.state_dict(keep_vars=True).items() if p is decoder(model))


def test_untied_output_rows_get_the_same_draw_if_asked():
    model, ids = make_model("gpt2", tied=False), make_batch()
    before = embedding(model).detach().clone(), decoder(model).detach().clone()
    with ProbabilisticForgetting(model, 0.5, output=True).replaced(ids, 0) as chosen:
        assert len(chosen)
        assert torch.equal(embedding(model)[chosen], decoder(model)[chosen])
        model(input_ids=ids, labels=ids).loss.backward()
    assert decoder(model).grad is None
    assert torch.equal(embedding(model), before[0])
    assert torch.equal(decoder(model), before[1])


def test_each_word_piece_of_the_batch_is_chosen_with_the_probability_and_padding_and_excluded_ones_never():
    model, steps, chance = make_model("gpt2"), 3000, 0.1
    forgetting = ProbabilisticForgetting(model, chance, seed=1, exclude=[7])
    ids, counts = torch.tensor([[1, 2, 2, 2, PAD, 7, 9, 12]]), torch.zeros(SIZE)
    drawn = []
    for step in range(steps):
        with forgetting.replaced(ids, step) as chosen:
            counts[chosen] += 1
            drawn.append(embedding(model).detach()[chosen].flatten())
    assert set(counts.nonzero().flatten().tolist()) == {1, 2, 9, 12}
    hits = counts[[1, 2, 9, 12]].double()
    table = torch.stack([hits, steps - hits])
    wanted = torch.tensor([[chance], [1 - chance]]) * steps * torch.ones(4)
    statistic = float(((table - wanted) ** 2 / wanted).sum())
    assert 1e-3 < stats.chi2(4).cdf(statistic) < 1 - 1e-3
    values = torch.cat(drawn)
    assert stats.kstest(values.numpy(), stats.norm(0, 0.02).cdf).pvalue > 1e-3


def test_the_same_seed_and_step_give_the_same_rows_and_others_do_not():
    ids, seen = make_batch(), {}
    for name, seed, step in (("one", 0, 3), ("same", 0, 3), ("later", 0, 4), ("other", 1, 3)):
        model = make_model("gpt2")
        with ProbabilisticForgetting(model, 0.5, seed).replaced(ids, step) as chosen:
            seen[name] = chosen.tolist(), embedding(model).detach().clone()
    assert seen["one"][0] == seen["same"][0]
    assert torch.equal(seen["one"][1], seen["same"][1])
    assert seen["one"][0] != seen["later"][0] != seen["other"][0] != seen["one"][0]


def test_forgetting_ends_and_the_embedding_learns_again():
    model, ids = make_model("gpt2"), make_batch()
    forgetting = ProbabilisticForgetting(model, 1.0, until=2)
    before = embedding(model).detach().clone()
    for step, replaced in ((0, True), (1, True), (2, False), (3, False)):
        model.zero_grad()
        with forgetting.replaced(ids, step) as chosen:
            assert bool(len(chosen)) == replaced
            assert torch.equal(embedding(model), before) != replaced
            model(input_ids=ids, labels=ids).loss.backward()
        assert (embedding(model).grad is None) == replaced


def test_accumulated_gradients_are_the_sum_over_batches_each_with_a_choice_of_its_own():
    model, batches = make_model("gpt2"), [make_batch(1), make_batch(1)]
    forgetting = ProbabilisticForgetting(model, 0.4, embedding_gradient="others")
    wanted, choices = [], []
    for ids in batches:
        with forgetting.replaced(ids, 0) as chosen:
            rows = embedding(model).detach()[chosen].clone()
            model(input_ids=ids, labels=ids).loss.backward()
        choices.append(chosen.tolist())
        wanted.append(by_hand(model, ids, chosen, rows))
        wanted[-1][_name(model)][chosen] = 0
    assert choices[0] != choices[1]
    for name, gradient in gradients(model).items():
        assert torch.equal(gradient, wanted[0][name] + wanted[1][name])


def test_a_batch_whose_loss_is_thrown_away_leaves_no_trace():
    model, ids = make_model("gpt2"), make_batch()
    forgetting, before = ProbabilisticForgetting(model, 1.0), embedding(model).detach().clone()
    forgetting.before_forward(ids, 0)
    forgetting.before_forward(ids, 0)
    forgetting.after_backward()
    forgetting.after_backward()
    assert torch.equal(embedding(model), before)
    assert embedding(model).requires_grad


def test_an_error_within_the_block_leaves_no_replaced_row():
    model, ids = make_model("gpt2"), make_batch()
    before = embedding(model).detach().clone()
    with pytest.raises(KeyError), ProbabilisticForgetting(model, 1.0).replaced(ids, 0):
        raise KeyError
    assert torch.equal(embedding(model), before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"probability": 1.5}, "between 0 and 1"),
        ({"embedding_gradient": "some"}, "neither 'none' nor 'others'"),
    ],
)
def test_wrong_arguments_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        ProbabilisticForgetting(make_model("gpt2"), **change)


def test_a_model_without_a_scale_asks_for_one():
    model = make_model("gpt2")
    model.config = SimpleNamespace(pad_token_id=None)
    with pytest.raises(ValueError, match="give scale"):
        ProbabilisticForgetting(model)
    assert ProbabilisticForgetting(model, scale=0.5).scale == 0.5


EXAMPLES = [block for block in re.split(r"\n(?=\S)", callbacks_module.__doc__) if "code-block" in block]


class Module(lightning.LightningModule):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def training_step(self, batch, batch_idx):
        return self.model(**batch).loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def make_examples(count=24):
    ids = make_batch(shape=(count, 6))
    return [{"input_ids": each, "labels": each} for each in ids]


def paste(example, model):
    """Run the code of an example of the documentation."""
    code = textwrap.dedent("\n".join(example.partition(".. code-block:: python")[2].splitlines()[1:]))
    examples = make_examples()
    names = {"model": model, "dataset": examples, "module": Module(model), "loader": DataLoader(examples, batch_size=4)}
    exec(code, names)


@KINDS
@pytest.mark.parametrize("example", EXAMPLES, ids=["transformers", "lightning"])
def test_the_example_of_the_documentation_trains_all_but_the_rows(tmp_path, monkeypatch, example, kind, tied):
    monkeypatch.chdir(tmp_path)
    model, replaced = make_model(kind, tied=tied), []
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    rows = before[_name(model)]
    model.base_model.register_forward_pre_hook(
        lambda *_: replaced.append((embedding(model).detach().cpu() != rows).any(1).sum())
    )
    paste(example, model)
    after = {name: p.detach().cpu() for name, p in model.named_parameters()}
    assert len(replaced) == 3
    assert 0 < sum(replaced) < 3 * 15
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert _name(model) in kept
    assert len(kept) < 4  # key biases of attention, which no gradient reaches; a bias that an untied BERT does not use
    assert not model._forward_pre_hooks


def train_with_transformers(model, forgetting, tmp_path):
    arguments = TrainingArguments(
        tmp_path,
        max_steps=3,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        max_grad_norm=0.05,
        optim="sgd",
        learning_rate=1.0,
        lr_scheduler_type="constant",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    Trainer(model, arguments, train_dataset=make_examples(), callbacks=[TransformersForgetting(forgetting)]).train()


def train_with_lightning(model, forgetting, tmp_path):
    model.train()
    lightning.Trainer(
        max_steps=3,
        accelerator="cpu",
        accumulate_grad_batches=2,
        gradient_clip_val=0.05,
        callbacks=[LightningForgetting(forgetting)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(model), DataLoader(make_examples(), batch_size=4, shuffle=True))


@pytest.mark.parametrize("mode", ["none", "others"])
@pytest.mark.parametrize("train", [train_with_transformers, train_with_lightning])
def test_trainers_do_what_a_loop_by_hand_does_with_accumulation_and_clipping(tmp_path, train, mode):
    model, batches = make_model("gpt2"), []
    other = copy.deepcopy(model)
    model.register_forward_pre_hook(
        lambda model, args, kwargs: batches.append(kwargs["input_ids"].clone()), with_kwargs=True
    )
    settings = {"probability": 0.4, "seed": 3, "until": 2, "embedding_gradient": mode}
    train(model, ProbabilisticForgetting(model, **settings), tmp_path)
    assert len(batches) == 6
    forgetting = ProbabilisticForgetting(other, **settings)
    optimizer = torch.optim.SGD(other.parameters(), lr=1.0)
    for step in range(3):
        for ids in batches[2 * step : 2 * step + 2]:
            with forgetting.replaced(ids, step):
                (other(input_ids=ids, labels=ids).loss / 2).backward()
        assert torch.nn.utils.clip_grad_norm_(other.parameters(), 0.05) > 0.05
        optimizer.step()
        optimizer.zero_grad()
    for (name, found), wanted in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.allclose(found, wanted, rtol=0, atol=1e-6), name


def test_evaluation_sees_the_model_as_it_is():
    model, ids = make_model("gpt2"), make_batch()
    hook = callbacks_module.ForwardHook(ProbabilisticForgetting(model, 1.0), lambda: 0)
    before = embedding(model).detach().clone()
    model.eval()
    model(input_ids=ids)
    assert torch.equal(embedding(model), before)
    model.train()
    with torch.no_grad():
        model(input_ids=ids)
    assert torch.equal(embedding(model), before)
    model(ids)
    assert not torch.equal(embedding(model), before)
    hook.remove()
    assert torch.equal(embedding(model), before)


def test_a_model_called_without_word_pieces_is_refused():
    model = make_model("gpt2")
    hook = callbacks_module.ForwardHook(ProbabilisticForgetting(model), lambda: 0)
    model.train()
    with pytest.raises(ValueError, match="call the model with input_ids"):
        model(inputs_embeds=torch.zeros(1, 2, 8))
    hook.remove()


def test_forgetting_of_another_model_than_the_trained_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match="never called in training"):
        train_with_lightning(make_model("gpt2"), ProbabilisticForgetting(make_model("gpt2")), tmp_path)


@pytest.mark.slow
def test_the_loop_of_ones_own_needs_neither_transformers_nor_lightning():
    code = "import sys, dual_process.training.forgetting.probabilistic\n"
    code += "sys.exit(str({'transformers', 'pytorch_lightning'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"


@pytest.mark.slow
def test_without_transformers_the_callbacks_say_what_to_install():
    code = "import sys; sys.modules['transformers'] = None; import dual_process.training.forgetting.callbacks"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "need transformers: pip install transformers" in done.stderr.splitlines()[-1]
