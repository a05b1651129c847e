"""Evaluations of trained checkpoints, against the same model in transformers and scikit-learn."""

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_score
from transformers import BertConfig as TheirConfig
from transformers import BertForMaskedLM

from dual_process.checkpoints import read_checkpoint
from dual_process.models.bert import StackedBert
from dual_process.models.convert import to_transformers
from dual_process.models.registry import build_model
from dual_process.probing import evaluation as evaluation_module
from dual_process.probing.evaluation import Evaluations
from dual_process.probing.scores import METRICS, OF_THE_DECISION, distinct
from dual_process.runs import ProbePlan
from dual_process.store import open_store
from dual_process.tasks.evaluation import EMBEDDINGS
from tests.compiles import compiles
from tests.tiny import Cohort

STEP = 10
REDRAWN = {*EMBEDDINGS, "unseen_mean"}


@pytest.fixture
def cohort(trained) -> Cohort:
    return trained("zipf-1.5", "reference")


def stores(cohort: Cohort):
    by_name = {path.name.removesuffix(".zarr"): path for path in cohort.datasets}
    return [by_name[run.dataset] for run in cohort.plan.runs]


def changed(cohort: Cohort, **probing: Any) -> ProbePlan:
    """Plan with other settings of the probes."""
    return cohort.probes.model_copy(update={"probing": cohort.probes.probing.model_copy(update=probing)})


def load(cohort: Cohort) -> tuple[StackedBert, dict[str, torch.Tensor]]:
    state = read_checkpoint(cohort.output, STEP)
    del state["training_loss"]
    sizes = {"num_positions": 7, "num_runs": len(cohort.plan.runs)}
    model = build_model(cohort.plan.model, num_tokens=state["word_embedding.weight"].shape[1], **sizes).eval()
    model.load_state_dict(state)
    return model, state


def theirs(state, run) -> BertForMaskedLM:
    config = TheirConfig(
        vocab_size=state["word_embedding.weight"].shape[1],
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=32,
        max_position_embeddings=7,
    )
    model = BertForMaskedLM(config).eval()
    model.load_state_dict(to_transformers(state, run))
    return model


@torch.no_grad()
def test_scores_are_those_of_transformers(cohort):
    model, state = load(cohort)
    evaluations = Evaluations(cohort.probes, stores(cohort))
    scores = evaluations.measure(model, STEP)["score"].transpose("evaluation", "run", "metric").values
    for run in (0, 5):
        their_model = theirs(state, run)
        for index, name in enumerate(evaluations.names):
            if name in REDRAWN:
                continue
            sequences = open_store(stores(cohort)[run], f"evaluation/{name}")
            inputs, labels, choice = (
                torch.from_numpy(sequences[key].values.astype(np.int64)) for key in ("input", "label", "choice")
            )
            logits = their_model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits[:, 4:]
            first = logits[:, 0]
            found = dict(zip(METRICS, scores[index, run].tolist(), strict=True))
            assert found["exact_match"] == pytest.approx((logits.argmax(-1) == labels).all(-1).float().mean().item())
            right = first.gather(1, choice[:, :1]) >= first.gather(1, choice[:, 1:])
            assert found["two_way"] == pytest.approx(right.float().mean().item())
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
            assert found["loss"] == pytest.approx(loss.item(), rel=1e-4)


@torch.no_grad()
def test_probes_are_those_of_scikit_learn_on_states_of_transformers(cohort):
    model, state = load(cohort)
    accuracy = Evaluations(cohort.probes, stores(cohort)).measure(model, STEP)["probe_accuracy"]
    accuracy = accuracy.transpose("probed", "run", "layer").values
    for index, name in enumerate(("val", "tail", "unseen")):
        sequences = open_store(stores(cohort)[2], f"evaluation/{name}").isel(sequence=slice(40))
        inputs = torch.from_numpy(sequences["input"].values.astype(np.int64))
        output = theirs(state, 2)(input_ids=inputs, attention_mask=torch.ones_like(inputs), output_hidden_states=True)
        is_noun = inputs[:, 3] == torch.from_numpy(sequences["choice"].values[:, 1].astype(np.int64))
        for layer, states in enumerate(output.hidden_states):
            split = PredefinedSplit(np.arange(40) % 5)
            wanted = cross_val_score(RidgeClassifier(alpha=1.0), states[:, 3].double().numpy(), is_noun, cv=split)
            assert accuracy[index, 2, layer] == pytest.approx(wanted.mean(), abs=0.026)  # one example of 40 at a margin


def test_redrawn_rows_are_put_back(cohort):
    model, state = load(cohort)
    Evaluations(cohort.probes, stores(cohort)).measure(model, STEP)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_sets_with_redrawn_rows_score_otherwise_than_without(cohort):
    model, _ = load(cohort)
    evaluations = Evaluations(cohort.probes, stores(cohort))
    assert set(evaluations.names) >= REDRAWN
    losses = evaluations.measure(model, STEP)["score"].sel(metric="loss")
    for name in REDRAWN:
        found, unseen = losses.sel(evaluation=name), losses.sel(evaluation="unseen")
        assert not np.isclose(found, unseen, rtol=1e-3).any(), name


@pytest.mark.parametrize("batch_size", [7, 50])
def test_the_batch_size_is_no_matter(cohort, batch_size):
    model, _ = load(cohort)
    found, wanted = (
        Evaluations(changed(cohort, batch_size=size, evaluations=("val", "unseen_mean")), stores(cohort)).measure(
            model, STEP
        )
        for size in (batch_size, 1000)
    )
    xr.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@compiles
def test_compiled_probing_differs_by_rounding(cohort):
    model, _ = load(cohort)
    plans = (changed(cohort, compile=compile_it) for compile_it in (False, True))
    plain, compiled = (Evaluations(plan, stores(cohort)).measure(model, STEP) for plan in plans)
    xr.testing.assert_allclose(compiled, plain, rtol=1e-5, atol=1e-6)
    assert not compiled.identical(plain)


def test_equal_sequences_are_looked_for_once_a_set(cohort, monkeypatch):
    model, _ = load(cohort)
    asked = []

    def counting(*columns):
        asked.append(columns)
        return distinct(*columns)

    monkeypatch.setattr(evaluation_module, "distinct", counting)
    evaluations = Evaluations(cohort.probes, stores(cohort))
    first, again = (evaluations.measure(model, STEP) for _ in range(2))
    assert len(asked) == len(evaluations.names)
    xr.testing.assert_identical(first, again)


def test_the_wanted_evaluations_alone_are_measured(cohort):
    model, _ = load(cohort)
    evaluations = Evaluations(changed(cohort, evaluations=("unseen", "switch")), stores(cohort))
    assert set(evaluations.names) == {"switch", "unseen"}
    found = evaluations.measure(model, STEP)
    assert found["evaluation"].values.tolist() == list(evaluations.names)
    assert found["probe_accuracy"].sel(probed=["val", "tail"]).isnull().all()
    assert found["probe_accuracy"].sel(probed="unseen").notnull().all()


def test_the_set_for_the_end_is_there_but_is_not_scored(cohort):
    evaluations = Evaluations(cohort.probes, stores(cohort))
    assert "uniform_switch" not in evaluations.names
    assert evaluations.tensor("uniform_switch", "input").shape == (8, 600, 7)
    assert evaluations.tensor("uniform_switch", "input", 30).shape == (8, 30, 7)


def test_what_a_task_does_not_tell_is_not_measured(cohort):
    """Sequences without two candidates and without a role of the query, as another task may have them."""
    model, _ = load(cohort)
    evaluations = Evaluations(changed(cohort, evaluations=("val",)), stores(cohort))
    whole = evaluations.measure(model, STEP)
    evaluations.sets["val"] = [group.drop_vars(["choice", "query_role"]) for group in evaluations.sets["val"]]
    found = evaluations.measure(model, STEP)
    assert found["probe_accuracy"].isnull().all()
    assert found["score"].sel(metric=list(OF_THE_DECISION)).isnull().all()
    others = [metric for metric in METRICS if metric not in OF_THE_DECISION]
    xr.testing.assert_identical(found["score"].sel(metric=others), whole["score"].sel(metric=others))
