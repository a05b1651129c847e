"""A training step on a CPU as one compiled graph: losses and gradients together.

The operations of a toy model are so small that PyTorch's modules, its autograd engine and the calls of a hundred small
parameters are a good part of its step. So everything from the look-up of tokens to the gradients is traced once and
compiled, and all parameters but the tied ones are one tensor. Left outside are random numbers and additions to rows
that an index chooses, which a compiler may neither merge nor share out among threads.

Shape letters: R run, B batch, S position, T target position, D width, P parameter, V token.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from dual_process.compiling import compiled
from dual_process.models.dropout import cut_masks, draw_factors
from dual_process.models.interface import StackedModel
from dual_process.models.losses import by_exponentials
from dual_process.models.stacked import in_all_runs
from dual_process.training.optimizer import VECTOR

TIED = ("word_embedding.weight", "decoder_bias")
"""Parameters that have an optimizer group of their own; all others are the body."""


class Body:
    """The other parameters of a stack, from now on parts of one tensor, which alone is trained.

    Parameters
    ----------
    model
        Its parameters become views; they stay what they are for everything that reads or overwrites them.

    Attributes
    ----------
    together
        Parameter (R, P). Each part begins at a multiple of the optimizer's vectors and is followed by zeros, so that it
        is rounded as it would be alone.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = {name: each for name, each in model.named_parameters() if name not in TIED}
        self.shapes = {name: each.shape[1:] for name, each in parameters.items()}
        self.lengths = [-(-shape.numel() // VECTOR) * VECTOR for shape in self.shapes.values()]
        num_runs = len(next(iter(parameters.values())))
        self.together = nn.Parameter(torch.zeros(num_runs, sum(self.lengths)))
        for name, view in self.parts(self.together.detach()).items():
            view.copy_(parameters[name].detach())
            parameters[name].data = view

    def parts(self, together_rp: Tensor) -> dict[str, Tensor]:
        """Parameters by name, as views."""
        parts = zip(self.shapes.items(), together_rp.split(self.lengths, 1), strict=True)
        return {name: part[:, : shape.numel()].unflatten(1, shape) for (name, shape), part in parts}


class Step(NamedTuple):
    """What the compiled graph makes of a batch."""

    losses_r: Tensor
    for_body_rp: Tensor
    for_weight_rvd: Tensor
    for_bias_r1v: Tensor
    added_rnd: Tensor
    """What the gradient of the weight lacks: vectors for the targets' and then for the inputs' tokens."""
    safe_r: Tensor
    """False where the loss has to be taken in another way."""


class CompiledStep:
    """Losses of a stack whose gradients are there at once.

    Parameters
    ----------
    model
        Stack on a CPU, of which the body is put into one tensor.
    targets
        Positions whose tokens are predicted.
    """

    def __init__(self, model: StackedModel, targets: Sequence[int]) -> None:
        self.model, self.targets, self.body = model, targets, Body(model)
        self.width = model.word_embedding.weight.shape[2]
        self._callable = _Features(model)
        self._graphs: dict[bool, Callable[..., Any]] = {}

    def __call__(self, inputs_rbs: Tensor, targets_rbt: Tensor) -> Tensor:
        """Mean cross-entropy (R,) of each run; dropout is drawn from the default generator.

        The gradients of the sum go to the weight of the embedding, to the decoder's bias and to ``body.together``.
        """
        model = self.model
        losses_r: Tensor = _Losses.apply(
            self, inputs_rbs, targets_rbt, self.body.together, model.word_embedding.weight, model.decoder_bias
        )
        return losses_r

    def gradients(self, inputs_rbs: Tensor, targets_rbt: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Losses (R,) and the gradients for body, weight and bias."""
        model, shapes = self.model, self.model.mask_shapes((*inputs_rbs.shape, self.width), len(self.targets))
        factors = draw_factors(shapes, model.dropout, inputs_rbs.device)
        weight_rvd, bias_r1v = model.word_embedding.weight.detach(), model.decoder_bias.detach()
        arguments = self.body.together.detach(), weight_rvd, bias_r1v, inputs_rbs, targets_rbt, factors
        step = Step(*self._graph(shapes, arguments)(*arguments))
        if not bool(step.safe_r.all()):
            return self._plainly(inputs_rbs, targets_rbt, cut_masks(factors, shapes) or None)
        ids_rj = in_all_runs(torch.cat([targets_rbt.flatten(1), inputs_rbs.flatten(1)], 1), weight_rvd.shape[1])
        step.for_weight_rvd.flatten(0, 1).index_add_(0, ids_rj.flatten(), step.added_rnd.flatten(0, 1))
        num_rows = targets_rbt[0].numel()
        step.for_bias_r1v.flatten().index_add_(
            0, ids_rj[:, :num_rows].flatten(), bias_r1v.new_full((targets_rbt.numel(),), -1 / num_rows)
        )
        return step.losses_r, step.for_body_rp, step.for_weight_rvd, step.for_bias_r1v

    def _graph(self, shapes: Sequence[tuple[int, ...]], arguments: tuple[Tensor, ...]) -> Callable[..., Any]:
        """Compiled graph for the precision at hand, made at its first use."""
        key = torch.is_autocast_enabled("cpu")
        if key not in self._graphs:
            self._graphs[key] = compiled(partial(self._trace, shapes), *arguments)
        return self._graphs[key]

    def _trace(
        self,
        shapes: Sequence[tuple[int, ...]],
        together_rp: Tensor,
        weight_rvd: Tensor,
        bias_r1v: Tensor,
        inputs_rbs: Tensor,
        targets_rbt: Tensor,
        factors: Tensor,
    ) -> tuple[Tensor, ...]:
        """Take a step by means that can be compiled; see :class:`Step`."""
        embedding, ids_rn, num_rows = self.model.word_embedding, inputs_rbs.flatten(1), targets_rbt[0].numel()
        with torch.enable_grad():
            together_rp = together_rp.requires_grad_()
            vectors_rnd = functional.embedding(in_all_runs(ids_rn, weight_rvd.shape[1]), weight_rvd.flatten(0, 1))
            vectors_rnd = vectors_rnd.requires_grad_()
            words_rbsd = embedding.without_padding(vectors_rnd, ids_rn).unflatten(1, inputs_rbs.shape[1:])
            features_rnd = self._features(together_rp, words_rbsd, cut_masks(factors, shapes) or None)
        exact_rnd = features_rnd.detach().to(weight_rvd.dtype)
        loss = by_exponentials(exact_rnd, weight_rvd, bias_r1v, targets_rbt.flatten(1))
        for_body_rp, for_vectors_rnd = torch.autograd.grad(
            features_rnd, (together_rp, vectors_rnd), loss.for_features_rnd.to(features_rnd.dtype)
        )
        added_rnd = torch.cat([exact_rnd * (-1 / num_rows), for_vectors_rnd], 1)
        return loss.losses_r, for_body_rp, loss.for_weight_rvd, loss.for_bias_r1v, added_rnd, loss.safe_r  # a Step

    def _plainly(
        self, inputs_rbs: Tensor, targets_rbt: Tensor, masks: list[Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Take the step as it is taken where nothing is compiled."""
        model, together_rp = self.model, self.body.together.detach().requires_grad_()
        weight_rvd, bias_r1v = model.word_embedding.weight, model.decoder_bias
        with torch.enable_grad():
            features_rnd = self._features(together_rp, model.words(inputs_rbs), masks)
            losses_r = model.losses(features_rnd, targets_rbt.flatten(1))
            total = losses_r.sum()
        leaves = together_rp, weight_rvd, *([bias_r1v] if bias_r1v.requires_grad else [])
        for_body_rp, for_weight_rvd, *for_bias = torch.autograd.grad(total, leaves)
        for_bias_r1v = for_bias[0] if for_bias else torch.zeros_like(bias_r1v)
        return losses_r.detach(), for_body_rp, for_weight_rvd, for_bias_r1v

    def _features(self, together_rp: Tensor, words_rbsd: Tensor, masks: list[Tensor] | None) -> Tensor:
        """Features (R, B * T, D) by the parameters of a body."""
        parts = {f"model.{name}": part for name, part in self.body.parts(together_rp).items()}
        features_rbtd: Tensor = torch.func.functional_call(self._callable, parts, (words_rbsd, self.targets, masks))
        return features_rbtd.flatten(1, 2)


class _Features(nn.Module):
    """What :func:`torch.func.functional_call` has to call."""

    def __init__(self, model: StackedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arguments: Any) -> Tensor:
        return self.model.features(*arguments)


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, step: CompiledStep, inputs_rbs: Tensor, targets_rbt: Tensor, *leaves: Tensor) -> Tensor:
        losses_r, *ctx.gradients = step.gradients(inputs_rbs, targets_rbt)
        return losses_r

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_r: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, []
        if not gradients:
            raise RuntimeError("the gradients of a compiled step can be had once: take the step again")
        if not bool((gradient_r == 1).all()):
            for gradient in gradients:
                gradient.mul_(gradient_r.view(-1, *[1] * (gradient.dim() - 1)))
        return None, None, None, *gradients
