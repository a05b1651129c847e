"""Probabilistic temporary forgetting of any transformers model: for one step, some words have a fresh embedding.

Before a forward pass every word piece of the batch has its embedding row replaced, with some probability, by a draw
from N(0, scale); after the backward pass the rows are put back as they were. The body of the model so learns to do
without what the rows know, and the rows lose nothing. From the third version of arXiv 2406.00053 and its published
finetuning of GPT-2 Large, where the embedding is frozen throughout; a variant, row by row, of the periodic resets of
Chen et al. 2023 (arXiv 2307.01163).

Nothing here needs more than torch. The callbacks for two trainers are in
:mod:`dual_process.training.forgetting.callbacks`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dual_process.streams import integer_seed


@dataclass(eq=False)
class ProbabilisticForgetting:
    """Replaces rows of a model's embedding for one forward and backward pass at a time.

    Where input and output embedding are tied, as in GPT-2 and BERT, a replaced row is both: the model reads the fresh
    row and predicts with it, as published. Where they are not, the input row alone is replaced, unless `output` is
    true; then both get the same draw, as if they were tied.

    Parameters
    ----------
    model
        Any model of transformers with word embeddings, on one device.
    probability
        Chance, per step, that a word piece of the batch is replaced; 0.1 as published.
    seed
        Choice and draws are a function of the seed, the step and the number of the batch within the step.
    scale
        Standard deviation of fresh rows; by default that of the model's initial weights, `config.initializer_range`.
    exclude
        Identities of word pieces that are never replaced; the padding of the model never is, and neither are the
        identities given here.
    until
        Step from which nothing is replaced any more and the embedding is trained as usual; None: never.
    embedding_gradient
        "none": the embedding gets no gradient at all, so that no optimizer changes it (as published); "others": only
        the replaced rows get none, since theirs would belong to the drawn rows. AdamW moves even those by its moments
        and its weight decay.
    output
        Whether to treat an untied output embedding as the input embedding; else it is trained as usual.

    Notes
    -----
    With accumulated gradients call both methods once for every batch, with the same step: every batch has a choice
    of its own, and "others" leaves what earlier batches have accumulated in a row.

    Examples
    --------
    >>> forgetting = ProbabilisticForgetting(model, probability=0.1, seed=0)  # doctest: +SKIP
    >>> for step, batch in enumerate(batches):  # doctest: +SKIP
    ...     with forgetting.replaced(batch["input_ids"], step):
    ...         model(**batch).loss.backward()
    ...     optimizer.step()
    ...     optimizer.zero_grad()
    """

    model: nn.Module
    probability: float = 0.1
    seed: int = 0
    _: KW_ONLY
    scale: float | None = None
    exclude: Iterable[int] = ()
    until: int | None = None
    embedding_gradient: Literal["none", "others"] = "none"
    output: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability {self.probability} is not between 0 and 1")
        if self.embedding_gradient not in ("none", "others"):
            raise ValueError(f"embedding_gradient {self.embedding_gradient!r} is neither 'none' nor 'others'")
        self.scale = _initial_scale(self.model) if self.scale is None else self.scale
        self.exclude = frozenset(self.exclude) | _padding(self.model)
        self._step, self._batch = -1, 0
        self._saved: list[tuple[nn.Parameter, Tensor]] = []
        self._ids = torch.empty(0, dtype=torch.long)
        self._undo: list[Callable[[], object]] = []

    @property
    def weights(self) -> list[nn.Parameter]:
        """Embedding matrices (V, D) whose rows are replaced: one, or also the output's where it is not tied."""
        inputs: nn.Parameter = self.model.get_input_embeddings().weight  # type: ignore[operator]
        outputs = self.model.get_output_embeddings() if self.output else None  # type: ignore[operator]
        if outputs is None or outputs.weight is inputs:
            return [inputs]
        if outputs.weight.shape != inputs.shape:
            raise ValueError(
                f"the output embedding has shape {tuple(outputs.weight.shape)}, the input embedding "
                f"{tuple(inputs.shape)}: use output=False"
            )
        return [inputs, outputs.weight]

    def before_forward(self, input_ids: Tensor, step: int) -> Tensor:
        """Replace the rows of some word pieces of a batch.

        Parameters
        ----------
        input_ids
            Word pieces of the batch, of any shape.
        step
            Optimizer steps completed so far.

        Returns
        -------
        Tensor
            Identities of the word pieces whose rows are replaced, in increasing order.
        """
        self.after_backward()  # of a batch whose loss was thrown away
        self._batch = self._batch + 1 if step == self._step else 0
        self._step = step
        if self.until is not None and step >= self.until:
            return self._ids
        generator = torch.Generator().manual_seed(integer_seed(self.seed, "reset", step, self._batch))
        candidates = torch.tensor(sorted(set(input_ids.unique().tolist()) - set(self.exclude)), dtype=torch.long)
        self._ids = candidates[torch.rand(len(candidates), generator=generator) < self.probability]
        shape = (len(self._ids), self.weights[0].shape[1])
        fresh = torch.randn(shape, generator=generator) * float(self.scale or 0)  # on the CPU: the same on any device
        for weight in self.weights:
            self._replace(weight, fresh)
        return self._ids

    def after_backward(self) -> None:
        """Put replaced rows back, bit for bit; does nothing where none are replaced."""
        for weight, rows in self._saved:
            weight.detach()[self._ids.to(weight.device)] = rows
        for undo in self._undo:
            undo()
        self._saved, self._undo, self._ids = [], [], self._ids[:0]

    @contextmanager
    def replaced(self, input_ids: Tensor, step: int) -> Iterator[Tensor]:
        """Replace rows for the forward and backward pass within the block; see `before_forward`."""
        try:
            yield self.before_forward(input_ids, step)
        finally:
            self.after_backward()

    def _replace(self, weight: nn.Parameter, fresh: Tensor) -> None:
        ids = self._ids.to(weight.device)
        self._saved.append((weight, weight.detach()[ids].clone()))
        weight.detach()[ids] = fresh.to(weight)
        if not weight.requires_grad:  # frozen by the user
            return
        # The gradient is withheld where it arises, not removed afterwards: trainers clip gradients before they ask
        # any callback, and gradients that other batches have left in a row stay there.
        if self.embedding_gradient == "none":
            weight.requires_grad_(False)
            self._undo.append(lambda: weight.requires_grad_(True))
        else:
            self._undo.append(weight.register_hook(lambda gradient: gradient.index_fill(0, ids, 0)).remove)


def _initial_scale(model: nn.Module) -> float:
    scale = getattr(_config(model), "initializer_range", None)
    if scale is None:
        raise ValueError("the configuration of the model has no initializer_range: give scale")
    return float(scale)


def _padding(model: nn.Module) -> set[int]:
    known = (getattr(_config(model), "pad_token_id", None), model.get_input_embeddings().padding_idx)  # type: ignore[operator]
    return {int(each) for each in known if each is not None}


def _config(model: nn.Module) -> Any:
    config: Any = model.config
    return config.get_text_config() if hasattr(config, "get_text_config") else config
