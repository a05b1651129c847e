"""Runs of different distributions, schedules and seeds in one cohort: each is what it would be alone."""

import pytest
import torch

from dual_process.models.registry import initial_model
from dual_process.runs import stores_of_runs
from dual_process.store import open_store, write_store
from dual_process.training.data import CohortData
from tests.mixed import mixed
from tests.tiny import SCHEDULES, make_cohort

BLOCK = SCHEDULES | {
    "active-70": {"kind": "active", "period": 70},
    "temporary-50-120": {"kind": "temporary", "period": 50, "forget_until": 120},
    "drift-0.3": {"kind": "drift", "probability": 0.3},
}
RUNS = [
    ("uniform", "active-70", 5),
    ("zipf-1.5", "temporary-50-120", 5),
    ("two-level", "probabilistic-0.3", 6),
    ("zipf-1.5", "vanilla", 6),
    ("uniform", "drift-0.3", 5),
]
RESETS = {70: [0], 140: [0], 50: [1], 100: [1]}
LONG = {"steps": 200, "checkpoints_every": 200, "checkpoints_logarithmic": 0}
NO_GRADIENT = "key.bias"
"""It shifts all scores of a query alike, so that its gradient is rounding noise, which AdamW then scales up."""
EMBEDDING = "word_embedding.weight"


def singles(folder, runs, **changes):
    """Cohorts of one run each."""
    return [
        make_cohort(
            folder / str(index),
            distribution=law,
            schedules=(schedule,),
            seeds=(seed,),
            schedules_block=BLOCK,
            **changes,
        )
        for index, (law, schedule, seed) in enumerate(runs)
    ]


def loaded(cohort):
    """All batches of a cohort."""
    stores = stores_of_runs(cohort.plan, cohort.datasets)
    return list(CohortData(stores, batch_size=8, first_step=0, steps=200).train_dataloader())


def initial_state(cohort):
    plan, vocabulary = cohort.plan, open_store(cohort.datasets[0], "vocabulary")
    num_tokens = vocabulary.sizes["token"] if plan.protocol.train_unseen else vocabulary.attrs["num_trained"]
    seeds = [run.seed for run in plan.runs]
    return initial_model(plan.model, plan.protocol, num_tokens=num_tokens, num_positions=7, seeds=seeds).state_dict()


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["reference", "corrected"])
def test_members_of_any_distribution_and_schedule_agree_with_runs_of_their_own(tmp_path, watch, protocol):
    _, after = watch
    alone = singles(tmp_path, RUNS, protocol=protocol, training=LONG)
    together = mixed(tmp_path / "all", alone)
    together.train()
    stacked, batches, start = together.checkpoints()[200], loaded(together), initial_state(together)
    reset_rows = {step: after.weights[step][EMBEDDING] for step in RESETS}
    for run, single in enumerate(alone):
        for ours, theirs in zip(batches, loaded(single), strict=True):
            assert all(torch.equal(one[run], other[0]) for one, other in zip(ours, theirs, strict=True))
        for name, tensor in initial_state(single).items():
            assert torch.equal(start[name][run], tensor[0]), name
        single.train()
        for step in (step for step, due in RESETS.items() if run in due):
            assert torch.equal(reset_rows[step][run], after.weights[step][EMBEDDING][0])
        for name, tensor in single.checkpoints()[200].items():
            if not name.endswith(NO_GRADIENT):
                torch.testing.assert_close(stacked[name][run], tensor[0], rtol=0, atol=1e-5)
    assert len(stacked["training_loss"].unique()) == len(RUNS)


def test_runs_whose_ids_mean_different_things_are_refused(tmp_path):
    task = {"pos": {"vocabulary": 38, "evaluation_sequences": 50}}
    small = singles(tmp_path / "small", RUNS[:1], training=LONG, tasks=task)
    cohort = mixed(tmp_path / "all", [*singles(tmp_path, RUNS[1:2], training=LONG), *small])
    with pytest.raises(ValueError, match="the runs of a cohort have different vocabularies: num_trained"):
        cohort.train()
    assert not cohort.output.exists()


def test_runs_whose_training_data_differ_in_length_are_refused(tmp_path):
    first, second = singles(tmp_path, RUNS[:2], training=LONG)
    path = second.datasets[0]
    groups = {name: open_store(path, name) for name in ("vocabulary", "training")}
    write_store(path, groups | {"training": groups["training"].isel(sequence=slice(70))}, {})
    with pytest.raises(ValueError, match="the runs of a cohort have different training sequences"):
        mixed(tmp_path / "all", [first, second]).train()
