"""The syllogism task: whether a causal model concludes from the premises or from what it knows of the words.

In: checkpoints, and nouns of the treebank. Out: for "All X are Y. All Y are Z. Therefore, all X are" whether the model
prefers Z, the conclusion, to Y, which it has just seen follow X (third version of arXiv 2406.00053, studies of Pythia
and of GPT-2 Large). X is a noun that the model knows (``baseline``) or a new word that no model has seen
(``unseen``). Y, Z and, in the baseline, X are nouns of one word piece each. Every pair of Y and Z is asked in both
orders, so that a preference for either word, such as the more frequent one, cancels: a model that does not look at the
prompt scores one half. What the published form of the prompt leaves open is a preference for the later of two words.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dual_process.blocks import LanguageProbing
from dual_process.language.labels import run_frame
from dual_process.language.loading import add_rows, load_model, load_tokenizer, num_rows
from dual_process.language.syllogism_text import draw_triples
from dual_process.language_runs import UnitPlan
from dual_process.store import open_store
from dual_process.streams import integer_seed, stream

logger = logging.getLogger(__name__)

EVALUATIONS = ("baseline", "unseen")
METRICS = ("answer_preferred", "answer_probability", "middle_probability")
SUBJECT, MIDDLE, ANSWER = -1, -2, -3
"""What stands for X, Y and Z in the word pieces of the prompt."""
PROMPT = ("All", SUBJECT, " are", MIDDLE, ". All", MIDDLE, " are", ANSWER, ". Therefore, all", SUBJECT, " are")
"""Text and slots of a prompt."""


@dataclass(frozen=True)
class Prompts:
    """Word pieces in the slots of some prompts, each of shape (prompts,)."""

    subject: np.ndarray
    middle: np.ndarray
    answer: np.ndarray


def make_prompts(nouns: Sequence[int], generator: np.random.Generator, count: int) -> Prompts:
    """Draw the nouns of some prompts, all three different; each prompt is followed by its twin with Y and Z exchanged.

    Parameters
    ----------
    nouns
        Identities of word pieces.
    generator
        Source of the draws.
    count
        Number of prompts; an odd number leaves the last one without its twin.
    """
    drawn = np.asarray(nouns)[draw_triples(len(nouns), generator, (count + 1) // 2)]
    twins = np.stack([drawn, drawn[:, [0, 2, 1]]], axis=1).reshape(-1, 3)[:count]
    return Prompts(*twins.T)


def encode_prompts(tokenizer: PreTrainedTokenizerBase, prompts: Prompts) -> np.ndarray:
    """Word pieces of whole prompts, shape (prompts, length); the length is the same for all."""
    pieces: list[int] = []
    for part in PROMPT:
        pieces += [part] if isinstance(part, int) else tokenizer.encode(part, add_special_tokens=False)
    encoded = np.tile(pieces, (len(prompts.subject), 1))
    for slot, filling in ((SUBJECT, prompts.subject), (MIDDLE, prompts.middle), (ANSWER, prompts.answer)):
        encoded = np.where(encoded == slot, filling[:, None], encoded)
    return encoded


def single_piece_nouns(tokenizer: PreTrainedTokenizerBase, types: xr.Dataset, most: int) -> np.ndarray:
    """Word pieces that are whole nouns, the most frequent first, those of equal count by form.

    Parameters
    ----------
    tokenizer
        That of the model.
    types
        Group "types" of a store of sentences.
    most
        How many at most.
    """
    nouns = types.where(types["role"] == "noun", drop=True).to_dataframe()
    forms = nouns.sort_values(["noun_count", "form"], ascending=[False, True])["form"].tolist()
    encoded = (
        tokenizer([f" {form}" for form in forms], add_special_tokens=False, verbose=False)["input_ids"] if forms else []
    )
    single = [ids[0] for ids in encoded if len(ids) == 1 and ids[0] != tokenizer.unk_token_id]
    return np.array(list(dict.fromkeys(single))[:most], dtype=np.int64)


@torch.no_grad()
def score(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Prompts, *, known: int, batch_tokens: int
) -> np.ndarray:
    """Score the next word of some prompts.

    Parameters
    ----------
    model
        Causal model, in evaluation mode.
    tokenizer
        Its tokenizer.
    prompts
        What to ask.
    known
        Probabilities are shares among the first `known` word pieces, without rows added for new words.
    batch_tokens
        Word pieces in one forward pass.

    Returns
    -------
    numpy.ndarray
        Mean over the prompts of each of `METRICS`: whether the logit of Z is above that of Y, and the probabilities
        of both.

    Raises
    ------
    ValueError
        If the model cannot read a whole prompt.
    """
    encoded = encode_prompts(tokenizer, prompts)
    longest = model.config.max_position_embeddings
    if encoded.shape[1] > longest:
        raise ValueError(
            f"a prompt takes {encoded.shape[1]} word pieces and the model reads {longest}; pretrain it on longer "
            "sequences, or with a larger vocabulary"
        )
    size = max(1, batch_tokens // encoded.shape[1])
    metrics = []
    for start in range(0, len(encoded), size):
        inputs = torch.from_numpy(encoded[start : start + size]).to(model.device)
        logits = model(input_ids=inputs, use_cache=False).logits[:, -1, :known].float()
        places = np.stack([prompts.answer, prompts.middle], axis=1)[start : start + size]
        both = torch.from_numpy(places).to(model.device)
        answer, middle = logits.gather(1, both).unbind(1)
        probabilities = logits.softmax(-1).gather(1, both)
        metrics.append(torch.cat([(answer > middle)[:, None].float(), probabilities], dim=1).cpu().double())
    mean: np.ndarray = torch.cat(metrics).mean(0).numpy()
    return mean


def score_trials(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, nouns: np.ndarray, probing: LanguageProbing
) -> np.ndarray:
    """Score a model on all trials, each with prompts and new words of its own.

    The two evaluations of a trial ask the same prompts but for the subjects.

    Parameters
    ----------
    model, tokenizer
        Causal model and its tokenizer. The model is spent: it is left with the rows of the new words.
    nouns
        Word pieces that are whole nouns.
    probing
        Gives seed, prompts, trials, new subjects and size of a batch.

    Returns
    -------
    numpy.ndarray
        Shape (`EVALUATIONS`, `METRICS`, trial).
    """
    known, size = num_rows(model), probing.batch_tokens
    seed = integer_seed(probing.seed, "syllogisms")
    rows = add_rows(model.eval(), count=probing.trials * probing.new_subjects, seed=seed).reshape(probing.trials, -1)
    values = np.empty((len(EVALUATIONS), len(METRICS), probing.trials), np.float32)
    for trial in range(probing.trials):
        generator = stream(probing.seed, "syllogisms", trial)
        prompts = make_prompts(nouns.tolist(), generator, probing.prompts)
        # twins share their subject, as in the baseline
        subjects = generator.choice(rows[trial], (probing.prompts + 1) // 2).repeat(2)[: probing.prompts]
        for index, asked in enumerate((prompts, replace(prompts, subject=subjects))):
            values[index, :, trial] = score(model, tokenizer, asked, known=known, batch_tokens=size)
    return values


def measure(plan: UnitPlan, *, folders: Sequence[Path], sentences: Path, threads: int) -> xr.Dataset:
    """Score the checkpoints of a unit on the syllogism task.

    Parameters
    ----------
    plan
        What is measured.
    folders
        Checkpoint of each step of the plan.
    sentences
        Store of the corpus's sentences, for its nouns.
    threads
        CPU threads.

    Returns
    -------
    xarray.Dataset
        ``syllogism`` (run, step, evaluation, metric, trial), see `score`.

    Raises
    ------
    ValueError
        If the unit's models predict masked words, or their tokenizer has no three nouns.
    """
    if plan.objective != "causal":
        raise ValueError(f"{plan.labels.checkpoints} are {plan.objective} models, and syllogisms need causal ones")
    torch.set_num_threads(threads)
    types, values = open_store(sentences, "types"), []
    for step, folder in zip(plan.steps, folders, strict=True):
        model, tokenizer = load_model(folder, plan.objective), load_tokenizer(folder)
        nouns = single_piece_nouns(tokenizer, types, plan.probing.types)
        layers, vocabulary = model.config.num_hidden_layers, num_rows(model)
        values.append(score_trials(model, tokenizer, nouns, plan.probing))
        logger.info("step %s: %s", f"{step:,}", summary(values[-1]))
    frame = run_frame(plan.labels, steps=plan.steps, layers=layers, vocabulary=vocabulary)
    return with_scores(frame, values)


def with_scores(frame: xr.Dataset, values: Sequence[np.ndarray]) -> xr.Dataset:
    """Put the scores of every step, as of `score_trials`, into the frame of a run."""
    dims = ("run", "step", "evaluation", "metric", "trial")
    names = {"evaluation": np.array(EVALUATIONS, object), "metric": np.array(METRICS, object)}
    frame = frame.assign_coords(names | {"trial": np.arange(values[0].shape[-1])})
    return frame.assign(syllogism=(dims, np.stack(values)[None], {"units": "1"}))


def summary(values: np.ndarray) -> str:
    """Mean share of answers preferred, for a line in the log."""
    shares = values[:, METRICS.index("answer_preferred")].mean(-1)
    return ", ".join(f"{name} {share:.2f}" for name, share in zip(EVALUATIONS, shares, strict=True))
