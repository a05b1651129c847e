"""Whole fits: members of a cohort against runs of their own, kill and resume, and a trainer that is not ours."""

from contextlib import suppress

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from dual_process.checkpoints import INDEX, RESUME, read_index
from dual_process.models.convert import to_transformers
from dual_process.models.registry import initial_model
from dual_process.store import open_store
from dual_process.training import compiled_step
from dual_process.training import fit as fit_module
from dual_process.training.data import StepIndexedBatches
from tests.compiles import compiles
from tests.tiny import assert_same, configuration, make_cohort

LONG = {"steps": 200, "checkpoints_every": 200, "checkpoints_logarithmic": 0}
NO_GRADIENT = "key.bias"
"""It shifts all scores of a query alike, so that its gradient is rounding noise, which AdamW then scales up."""


def initial_state(cohort):
    plan, vocabulary = cohort.plan, open_store(cohort.datasets[0], "vocabulary")
    num_tokens = vocabulary.sizes["token"] if plan.protocol.train_unseen else vocabulary.attrs["num_trained"]
    seeds = [run.seed for run in plan.runs]
    return initial_model(plan.model, plan.protocol, num_tokens=num_tokens, num_positions=7, seeds=seeds).state_dict()


@pytest.mark.parametrize(
    ("schedules", "seeds"),
    [(("vanilla", "active-70", "probabilistic-0.3"), (5,)), (("temporary-50-120",), (0, 1, 2))],
    ids=["schedules", "seeds"],
)
@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_members_of_a_cohort_agree_with_runs_of_their_own(tmp_path, schedules, seeds, protocol):
    block = {
        "active-70": {"kind": "active", "period": 70},
        "temporary-50-120": {"kind": "temporary", "period": 50, "forget_until": 120},
    }
    common = {"protocol": protocol, "training": LONG, "schedules_block": block}
    together = make_cohort(tmp_path / "all", schedules=schedules, seeds=seeds, **common)
    together.train()
    stacked, start = together.checkpoints()[200], initial_state(together)
    singles = [(schedule, seed) for seed in seeds for schedule in schedules]
    assert len(together.plan.runs) == len(singles) == 3
    for run, (schedule, seed) in enumerate(singles):
        single = make_cohort(tmp_path / str(run), schedules=(schedule,), seeds=(seed,), **common)
        single.train()
        for name, tensor in initial_state(single).items():
            assert torch.equal(start[name][run], tensor[0]), name
        for name, tensor in single.checkpoints()[200].items():
            if not name.endswith(NO_GRADIENT):
                torch.testing.assert_close(stacked[name][run], tensor[0], rtol=0, atol=1e-5)
                assert name == "training_loss" or not torch.allclose(tensor[0], start[name][run], rtol=0, atol=1e-3)


def test_bfloat16_is_that_of_the_products_alone(tmp_path):
    steps = {"steps": 20, "checkpoints_every": 20, "checkpoints_logarithmic": 0, "learning_rate": 1e-3}
    found = {}
    for precision in ("float32", "bfloat16"):
        cohort = make_cohort(tmp_path / precision, training=steps | {"precision": precision})
        cohort.train()
        found[precision] = cohort.checkpoints()[20]
    start = initial_state(cohort)
    for name, tensor in found["bfloat16"].items():
        assert tensor.dtype == torch.float32
        if name != "training_loss" and not name.endswith(NO_GRADIENT):
            other = found["float32"][name]
            assert not torch.equal(tensor, other)
            assert (tensor - other).norm() < 0.1 * (other - start[name]).norm(), name
    losses = [state["training_loss"] for state in found.values()]
    torch.testing.assert_close(*losses, rtol=1e-3, atol=0)


@compiles
@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_compiled_training_differs_by_rounding(tmp_path, model, monkeypatch):
    steps = {"steps": 10, "checkpoints_every": 10, "checkpoints_logarithmic": 0}
    sizes = {"layers": 1, "width": 16, "feed_forward": 32, "dropout": 0.3}
    found, made = {}, []
    compiled = compiled_step.compiled
    monkeypatch.setattr(compiled_step, "compiled", lambda *arguments: made.append(compiled(*arguments)) or made[-1])
    for compile_it in (False, True):
        assert not made
        cohort = make_cohort(
            tmp_path / str(compile_it),
            schedules=("vanilla", "active-4"),
            models={"bert": {**sizes, "kind": model}},
            training=steps | {"compile": compile_it},
        )
        cohort.train()
        found[compile_it] = cohort.checkpoints()[10]
    assert len(made) == 1
    for name, tensor in found[True].items():
        if not name.endswith(NO_GRADIENT):
            torch.testing.assert_close(tensor, found[False][name], rtol=0, atol=5e-6)


@compiles
def test_a_stopped_compiled_run_goes_on_to_the_same_bits(tmp_path, add_callbacks, stopped):
    changes = FORGETFUL | {"training": FORGETFUL["training"] | {"compile": True}}
    whole, cohort = make_cohort(tmp_path / "whole", **changes), make_cohort(tmp_path / "stopped", **changes)
    whole.train()
    callback, error = stopped(8)
    add_callbacks([], [callback])
    with pytest.raises(error):
        cohort.train(resume_every=3)
    add_callbacks([], [])
    cohort.train(resume_every=5)
    assert_same(cohort.checkpoints(), whole.checkpoints())


def test_schedules_of_one_seed_start_alike_and_seeds_apart(tmp_path):
    cohort = make_cohort(tmp_path, schedules=("vanilla", "active-4"), seeds=(0, 1))
    weight = initial_state(cohort)["word_embedding.weight"]
    assert torch.equal(weight[0], weight[1])
    assert torch.equal(weight[2], weight[3])
    assert abs(float(torch.corrcoef(weight[1:3].flatten(1))[0, 1])) < 0.2


def test_initial_scale_of_the_embedding_alone_is_the_protocols(tmp_path):
    protocols = {"wide": {"initial_embedding_scale": 1.0}}
    wide = initial_state(make_cohort(tmp_path, protocol="wide", protocols=protocols))
    usual = initial_state(make_cohort(tmp_path))
    torch.testing.assert_close(wide.pop("word_embedding.weight"), usual.pop("word_embedding.weight") * 50)
    for name, tensor in usual.items():
        assert torch.equal(wide[name], tensor)


@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_a_run_is_what_transformers_and_pytorch_would_make_of_it(tmp_path, protocol):
    """No Lightning, no stack, no code of ours but the batches and the conversion of the initial weights."""
    cohort = make_cohort(tmp_path, protocol=protocol, training={"steps": 20, "learning_rate": 1e-3})
    cohort.train()
    start = to_transformers(initial_state(cohort), 0)
    size = configuration()["models"]["bert"]
    config = BertConfig(
        vocab_size=46 if protocol == "reference" else 42,
        hidden_size=size["width"],
        num_hidden_layers=size["layers"],
        num_attention_heads=1,
        intermediate_size=size["feed_forward"],
        hidden_dropout_prob=0,
        attention_probs_dropout_prob=0,
        max_position_embeddings=7,
        pad_token_id=0 if protocol == "reference" else None,
    )
    model = BertForMaskedLM(config)
    model.load_state_dict(start)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    training = open_store(cohort.datasets[0], "training")
    compact = {name: training[name].values for name in training.data_vars}
    batches = StepIndexedBatches([compact], training.attrs, batch_size=8, first_step=0, steps=20)
    losses = []
    for inputs, targets in batches:
        labels = torch.full_like(inputs[0], -100)
        labels[:, 4:] = targets[0]
        loss = model(input_ids=inputs[0], attention_mask=torch.ones_like(inputs[0]), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    found = cohort.checkpoints()[20]
    for name, tensor in to_transformers(found, 0).items():
        if not name.endswith(NO_GRADIENT):
            torch.testing.assert_close(tensor, model.state_dict()[name], rtol=0, atol=1e-4)
            assert (tensor - start[name]).abs().max() > 5e-3, f"{name} has hardly been trained"
    assert found["training_loss"].item() == pytest.approx(sum(losses[15:]) / 5, abs=1e-4)
    assert sum(losses[15:]) < sum(losses[:5])


FORGETFUL = {
    "schedules": ("vanilla", "active-4", "temporary-3-8", "probabilistic-0.3"),
    "models": {"bert": configuration()["models"]["bert"] | {"dropout": 0.1}},
    "training": {"steps": 14, "checkpoints_after_reset": [1, 2]},
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    cohort = make_cohort(tmp_path_factory.mktemp("undisturbed"), **FORGETFUL)
    cohort.train()
    return cohort.checkpoints()


def test_the_same_plan_gives_the_same_bits(tmp_path, undisturbed):
    cohort = make_cohort(tmp_path, **FORGETFUL)
    cohort.train()
    assert_same(cohort.checkpoints(), undisturbed)


@pytest.mark.parametrize("stop", [2, 6, 7, 11])
@pytest.mark.parametrize("before", [True, False], ids=["before-callbacks", "after-callbacks"])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, add_callbacks, stopped, undisturbed, stop, before):
    cohort = make_cohort(tmp_path, **FORGETFUL)
    callback, error = stopped(stop)
    add_callbacks([callback] * before, [callback] * (not before))
    with pytest.raises(error):
        cohort.train(resume_every=3)
    assert not cohort.output.exists()
    assert (cohort.working / RESUME).exists() == (stop > 3)
    add_callbacks([], [])
    cohort.train(resume_every=5)
    assert_same(cohort.checkpoints(), undisturbed)
    assert not (cohort.output / RESUME).exists()


def test_a_run_stopped_again_and_again_goes_on_to_the_same_bits(tmp_path, add_callbacks, stopped, undisturbed):
    cohort = make_cohort(tmp_path, **FORGETFUL)
    for stop in (3, 4, 8, 9, 14):
        callback, error = stopped(stop)
        add_callbacks([], [callback])
        with suppress(error):
            cohort.train(resume_every=1)
        assert not cohort.output.exists()
    add_callbacks([], [])
    cohort.train()
    assert_same(cohort.checkpoints(), undisturbed)


def test_going_on_begins_at_the_saved_step(tmp_path, add_callbacks, stopped, watch, caplog):
    cohort = make_cohort(tmp_path, **FORGETFUL)
    callback, error = stopped(8)
    add_callbacks([], [callback])
    with pytest.raises(error):
        cohort.train(resume_every=3)
    first, last = watch
    last.weights.clear()
    add_callbacks([first], [last])
    with caplog.at_level("INFO", logger="dual_process"):
        cohort.train(resume_every=3)
    assert list(last.weights) == list(range(7, 15))
    assert "training 4 runs for 14 steps, from step 6" in caplog.messages


def test_nothing_is_left_but_the_lock_and_the_index_tells_all(tmp_path):
    cohort = make_cohort(tmp_path)
    cohort.train(resume_every=2)
    assert [path.name for path in cohort.working.parent.iterdir()] == ["cohort-0123.lock"]
    index = read_index(cohort.output)
    assert index["steps"] == [1, 2, 5, 10]
    assert index["working"] == "cohort-0123"
    assert type(cohort.plan).model_validate(index["plan"]) == cohort.plan
    names = sorted(path.name for path in cohort.output.iterdir())
    assert names == [INDEX, *(f"step_{step:08d}.safetensors" for step in index["steps"])]


def test_what_another_process_has_finished_is_taken_as_it_is(tmp_path, monkeypatch, caplog):
    cohort = make_cohort(tmp_path)
    cohort.train()
    before = cohort.checkpoints()
    monkeypatch.setattr(fit_module, "fit", None)
    with caplog.at_level("INFO", logger="dual_process"):
        cohort.train()
    assert_same(cohort.checkpoints(), before)
    assert caplog.messages == ["another process has finished these checkpoints meanwhile"]


def test_checkpoints_of_another_plan_are_replaced(tmp_path):
    old = make_cohort(tmp_path, training={"steps": 7})
    old.train()
    index = read_index(old.output) | {"working": "cohort-4567"}
    (old.output / INDEX).write_text(fit_module.json.dumps(index))
    new = make_cohort(tmp_path / "other")
    moved = type(new)(new.plan, new.probes, new.datasets, old.folder)
    moved.train()
    assert list(moved.checkpoints()) == [1, 2, 5, 10]
    assert not list(old.output.glob("*7.safetensors"))


def test_a_run_killed_between_its_end_and_the_move_is_not_trained_again(tmp_path, monkeypatch):
    cohort = make_cohort(tmp_path)
    cohort.train()
    before = cohort.checkpoints()
    cohort.output.rename(cohort.working)
    monkeypatch.setattr(fit_module, "fit", None)
    cohort.train()
    assert_same(cohort.checkpoints(), before)


def test_scraps_of_a_killed_process_do_not_end_up_among_the_checkpoints(tmp_path):
    cohort = make_cohort(tmp_path)
    cohort.working.mkdir(parents=True)
    (cohort.working / ".partial-123-step_00000001.safetensors").write_bytes(b"half")
    cohort.train()
    assert not list(cohort.output.glob(".partial*"))
