"""Drift in real fits: which rows are overwritten for a step, how often, and that the embedding comes back."""

import numpy as np
import pytest
import torch
from scipy import stats

from dual_process.store import open_store
from tests.tiny import make_cohort

SCHEDULES = {
    "vanilla": {"kind": "vanilla"},
    "drift-0": {"kind": "drift", "probability": 0.0},
    "drift-0.3": {"kind": "drift", "probability": 0.3},
}
EMBEDDING = "word_embedding.weight"
EVERY_STEP = {"checkpoints_every": 1}


@pytest.fixture(params=["reference", "corrected"])
def watched(request, tmp_path, watch):
    """Return a trained cohort of the three schedules, and what was seen before and after the package's callbacks."""
    cohort = make_cohort(
        tmp_path, schedules=tuple(SCHEDULES), schedules_block=SCHEDULES, protocol=request.param, training=EVERY_STEP
    )
    cohort.train()
    return cohort, *watch


def test_the_embedding_is_never_trained_but_the_body_is(watched):
    cohort, _, after = watched
    initial, last = after.start[0], cohort.checkpoints()[10]
    first = cohort.checkpoints()[1]
    for state in cohort.checkpoints().values():
        assert torch.equal(state[EMBEDDING][1], first[EMBEDDING][1])
        assert torch.equal(state[EMBEDDING][2], first[EMBEDDING][2])
    assert torch.equal(initial[1], first[EMBEDDING][1])
    assert not torch.equal(last[EMBEDDING][0], first[EMBEDDING][0])
    for run in (1, 2):
        assert not torch.equal(last["layers.0.query.weight"][run], first["layers.0.query.weight"][run])


def test_only_drawn_tokens_of_the_batch_are_overwritten(watched):
    cohort, before, after = watched
    kept = cohort.checkpoints()[1][EMBEDDING]
    num_drawn = open_store(cohort.datasets[0], "vocabulary").attrs["num_drawn"]
    overwritten = 0
    for step, rows in after.start.items():
        assert torch.equal(rows[1], kept[1])
        changed = (rows[2] != kept[2]).any(-1).nonzero()[:, 0]
        overwritten += len(changed)
        assert set(changed.tolist()) <= set(before.inputs[step][2].unique().tolist())
        assert (changed < num_drawn).all()
    assert overwritten > 10


def test_a_type_that_occurs_m_times_changes_with_one_minus_q_to_the_m(tmp_path, watch):
    before, after = watch
    block = {f"drift-{i}": {"kind": "drift", "probability": 0.3} for i in range(3)}
    changes = {"training": {"steps": 60, "checkpoints_every": 60}}
    make_cohort(tmp_path, schedules=tuple(block), schedules_block=block, seeds=(0, 1), **changes).train()
    kept = after.weights[60][EMBEDDING]
    observed, expected, variance = 0, 0.0, 0.0
    for run in (0, 3):  # one run of each seed: the others are the same run under another name
        for step, rows in after.start.items():
            ids, counts = before.inputs[step][run].unique(return_counts=True)
            ids, counts = ids[ids < 40], counts[ids < 40]
            probability = 1 - 0.7 ** counts.numpy()
            observed += int((rows[run, ids] != kept[run, ids]).any(-1).sum())
            expected += probability.sum()
            variance += (probability * (1 - probability)).sum()
    assert stats.norm.sf(abs(observed - expected) / np.sqrt(variance)) > 1e-3


def test_overwritten_rows_have_the_scale_of_the_protocol(tmp_path, watch):
    _, after = watch
    make_cohort(tmp_path, schedules=("drift-0.3",), schedules_block=SCHEDULES, protocol="reference").train()
    kept = after.weights[10][EMBEDDING][0]
    rows = torch.cat([rows[0][(rows[0] != kept).any(-1)] for rows in after.start.values()])
    assert len(rows) > 30
    assert stats.kstest(rows.flatten().numpy(), "norm").pvalue > 1e-3
