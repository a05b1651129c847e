"""Accuracy by token, planted, and counted again from the data of a trained cohort."""

import numpy as np
import torch

from dual_process.checkpoints import read_checkpoint
from dual_process.probing.rank_frequency import BY_TOKEN, mean_by_token
from dual_process.probing.scores import METRICS, Sequences, score_sequences
from dual_process.store import open_store
from dual_process.tasks.registry import TASKS
from tests.probing.test_evaluation import load, stores


def test_planted_accuracy_comes_out_by_token():
    """Token i of run 0 is right in i of 10 sequences, in run 1 in 10 - i; the last token is never asked."""
    ids = torch.arange(5).repeat_interleave(10).expand(2, -1)
    number = torch.arange(10).repeat(5)
    right = torch.stack([number < ids[0], number >= ids[1]]).float()
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    values = torch.stack([right, 1 - right], dim=-1)[:, order]
    found = mean_by_token(values, ids[:, order], 6)
    share = torch.arange(5).double() / 10
    torch.testing.assert_close(found[:, :5, 0], torch.stack([share, 1 - share]))
    torch.testing.assert_close(found[:, :5, 1], torch.stack([1 - share, share]))
    assert found[:, 5].isnan().all()


def test_sums_over_tokens_are_those_over_sequences(trained, measured):
    cohort, found = trained("zipf-1.5", "reference"), measured("zipf-1.5", "reference")
    model, _ = load(cohort)
    sets = [open_store(path, "evaluation/uniform_switch") for path in stores(cohort)]
    tensors = [
        torch.from_numpy(np.stack([each[name].values.astype(np.int64) for each in sets]))
        for name in ("input", "label", "choice")
    ]
    scores = score_sequences(model, Sequences.of(*tensors), targets=(4, 5, 6), num_trained=42, batch_size=600).double()
    queries = tensors[0][..., 3]
    for run in (0, 6):
        counts = np.bincount(queries[run], minlength=found.sizes["token"])
        for metric in BY_TOKEN:
            accuracy = found["token_accuracy"].isel(run=run).sel(metric_by_token=metric)
            assert (accuracy.isnull() == (counts == 0)).all()
            wanted = scores[run, :, METRICS.index(metric)].mean().item()
            np.testing.assert_allclose((accuracy.fillna(0) * counts).sum() / 600, wanted, rtol=1e-6)


def test_training_queries_are_counted_in_the_sequences_that_training_sees(trained, measured):
    cohort, found = trained("zipf-1.5", "corrected"), measured("zipf-1.5", "corrected")
    for run, path in enumerate(stores(cohort)):
        training = open_store(path, "training")
        compact = {str(name): values.values for name, values in training.items()}
        inputs, _ = TASKS["part-of-speech"].expand(compact, training.attrs)
        wanted = np.bincount(inputs[:, 3], minlength=found.sizes["token"])
        np.testing.assert_array_equal(found["training_queries"][run], wanted)
    assert read_checkpoint(cohort.output, 10)["training_loss"].shape == (8,)
