"""The Lightning module: losses of independent runs, reproducible dropout, parameter groups."""

import pytest
import torch
from torch.utils.data import DataLoader

from dual_process.config import Training
from dual_process.models.bert import BertConfig, StackedBert
from dual_process.trainer import make_trainer
from dual_process.training.module import BODY, DECODER_BIAS, EMBEDDING, CohortModule

TARGETS = (4, 5, 6)


class ModuleAtStep(CohortModule):
    """A module that need not be in training to know its step."""

    completed_steps = 0


def make_module(*, seeds=(0, 1), dropout=0.0, step=0):
    config = BertConfig(num_tokens=30, num_positions=7, layers=2, width=8, feed_forward=16, dropout=dropout, num_runs=2)
    model = StackedBert(config)
    model.initialise([torch.Generator().manual_seed(run) for run in range(2)])
    module = ModuleAtStep(model, Training(steps=10, learning_rate=1e-3), targets=TARGETS, seeds=seeds)
    module.completed_steps = step
    return module


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(9)
    return torch.randint(0, 30, (2, 5, 7), generator=generator), torch.randint(0, 30, (2, 5, 3), generator=generator)


def gradients(module, batch):
    module.zero_grad()
    module.training_step(batch, 0).backward()
    return {name: parameter.grad.clone() for name, parameter in module.model.named_parameters()}


def test_the_loss_is_the_sum_over_runs_of_mean_cross_entropies(batch):
    module = make_module()
    total = module.training_step(batch, 0)
    logits = module.model.logits(module.model(batch[0], TARGETS).flatten(1, 2))
    wanted = torch.stack([torch.nn.functional.cross_entropy(logits[r], batch[1][r].flatten()) for r in range(2)])
    torch.testing.assert_close(module.run_losses, wanted.detach())
    torch.testing.assert_close(total, wanted.sum())


def test_no_run_feels_the_data_of_another(batch):
    module = make_module()
    before = gradients(module, batch)
    inputs, targets = (tensor.clone() for tensor in batch)
    inputs[1], targets[1] = inputs[1].flip(0, 1), targets[1].roll(1, 0)
    after = gradients(module, (inputs, targets))
    for name in before:
        torch.testing.assert_close(before[name][0], after[name][0])
    assert not torch.allclose(before["word_embedding.weight"][1], after["word_embedding.weight"][1])


def loss(batch, **options):
    torch.rand(7)  # whatever was drawn before
    return make_module(dropout=0.3, **options).training_step(batch, 0).item()


def test_dropout_is_a_function_of_step_and_seeds(batch):
    usual = loss(batch, step=3)
    assert loss(batch, step=3) == usual
    others = [loss(batch, step=4), loss(batch, step=3, seeds=(0, 2)), loss(batch, step=3, seeds=(2, 1))]
    assert len({usual, *others}) == 4


def test_without_dropout_the_step_is_no_matter(batch):
    assert make_module(step=3).training_step(batch, 0) == make_module(step=4).training_step(batch, 0)


def test_every_parameter_is_in_one_group_with_the_configured_rates():
    module = make_module()
    groups = module.configure_optimizers().param_groups
    assert groups[EMBEDDING]["params"] == [module.model.word_embedding.weight]
    assert groups[DECODER_BIAS]["params"] == [module.model.decoder_bias]
    ids = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(ids) == sorted(id(parameter) for parameter in module.model.parameters())
    assert len(groups[BODY]["params"]) == len(ids) - 2
    assert {(group["lr"], group["weight_decay"], group["betas"], group["eps"]) for group in groups} == {
        (1e-3, 0.01, (0.9, 0.999), 1e-8)
    }


def test_no_gradient_of_the_last_step_is_held_while_the_next_one_runs_forward(batch):
    class Watched(CohortModule):
        held = ()

        def training_step(self, batch, batch_idx):
            self.held = (*self.held, sum(parameter.grad is not None for parameter in self.parameters()))
            return super().training_step(batch, batch_idx)

    model = make_module().model
    module = Watched(model, Training(steps=3), targets=TARGETS, seeds=(0, 1))
    make_trainer([], 3).fit(module, DataLoader([batch] * 3, batch_size=None))
    assert module.held == (0, 0, 0)
