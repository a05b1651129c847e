"""The measurements of trained tiny cohorts: their form, and that members do not feel each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from dual_process.checkpoints import checkpoint_path, read_checkpoint, read_index, write_index, write_tensors
from dual_process.locks import Lease, LeaseLostError
from dual_process.probing import saving
from dual_process.probing.cohort import probe_cohort, probe_to_store
from dual_process.probing.evaluation import Evaluations
from dual_process.probing.registry import ANALYSES
from dual_process.probing.scores import METRICS
from dual_process.schedules import steps_since_reset
from dual_process.store import open_runs, open_store, write_store
from dual_process.tasks.part_of_speech import PARTS

DIMS = {
    "score": ("run", "step", "evaluation", "metric"),
    "probe_accuracy": ("run", "step", "layer", "probed"),
    "separability": ("run", "step", "contrast"),
    "steps_since_reset": ("run", "step"),
    "training_loss": ("run", "step"),
    "embedding_coordinates": ("run", "analysis_step", "token", "component"),
    "embedding_norm": ("run", "analysis_step", "token"),
    "embedding_drift": ("run", "analysis_step", "token"),
    "explained_variance": ("run", "analysis_step", "component"),
    "centroid_accuracy": ("run", "step", "contrast"),
    "attention_reading": ("run", "analysis_step", "layer_index", "head", "probe_set", "part"),
    "ablation_effect": ("run", "analysis_step", "layer_index", "head", "probe_set"),
    "token_accuracy": ("run", "token", "metric_by_token"),
    "training_queries": ("run", "token"),
}
NAN = {"steps_since_reset", "token_accuracy", "embedding_drift"}
"""Variables that are not known everywhere."""
ALONG_RUN = {
    *("run", "task", "distribution", "law", "alpha", "ambiguity", "vocabulary", "model", "schedule", "kind"),
    *(
        "period",
        "forget_until",
        "probability",
        "layers",
        "training",
        "protocol",
        "seed",
        "ambiguous_mass_noun",
        "ambiguous_mass_adjective",
    ),
}
OTHERS = {
    *("step", "evaluation", "num_sequences", "metric", "layer", "probed", "contrast", "analysis_step", "token"),
    *("component", "role", "layer_index", "head", "probe_set", "part", "metric_by_token"),
}
NUM_TOKENS = 42 + 3 * 12


@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_variables_dimensions_and_coordinates(measured, protocol):
    found = measured("zipf-1.5", protocol)
    assert {name: variable.dims for name, variable in found.data_vars.items()} == DIMS
    assert {variable.dtype for variable in found.data_vars.values()} == {np.dtype(np.float32)}
    assert set(found.coords) == ALONG_RUN | OTHERS
    assert {name for name in found.coords if found[name].dims == ("run",)} == ALONG_RUN
    assert found["step"].values.tolist() == [1, 2, 5, 10]
    assert found["metric"].values.tolist() == list(METRICS)
    assert found["probed"].values.tolist() == ["val", "tail", "unseen"]
    assert found["contrast"].values.tolist() == ["seen_unseen", "noun_adjective"]
    assert found["layer"].values.tolist() == [0, 1]
    assert found["component"].values.tolist() == [1, 2]
    assert found["token"].values.tolist() == list(range(NUM_TOKENS))
    roles = ["noun"] * 20 + ["adjective"] * 20 + ["copula", "mask"] + ["unseen"] * 36
    assert found["role"].values.tolist() == roles
    assert {"val", "switch", "tail", "tail_switch", "unseen", "unseen_normal"} <= set(found["evaluation"].values)
    assert set(found["analysis_step"].values) <= {1, 2, 5, 10}
    assert 10 in found["analysis_step"].values
    assert found["probe_set"].values.tolist() == ["val", "switch", "unseen"]
    assert found["part"].values.tolist() == list(PARTS)
    assert "uniform_switch" not in found["evaluation"].values
    assert set(found["num_sequences"].values) == {50}
    assert all({"units", "long_name"} <= set(found[name].attrs) for name in DIMS)


@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_everything_is_measured_and_within_range(measured, protocol):
    found = measured("zipf-1.5", protocol)
    for name in DIMS.keys() - NAN:
        assert found[name].notnull().all(), name
    losses = ["loss", "loss_copying", "loss_decision"]
    shares = [found["score"].drop_sel(metric=losses), found["probe_accuracy"], found["separability"]]
    for values in (*shares, found["explained_variance"], found["centroid_accuracy"], found["attention_reading"]):
        assert ((values >= 0) & (values <= 1)).all()
        assert values.std() > 0
    assert (found["score"].sel(metric=losses) > 0).all()
    assert (abs(found["ablation_effect"]) <= 1).all()
    assert abs(found["ablation_effect"]).max() > 0
    np.testing.assert_allclose(found["attention_reading"].sum("part"), 1, rtol=1e-5)
    asked = found["token_accuracy"].notnull().all(("run", "metric_by_token"))
    assert asked[:40].all()
    assert found["token_accuracy"][:, 40:].isnull().all()
    exact, grouped = (found["score"].sel(metric=name) for name in ("exact_match", "exact_match_same_group"))
    assert (grouped >= exact).all()


def test_uniform_has_no_tail_and_joins_as_nan(measured, tmp_path):
    names = []
    for law in ("uniform", "zipf-1.5"):
        found = measured(law, "corrected")
        names.append(found["run"].values[0])
        write_store(tmp_path / f"{law}.zarr", {"": found}, {})
    uniform = measured("uniform", "corrected")
    assert not {"tail", "tail_switch"} & set(uniform["evaluation"].values)
    assert uniform["probe_accuracy"].sel(probed="tail").isnull().all()
    joined = open_runs([tmp_path / "zipf-1.5.zarr", tmp_path / "uniform.zarr"], names)
    assert joined["run"].values.tolist() == names
    assert joined["law"].values.tolist() == ["uniform", "zipf"]
    for evaluation in ("tail", "tail_switch"):
        missing = joined["score"].sel(evaluation=evaluation).isnull()
        assert missing.sel(run=names[0]).all()
        assert not missing.sel(run=names[1]).any()
    assert joined["score"].sel(evaluation="val").notnull().all()
    assert joined["role"].dims == ("token",)


def test_a_store_gives_back_what_was_measured(measured, tmp_path):
    found = measured("zipf-1.5", "corrected")
    write_store(tmp_path / "s.zarr", {"": found}, {"plan": {}})
    xr.testing.assert_equal(open_store(tmp_path / "s.zarr"), found)
    assert open_store(tmp_path / "s.zarr")["score"].attrs == found["score"].attrs != {}


@pytest.mark.parametrize("protocol", ["reference", "corrected"])
@pytest.mark.parametrize("run", [1, 6])
def test_a_member_measures_as_it_would_alone(trained, measured, tmp_path, protocol, run):
    cohort = trained("zipf-1.5", protocol)
    plan = cohort.probes.model_copy(
        update={"cohort": cohort.plan.model_copy(update={"runs": (cohort.plan.runs[run],)})}
    )
    alone = replace(cohort, folder=tmp_path, probes=plan)
    index = read_index(cohort.output)
    for step in index["steps"]:
        state = {name: tensor[run : run + 1] for name, tensor in read_checkpoint(cohort.output, step).items()}
        write_tensors(checkpoint_path(alone.output, step), state, step=step)
    write_index(alone.output, index)
    found = probe_cohort(plan.model_dump_json(), datasets=alone.datasets, checkpoints=alone.output, threads=1)
    wanted = measured("zipf-1.5", protocol).isel(run=[run])
    assert found["run"].item() == cohort.plan.runs[run].name
    xr.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    others = measured("zipf-1.5", protocol).drop_isel(run=run)["score"]
    assert not any(np.allclose(others.isel(run=i), wanted["score"][0], atol=1e-4) for i in range(others.sizes["run"]))


def test_steps_since_reset_are_those_of_the_schedules(trained, measured):
    cohort, found = trained("zipf-1.5", "corrected"), measured("zipf-1.5", "corrected")
    for run in cohort.plan.runs:
        wanted = steps_since_reset(run.schedule, 10, [1, 2, 5, 10])
        np.testing.assert_array_equal(found["steps_since_reset"].sel(run=run.name), wanted)
    assert found["steps_since_reset"].notnull().any()


def test_training_loss_is_passed_on(trained, measured):
    cohort = trained("zipf-1.5", "corrected")
    wanted = torch.stack([state["training_loss"] for state in cohort.checkpoints().values()], dim=1)
    np.testing.assert_array_equal(measured("zipf-1.5", "corrected")["training_loss"], wanted)


def test_embeddings_are_those_of_their_step(trained, measured):
    cohort, found = trained("zipf-1.5", "reference"), measured("zipf-1.5", "reference")
    for step in found["analysis_step"].values.tolist():
        rows = read_checkpoint(cohort.output, step)["word_embedding.weight"]
        norms = found["embedding_norm"].sel(analysis_step=step)
        np.testing.assert_allclose(norms, rows.norm(dim=-1), rtol=1e-5)
        centred = (rows - rows.mean(1, keepdim=True)).square().sum((1, 2))
        along = found["embedding_coordinates"].sel(analysis_step=step).astype(float) ** 2
        share = found["explained_variance"].sel(analysis_step=step)
        np.testing.assert_allclose(along.sum("token") / centred.numpy()[:, None], share, rtol=1e-3)


def test_unseen_rows_of_corrected_runs_are_fresh_and_those_of_reference_runs_trained(measured):
    for protocol, sd in (("corrected", 0.02), ("reference", 1.0)):
        found = measured("zipf-1.5", protocol).sel(step=10, analysis_step=10)
        names = found["run"].values[found["kind"].values == "active"]
        norms = found["embedding_norm"].sel(run=names).isel(token=slice(42, None))
        assert float(norms.mean()) == pytest.approx(sd * 4, rel=0.2)  # of 16 coordinates


@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_drift_is_the_distance_from_the_first_weights(trained, measured, protocol):
    """After one step of AdamW every entry of a frequent row has moved by about the learning rate."""
    found = measured("zipf-1.5", protocol)["embedding_drift"]
    assert found[:, :, :42].notnull().all()
    assert found[:, :, 42:].isnull().all() == (protocol == "corrected")
    first = found.sel(run=found["run"][found["kind"] == "vanilla"], analysis_step=found["analysis_step"][0])
    step = int(found["analysis_step"][0])
    moved = first.isel(token=40)  # the copula is in every sequence
    assert (moved > 0).all()
    assert (moved < 1.05 * 0.01 * step * 16**0.5).all()


def test_training_queries_add_up_to_the_training_data(trained, measured):
    cohort = trained("zipf-1.5", "corrected")
    assert (measured("zipf-1.5", "corrected")["training_queries"].sum("token") == 10 * 8).all()
    assert cohort.plan.training["batch_size"] == 8


def test_only_the_chosen_analyses_are_there(trained):
    cohort = trained("zipf-1.5", "corrected")
    for names, wanted in (
        ((), set()),
        (("ablation",), {"ablation_effect"}),
        (("rank_frequency",), {"token_accuracy", "training_queries"}),
    ):
        probing = cohort.probes.probing.model_copy(update={"analyses": names, "evaluations": ("val",)})
        plan = cohort.probes.model_copy(update={"probing": probing})
        found = probe_cohort(plan.model_dump_json(), datasets=cohort.datasets, checkpoints=cohort.output, threads=1)
        costly = {name for analysis in ANALYSES.values() for name in analysis.attrs}
        assert costly & set(found) == wanted
        assert found["evaluation"].values.tolist() == ["val"]


def test_an_analysis_that_finds_no_set_of_its_own_is_left_out(trained):
    cohort = trained("zipf-1.5", "corrected")
    probing = cohort.probes.probing.model_copy(update={"evaluations": ("tail",)})
    plan = cohort.probes.model_copy(update={"probing": probing})
    found = probe_cohort(plan.model_dump_json(), datasets=cohort.datasets, checkpoints=cohort.output, threads=1)
    assert set(DIMS) - set(found) == {"attention_reading", "ablation_effect"}
    assert not {"part", "probe_set", "head"} & set(found.coords)


def test_a_killed_job_goes_on_where_it_was(trained, measured, tmp_path, monkeypatch):
    cohort, measure, steps = trained("zipf-1.5", "corrected"), Evaluations.measure, []

    def watched(self, model, step):
        if step == 5 and 5 not in steps:
            steps.append(step)
            raise KeyboardInterrupt
        steps.append(step)
        return measure(self, model, step)

    monkeypatch.setattr(Evaluations, "measure", watched)
    monkeypatch.setattr(saving, "EVERY", 0)
    options = {"datasets": cohort.datasets, "checkpoints": cohort.output, "threads": 1}
    options |= {"store": tmp_path / "probes.zarr", "working": tmp_path / "w"}
    with pytest.raises(KeyboardInterrupt):
        probe_to_store(cohort.probes.model_dump_json(), **options)
    assert not options["store"].exists()
    assert len(list(options["working"].iterdir())) == 2
    probe_to_store(cohort.probes.model_dump_json(), **options)
    assert steps == [1, 2, 5, 5, 10]
    xr.testing.assert_identical(
        open_store(options["store"]).drop_attrs(), measured("zipf-1.5", "corrected").drop_attrs()
    )
    assert not options["working"].exists()


def test_a_job_that_lost_its_lease_leaves_the_store_to_the_other(trained, tmp_path, monkeypatch):
    cohort = trained("zipf-1.5", "corrected")
    options = {"datasets": cohort.datasets, "checkpoints": cohort.output, "threads": 1}
    options |= {"store": tmp_path / "probes.zarr", "working": tmp_path / "w"}

    def lost(self):
        raise LeaseLostError

    monkeypatch.setattr(Lease, "check", lost)
    with pytest.raises(LeaseLostError):
        probe_to_store(cohort.probes.model_dump_json(), **options)
    assert not options["store"].exists()
