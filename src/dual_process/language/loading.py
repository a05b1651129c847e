"""Checkpoints in local folders into models and tokenizers, and new rows for words that no model has seen.

Nothing is fetched and no code of others is run: safetensors alone are read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from dual_process.streams import stream

OFFLINE = {"local_files_only": True, "trust_remote_code": False}
NEEDLESS = ("pooler.",)
"""Weights that a checkpoint may lack: nothing here reads what they make."""
USUAL_SCALE = 0.02
"""Standard deviation of new rows where a model does not say its own (BERT and GPT-2 use this)."""


def load_model(folder: str | Path, objective: str, *, attentions: bool = False) -> PreTrainedModel:
    """Load a checkpoint, ready for evaluation in 32 bits.

    Parameters
    ----------
    folder
        What ``save_pretrained`` of transformers wrote.
    objective
        ``masked`` gives the bare encoder, ``causal`` the model with its next-token head.
    attentions
        Compute attention in the way that lets it return its weights; slower.

    Raises
    ------
    ValueError
        If the folder holds no checkpoint, or one that lacks weights of the model.
    """
    folder = Path(folder)
    _check(folder)
    kind: Any = {"masked": AutoModel, "causal": AutoModelForCausalLM}[objective]
    ways = {"attn_implementation": "eager"} if attentions else {}
    with _quiet(), torch.random.fork_rng(devices=[]):  # weights that are left out are drawn before they are dropped
        model, report = kind.from_pretrained(
            str(folder), **OFFLINE, **ways, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(NEEDLESS))
    if missing:
        raise ValueError(
            f"the checkpoint in {folder} lacks {len(missing)} weights of {type(model).__name__}, such as {missing[0]}; "
            f"is its objective {objective}?"
        )
    loaded: PreTrainedModel = model.eval()
    return loaded


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer that lies beside a checkpoint.

    Raises
    ------
    ValueError
        If the folder holds none.
    """
    try:
        with _quiet():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(folder), **OFFLINE)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no tokenizer in {folder}: put tokenizer.json and tokenizer_config.json there, "
            "as save_pretrained of transformers writes them"
        ) from error
    return tokenizer


def _check(folder: Path) -> None:
    wanted = "config.json, model.safetensors and the files of the tokenizer, as save_pretrained of transformers writes"
    if not (folder / "config.json").is_file():
        raise ValueError(f"no checkpoint in {folder}: put there {wanted} them")
    if not any(folder.glob("*.safetensors")):
        raise ValueError(
            f"no weights in {folder}: put there a *.safetensors file; *.bin files are not read, for they can run code"
        )


def add_rows(model: PreTrainedModel, *, count: int, seed: int) -> np.ndarray:
    """Give a model word pieces that it has never seen.

    Parameters
    ----------
    model
        Changed in place.
    count
        New rows. They are drawn from N(0, ``initializer_range`` of the model), as rows were before training, in place
        of the mean and covariance of trained rows that the library would take (paper, section on the syllogism task).
        Fewer rows of the same seed are the first of more.
    seed
        Seed of the stream "new rows"; index 0 for the embedding, 1 for an output matrix that is not tied to it.

    Returns
    -------
    numpy.ndarray
        Ids of the new rows, shape (count,), from the number of rows that the embedding had on.
    """
    old = num_rows(model)
    with _quiet(), torch.random.fork_rng(devices=[]):  # drawn over below
        model.resize_token_embeddings(old + count, mean_resizing=False)
    scale = getattr(model.config, "initializer_range", USUAL_SCALE)
    inputs: Any = model.get_input_embeddings()
    outputs: Any = model.get_output_embeddings()
    matrices = [inputs] if outputs is None or outputs.weight is inputs.weight else [inputs, outputs]
    with torch.no_grad():
        for index, matrix in enumerate(matrices):
            width = matrix.weight.shape[1]
            rows = stream(seed, "new rows", index).standard_normal((count, width), np.float32) * np.float32(scale)
            matrix.weight[old:] = torch.from_numpy(rows).to(matrix.weight)
        if getattr(outputs, "bias", None) is not None:
            outputs.bias[old:] = 0
    return np.arange(old, old + count)


def num_rows(model: PreTrainedModel) -> int:
    """Word pieces that a model knows: rows of its embedding, which may be more than its tokenizer uses."""
    embedding: Any = model.get_input_embeddings()
    return int(embedding.weight.shape[0])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from reporting, at length, weights that are left out on purpose; errors are still raised."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
