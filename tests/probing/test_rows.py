"""Rows of never-trained tokens: their laws, and that nothing else is touched."""

import numpy as np
import pytest
import torch
from scipy import stats

from dual_process.config import REFERENCE, Protocol
from dual_process.models.bert import BertConfig, StackedBert
from dual_process.probing.rows import redraw_rows, with_unseen_rows

TRAINED, TOKENS, WIDTH = 30, 230, 16


def state(sd=0.3):
    generator = torch.Generator().manual_seed(0)
    weight = torch.empty(2, TRAINED, WIDTH).normal_(0, sd, generator=generator)
    return {"word_embedding.weight": weight, "decoder_bias": torch.ones(2, 1, TRAINED), "other": torch.ones(2, 3)}


def extend(protocol, *, was_reset=(False, True), step=100, seeds=(0, 1), **changes):
    return with_unseen_rows(
        state(**changes), num_tokens=TOKENS, protocol=protocol, was_reset=was_reset, seeds=seeds, step=step
    )


EMPIRICAL = float(state()["word_embedding.weight"][1].double().std())


@pytest.mark.parametrize(("scale", "reset_sd"), [(1.0, 1.0), (0.02, 0.02), ("empirical", EMPIRICAL)])
def test_drawn_rows_follow_the_last_draw_of_the_embedding(scale, reset_sd):
    protocol = Protocol(reset_scale=scale, initial_embedding_scale=0.1)
    rows = extend(protocol)["word_embedding.weight"][:, TRAINED:]
    assert rows.shape == (2, TOKENS - TRAINED, WIDTH)
    for run, sd in ((0, 0.1), (1, reset_sd)):
        assert stats.kstest(rows[run].flatten().numpy(), stats.norm(0, sd).cdf).pvalue > 1e-3


def test_trained_rows_and_everything_else_stay():
    before, after = state(), extend(Protocol())
    assert after.keys() == before.keys()
    assert torch.equal(after["word_embedding.weight"][:, :TRAINED], before["word_embedding.weight"])
    assert torch.equal(after["decoder_bias"][..., :TRAINED], before["decoder_bias"])
    assert after["decoder_bias"].shape == (2, 1, TOKENS)
    assert not after["decoder_bias"][..., TRAINED:].any()
    assert torch.equal(after["other"], before["other"])


def test_trained_unseen_rows_are_used_as_they_are():
    before = state()
    after = with_unseen_rows(
        before, num_tokens=TRAINED, protocol=REFERENCE, was_reset=[True, True], seeds=[0, 1], step=5
    )
    for name, tensor in before.items():
        assert torch.equal(after[name], tensor)


def test_drawn_rows_depend_on_seed_and_step():
    def drawn(**options):
        return extend(Protocol(), **options)["word_embedding.weight"][0, TRAINED:]

    assert torch.equal(drawn(), drawn(seeds=(0, 9)))
    for other in ({"step": 101}, {"seeds": (1, 0)}):
        assert not torch.isin(drawn(), drawn(**other)).any()


@pytest.fixture
def model():
    model = StackedBert(BertConfig(num_tokens=TOKENS, num_positions=7, layers=1, width=WIDTH, num_runs=2))
    model.initialise([torch.Generator().manual_seed(run) for run in range(2)])
    return model


IDS = torch.stack([torch.arange(100, 220).repeat(2), torch.arange(105, 225).repeat_interleave(2)])


def redrawn(model, embedding, *, step=7, seeds=(0, 1)):
    redraw_rows(model, IDS, embedding, trained=TRAINED, seeds=seeds, step=step)
    return model.word_embedding.weight.detach().clone()


@pytest.mark.parametrize("embedding", ["uniform", "normal", "mean-of-ten"])
def test_only_the_ids_asked_for_are_redrawn(model, embedding):
    before = model.word_embedding.weight.detach().clone()
    others = {name: tensor.clone() for name, tensor in model.state_dict().items() if "word_embedding" not in name}
    changed = (redrawn(model, embedding) != before).all(-1)
    for run in range(2):
        assert changed[run].nonzero().flatten().tolist() == IDS[run].unique().tolist()
    unchanged = model.word_embedding.weight.detach() == before
    assert unchanged.all(-1).sum() == 2 * TOKENS - 2 * 120
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in others.items())


@pytest.mark.parametrize(("embedding", "law"), [("uniform", stats.uniform(0, 1)), ("normal", stats.norm(5, 5))])
def test_laws_of_redrawn_rows(model, embedding, law):
    weight = redrawn(model, embedding)
    for run in range(2):
        values = weight[run, IDS[run].unique()].flatten().numpy()
        assert stats.kstest(values, law.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(weight[0, 100:220].flatten(), weight[1, 105:225].flatten())[0, 1]) < 0.1


def test_means_of_ten_are_of_trained_rows(model):
    with torch.no_grad():
        model.word_embedding.weight[:, :TRAINED] = torch.arange(TRAINED)[:, None].float()
        model.word_embedding.weight[1, :TRAINED] += 1000
        model.word_embedding.weight[:, TRAINED:] = -1e6  # would show in a mean
    weight = redrawn(model, "mean-of-ten")
    for run in range(2):
        rows = weight[run, IDS[run].unique()] - 1000 * run
        assert (rows == rows[:, :1]).all()  # whole rows are averaged
        means = rows[:, 0].double().numpy()
        np.testing.assert_allclose(means * 10, (means * 10).round(), atol=0.01)
        sd = np.sqrt((TRAINED**2 - 1) / 12 / 10)
        assert abs(means.mean() - (TRAINED - 1) / 2) < 4 * sd / np.sqrt(len(means))
        assert means.std() == pytest.approx(sd, rel=0.25)


def test_redrawn_rows_depend_on_seed_and_step(model):
    first = redrawn(model, "uniform")[0, 110:220]
    assert torch.equal(redrawn(model, "uniform")[0, 110:220], first)
    assert not torch.isin(redrawn(model, "uniform", step=8)[0, 110:220], first).all(-1).any()
    assert not torch.isin(redrawn(model, "uniform", seeds=(5, 1))[0, 110:220], first).all(-1).any()
