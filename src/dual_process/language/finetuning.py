"""Finetuning of a causal model, with or without probabilistic temporary forgetting, and syllogisms along the way.

In: the last checkpoint of a run, a treebank as text, and its nouns. Out: the scores of the syllogism task before
finetuning (step 0) and during it. As in the third version of arXiv 2406.00053 (study of GPT-2 Large), forgetting
freezes the embedding for as long as it lasts. Axes: B sequences of a batch, L word pieces of a sequence.
"""

import copy
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
import xarray as xr
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dual_process.blocks import Probabilistic, Vanilla
from dual_process.language.corpus import read_sentences
from dual_process.language.labels import run_frame
from dual_process.language.loading import load_model, load_tokenizer, num_rows
from dual_process.language.syllogisms import score_trials, single_piece_nouns, summary, with_scores
from dual_process.language.text import cut, plain
from dual_process.language_runs import FinetuningPlan
from dual_process.schedules import checkpoint_steps, learning_rate
from dual_process.store import open_store
from dual_process.streams import integer_seed, stream
from dual_process.trainer import make_trainer
from dual_process.training.forgetting.callbacks import LightningForgetting
from dual_process.training.forgetting.probabilistic import ProbabilisticForgetting

logger = logging.getLogger(__name__)

PAUSE = 10.0
"""Seconds between two lines about the progress."""


def finetune(plan_json: str, *, checkpoint: Path, text: Path, sentences: Path, threads: int) -> xr.Dataset:
    """Finetune a causal model and score it on the syllogism task.

    Parameters
    ----------
    plan_json
        A :class:`dual_process.language_runs.FinetuningPlan` as JSON.
    checkpoint
        Folder of the checkpoint to start from.
    text
        Treebank whose sentences are the text.
    sentences
        Store of the corpus's sentences, for its nouns.
    threads
        CPU threads.

    Returns
    -------
    xarray.Dataset
        ``syllogism`` (run, step, evaluation, metric, trial), see `dual_process.language.syllogisms.score`; step 0 is
        before finetuning.

    Raises
    ------
    ValueError
        If the model is masked, the schedule is neither vanilla nor probabilistic, or the text does not fit.
    """
    torch.set_num_threads(threads)
    plan = FinetuningPlan.model_validate_json(plan_json)
    _check(plan)
    model, tokenizer = load_model(checkpoint, plan.source.objective), load_tokenizer(checkpoint)
    batches = TextBatches(text, tokenizer, plan, longest=model.config.max_position_embeddings)
    nouns = single_piece_nouns(tokenizer, open_store(sentences, "types"), plan.probing.types)
    scores = Scores(plan, tokenizer, nouns)
    module = Finetuning(model, plan)
    scores.take(model, 0)
    schedule = plan.labels.schedule
    callbacks: list[lightning.Callback] = [scores]
    if isinstance(schedule, Probabilistic):
        forgetting = ProbabilisticForgetting(
            model, schedule.probability, plan.labels.seed, until=schedule.forget_until, embedding_gradient="none"
        )
        callbacks.append(LightningForgetting(forgetting))
    model.train()  # Lightning leaves a model in the mode that it finds
    make_trainer(callbacks, plan.optimisation.steps).fit(module, DataLoader(batches, batch_size=None))
    layers, vocabulary = model.config.num_hidden_layers, num_rows(model)
    frame = run_frame(plan.labels, steps=list(scores.values), layers=layers, vocabulary=vocabulary)
    return with_scores(frame, list(scores.values.values()))


def _check(plan: FinetuningPlan) -> None:
    series, schedule = plan.source.labels.checkpoints, plan.labels.schedule
    if plan.source.objective != "causal":
        raise ValueError(f"{series} are {plan.source.objective} models, and finetuning needs causal ones")
    if not isinstance(schedule, Vanilla | Probabilistic):
        raise ValueError(
            f"schedule {plan.labels.schedule_name!r} is of kind {schedule.kind}, under which no model is finetuned; "
            "use one of kind vanilla or probabilistic"
        )


class TextBatches(IterableDataset[Tensor]):
    """The batches of one run: ids of shape (B, L), cut from the sentences in a row with a separator after each.

    Parameters
    ----------
    text
        Treebank.
    tokenizer
        That of the model.
    plan
        Gives seed and sizes.
    longest
        Word pieces that the model can read at once.

    Raises
    ------
    ValueError
        If the text is shorter than one sequence, or a sequence longer than the model can read.
    """

    def __init__(self, text: Path, tokenizer: PreTrainedTokenizerBase, plan: FinetuningPlan, *, longest: int) -> None:
        self.training, self.seed = plan.optimisation, plan.labels.seed
        length = plan.sequence_length
        if length > longest:
            raise ValueError(f"sequence_length {length} is more than the {longest} word pieces that the model reads")
        lines = [plain(sentence) for sentence in read_sentences(text)]
        encoded = tokenizer(lines, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
        end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
        self.blocks = cut(np.concatenate([[*ids, *end] for ids in encoded]).astype(np.int64), (), length)
        if not len(self.blocks):
            raise ValueError(f"{text} has fewer than {length} word pieces, one training sequence; give a longer text")

    def __iter__(self) -> Iterator[Tensor]:
        """Batches of all steps."""
        return map(self.batch, range(self.training.steps))

    def batch(self, step: int) -> Tensor:
        """Batch of the step after `step` completed ones; every epoch has an order of its own."""
        size, blocks = self.training.batch_size, len(self.blocks)
        places = [divmod(place, blocks) for place in range(step * size, (step + 1) * size)]
        orders = {epoch: stream(self.seed, "data", epoch).permutation(blocks) for epoch, _ in places}
        return torch.from_numpy(self.blocks[[orders[epoch][index] for epoch, index in places]])


class Finetuning(lightning.LightningModule):
    """Next-token prediction with AdamW.

    Parameters
    ----------
    model
        Causal model.
    plan
        Gives optimizer settings and seed.
    """

    def __init__(self, model: PreTrainedModel, plan: FinetuningPlan) -> None:
        super().__init__()
        self.model, self.training_config, self.seed = model, plan.optimisation, plan.labels.seed
        self.loss = torch.zeros(())

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Set the learning rate of the coming step."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = learning_rate(self.training_config, self.trainer.global_step + 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Mean cross-entropy of every piece but the first of a sequence; dropout is drawn from a stream of the step."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(integer_seed(self.seed, "dropout", self.trainer.global_step))
            loss: Tensor = self.model(input_ids=batch, labels=batch, use_cache=False).loss
        self.loss = loss.detach()
        return loss

    def configure_optimizers(self) -> torch.optim.AdamW:
        """AdamW with decay on every parameter that is trained; one without a gradient stays as it is."""
        config = self.training_config
        return torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )


class Scores(lightning.Callback):
    """Scores the model on the syllogism task at the steps of checkpoints.

    Parameters
    ----------
    plan
        Gives the steps and what is asked.
    tokenizer
        That of the model.
    nouns
        Word pieces that are whole nouns.
    """

    def __init__(self, plan: FinetuningPlan, tokenizer: PreTrainedTokenizerBase, nouns: np.ndarray) -> None:
        self.tokenizer, self.nouns, self.probing = tokenizer, nouns, plan.probing
        self.steps = frozenset(checkpoint_steps(plan.optimisation, []))
        self.values: dict[int, np.ndarray] = {}
        """Scores by step."""
        self._shown = time.monotonic()

    def take(self, model: PreTrainedModel, step: int) -> None:
        """Score a copy of the model, whose new rows training never sees."""
        self.values[step] = score_trials(copy.deepcopy(model), self.tokenizer, self.nouns, self.probing)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Score at some steps, and log a line now and then."""
        step, last = trainer.global_step, max(self.steps)
        if step in self.steps:
            self.take(pl_module.model, step)
        if step == last or time.monotonic() - self._shown >= PAUSE:
            self._shown = time.monotonic()
            loss, recent = float(pl_module.loss), summary(next(reversed(self.values.values())))
            logger.info("step %d of %d, loss %.3f, syllogisms: %s", step, last, loss, recent)
