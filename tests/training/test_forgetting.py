"""Forgetting in real fits: whose rows change, at which step, to what, and what becomes of the moments."""

import math

import pytest
import torch
from scipy import stats

from tests.tiny import make_cohort

MIXED = ("vanilla", "active-4", "temporary-3-8", "probabilistic-0.3")
DUE = {3: {2}, 4: {1}, 6: {2}, 8: {1}}
"""Members of the cohort above that are reset after a step; temporary forgetting ends strictly before step 8."""
EVERY_STEP = {"checkpoints_every": 1}
EMBEDDING, BIAS = "word_embedding.weight", "decoder_bias"


def changed(before, after):
    """Names and runs that differ between two stacked states."""
    return {(name, run) for name in before for run in range(len(before[name])) if not same(before, after, name, run)}


def same(before, after, name, run):
    return torch.equal(before[name][run], after[name][run])


@pytest.mark.parametrize(
    ("protocol", "touched"),
    [("reference", {EMBEDDING}), ("corrected", {EMBEDDING, BIAS})],
    ids=["reference", "corrected"],
)
def test_only_due_members_change_after_the_step_and_after_its_checkpoint(tmp_path, watch, protocol, touched):
    before, after = watch
    cohort = make_cohort(tmp_path, schedules=MIXED, protocol=protocol, training=EVERY_STEP)
    cohort.train()
    saved = cohort.checkpoints()
    assert list(saved) == list(range(1, 11))
    for step, state in saved.items():
        state.pop("training_loss")
        assert changed(state, before.weights[step]) == set()
        assert changed(state, after.weights[step]) == {(name, run) for name in touched for run in DUE.get(step, set())}


def test_the_next_step_starts_from_the_reset_rows(tmp_path, watch):
    _, after = watch
    make_cohort(tmp_path, schedules=("active-4",), training=EVERY_STEP).train()
    for step in range(1, 10):
        assert torch.equal(after.start[step], after.weights[step][EMBEDDING])


@pytest.mark.parametrize(("scale", "sd"), [(1.0, 1.0), (0.02, 0.02), ("empirical", None)])
def test_fresh_rows_are_normal_with_the_scale_of_the_protocol(tmp_path, watch, scale, sd):
    before, after = watch
    cohort = make_cohort(
        tmp_path,
        schedules=("active-4",),
        protocol="scaled",
        protocols={"scaled": {"reset_scale": scale, "initial_embedding_scale": 0.1}},
        tasks={"pos": {"vocabulary": 400, "evaluation_sequences": 50}},
    )
    cohort.train()
    for step in (4, 8):
        rows = after.weights[step][EMBEDDING][0]
        wanted = sd or float(before.weights[step][EMBEDDING][0].double().std())
        assert rows.shape == (402, 16)
        assert stats.kstest(rows.flatten().numpy(), stats.norm(0, wanted).cdf).pvalue > 1e-3
        assert float(rows.std()) == pytest.approx(wanted, rel=0.04)
    if sd is None:
        assert float(before.weights[4][EMBEDDING][0].std()) == pytest.approx(0.1, rel=0.1)


def test_reference_resets_leave_the_padding_row_zero_and_keep_the_bias(tmp_path, watch):
    before, after = watch
    make_cohort(tmp_path, schedules=("active-4", "temporary-3-8"), protocol="reference").train()
    for step, run in ((4, 0), (8, 0), (3, 1), (6, 1)):
        weight = after.weights[step][EMBEDDING][run]
        assert weight.shape[0] == 46  # unseen rows are trained, and reset
        assert torch.equal(weight[0], torch.zeros(16))
        assert (weight[1:].std(1) > 0.3).all()
        assert before.weights[step][BIAS][run].abs().max() > 0
        assert same(before.weights[step], after.weights[step], BIAS, run)


def test_corrected_resets_zero_the_bias_and_draw_the_first_noun_like_any(tmp_path, watch):
    before, after = watch
    make_cohort(tmp_path, schedules=("active-4",)).train()
    for step in (4, 8):
        assert before.weights[step][BIAS].abs().max() > 0
        assert torch.equal(after.weights[step][BIAS], torch.zeros(1, 1, 42))
        assert after.weights[step][EMBEDDING][0, 0].abs().min() > 0


def cleared(before, after):
    """Which parameters of which runs had their whole state zeroed, and which are as they were."""
    zero, kept = set(), set()
    for name, state in after.items():
        for run in range(len(state["step"])):
            if all(not tensor[run].any() for tensor in state.values()):
                zero.add((name, run))
            elif all(torch.equal(tensor[run], before[name][key][run]) for key, tensor in state.items()):
                kept.add((name, run))
    return zero, kept


@pytest.mark.parametrize(
    ("protocol", "step", "run", "names"),
    [
        ("reference", 4, 1, set()),
        ("reference", 3, 2, "all"),
        ("corrected", 4, 1, {EMBEDDING, BIAS}),
        ("corrected", 3, 2, {EMBEDDING, BIAS}),
        ("bias-kept", 4, 1, {EMBEDDING}),
    ],
)
def test_moments_and_step_counts_are_cleared_as_the_protocol_says(tmp_path, watch, protocol, step, run, names):
    before, after = watch
    protocols = {"bias-kept": {"reset_decoder_bias": False}}
    make_cohort(tmp_path, schedules=MIXED, protocol=protocol, protocols=protocols, training={"steps": 5}).train()
    every = {(name, member) for name in after.moments[step] for member in range(len(MIXED))}
    wanted = {(name, run) for name, _ in every if names == "all" or name in names}
    zero, kept = cleared(before.moments[step], after.moments[step])
    assert zero == wanted
    assert kept == every - wanted
    assert set(before.moments[step]) == set(before.weights[step])


def test_bias_correction_starts_afresh_for_the_cleared_alone(tmp_path, watch):
    _, after = watch
    make_cohort(tmp_path, schedules=("vanilla", "active-4"), training={"steps": 6}).train()
    counts = {name: state["step"].tolist() for name, state in after.moments[6].items()}
    assert counts.pop(EMBEDDING) == counts.pop(BIAS) == [6, 2]
    assert set(map(tuple, counts.values())) == {(6, 6)}


def test_probabilistic_rows_are_replaced_for_one_step_and_put_back_untouched(tmp_path, watch):
    before, after = watch
    chance = 0.3
    make_cohort(tmp_path, schedules=("probabilistic-0.3", "vanilla"), training={"steps": 60}).train()
    chosen = candidates = 0
    for step in range(60):
        original, during = before.start[step], after.start[step]
        restored, gradient = after.backward[step]
        replaced = (original != during).any(-1)
        in_batch = torch.zeros(42, dtype=torch.bool)
        in_batch[after.inputs[step][0].unique()] = True
        assert not replaced[1].any()
        assert not (replaced[0] & ~in_batch).any()
        assert torch.equal(restored, original)
        assert not gradient[replaced].any()
        assert gradient[~replaced].any(-1).all()  # every row is a softmax candidate
        chosen, candidates = chosen + int(replaced.sum()), candidates + int(in_batch.sum())
    assert candidates > 300
    assert stats.binomtest(chosen, candidates, chance).pvalue > 1e-3


def test_replaced_rows_are_drawn_with_the_scale_of_the_protocol(tmp_path, watch):
    before, after = watch
    protocols = {"wide": {"reset_scale": 0.5}}
    make_cohort(
        tmp_path, schedules=("probabilistic-0.3",), protocol="wide", protocols=protocols, training={"steps": 60}
    ).train()
    drawn = torch.cat([after.start[s][(before.start[s] != after.start[s]).any(-1)] for s in range(60)])
    assert len(drawn) > 100
    assert stats.kstest(drawn.flatten().numpy(), stats.norm(0, 0.5).cdf).pvalue > 1e-3


def test_probabilistic_forgetting_ends(tmp_path, watch):
    before, after = watch
    ending = {"kind": "probabilistic", "probability": 0.9, "forget_until": 5}
    make_cohort(tmp_path, schedules=("ending",), schedules_block={"ending": ending}).train()
    replaced = [step for step in range(10) if not torch.equal(before.start[step], after.start[step])]
    assert replaced == [0, 1, 2, 3, 4]


def test_resets_depend_on_seed_and_step_only(tmp_path, watch):
    _, after = watch
    seen = {}
    for name, schedules, seeds in (
        ("mixed", MIXED, (0,)),
        ("alone", ("active-4",), (0,)),
        ("two", ("active-4",), (1, 0)),
    ):
        make_cohort(tmp_path / name, schedules=schedules, seeds=seeds).train()
        seen[name] = {step: after.weights[step][EMBEDDING] for step in (4, 8)}
    for step in (4, 8):
        assert torch.equal(seen["mixed"][step][1], seen["alone"][step][0])
        assert torch.equal(seen["two"][step][1], seen["alone"][step][0])
    for first, second in (
        (seen["alone"][4][0], seen["alone"][8][0]),  # another step
        (seen["two"][4][0], seen["two"][4][1]),  # another seed
    ):
        correlation = torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]
        assert abs(float(correlation)) < 4 / math.sqrt(first.numel())
