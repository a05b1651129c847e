"""Checkpoint folders of tiny random models, and stores of a few sentences, for the tests of what is read off them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from dual_process.blocks import LanguageProbing, Vanilla
from dual_process.language_runs import Labels, UnitPlan
from dual_process.store import write_store

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "the", "is", "a", "cat", "dog", "house", "black"]
PIECES += [
    "big",
    "cafe",
    "then",
    *"abcdefghijklmnopqrstuvwxz",
    *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxz0123456789"),
]
PIECES = list(dict.fromkeys(PIECES))
TEXT = ["The cat is black .", "A big dog , a house", "Café", "The dog is big .", "houses blacken"]


SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def bert_tokenizer() -> BertTokenizer:
    return BertTokenizer(vocab={piece: index for index, piece in enumerate(PIECES)}, do_lower_case=True)


def bert_folder(folder: Path, *, seed: int = 0, positions: int = 40, **changes: Any) -> Path:
    """Save a random BERT of 2 blocks with 2 heads of width 8; large weights, so that contexts differ."""
    torch.manual_seed(seed)
    options = (
        {"vocab_size": len(PIECES), "max_position_embeddings": positions, "initializer_range": 0.2} | SIZES | changes
    )
    BertForMaskedLM(BertConfig(**options)).save_pretrained(folder)
    bert_tokenizer().save_pretrained(folder)
    return folder


def gpt2_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level vocabulary, whose words carry the space before them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=290, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT * 5, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", clean_up_tokenization_spaces=False
    )


def gpt2_folder(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    torch.manual_seed(seed)
    tokenizer = gpt2_tokenizer()
    sizes = {"vocab_size": len(tokenizer), "n_positions": 40, "n_embd": 16, "n_layer": 2, "n_head": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    GPT2LMHeadModel(GPT2Config(**sizes, **ends, initializer_range=0.2, **changes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def unit_plan(objective: str = "masked", *, steps: tuple[int, ...] = (0,), seed: int = 0, **probing: Any) -> UnitPlan:
    labels = Labels(
        run="run",
        corpus="tiny",
        checkpoints="local",
        training="local",
        protocol=probing.get("protocol", "corrected"),
        schedule_name="vanilla",
        schedule=Vanilla(kind="vanilla"),
        seed=seed,
    )
    return UnitPlan(
        name="run",
        labels=labels,
        objective=objective,
        folders=("",) * len(steps),
        steps=steps,
        probing=LanguageProbing(**probing),
    )


def template_set(rows: list[tuple[str, str, int]]) -> xr.Dataset:
    noun, adjective, offset = zip(*rows, strict=True)
    columns = {"noun": np.array(noun, object), "adjective": np.array(adjective, object)}
    return xr.Dataset(
        {name: ("sequence", values) for name, values in (columns | {"offset": np.array(offset, np.int32)}).items()}
    )


def text_group(sentences: list[list[tuple[str, str]]]) -> xr.Dataset:
    """Words and tags, without the columns that nothing here reads."""
    words = [word for sentence in sentences for word in sentence]
    number = np.repeat(np.arange(len(sentences), dtype=np.int32), [len(sentence) for sentence in sentences])
    forms, tags = (np.array([word[column] for word in words], object) for column in range(2))
    return xr.Dataset({"form": ("word", forms), "upos": ("word", tags), "sentence": ("word", number)})


SENTENCES = [
    [("The", "DET"), ("cat", "NOUN"), ("is", "AUX"), ("black", "ADJ"), (".", "PUNCT")],
    [("A", "DET"), ("big", "ADJ"), ("dog", "NOUN")],
    [("Café", "NOUN")],
    [
        ("The", "DET"),
        ("blackest", "ADJ"),
        ("housecat", "NOUN"),
        (",", "PUNCT"),
        ("\u200b", "X"),
        ("a", "DET"),
        ("dog", "NOUN"),
    ],
]
TEMPLATES = {
    "head": [("cat", "black", 0), ("dog", "big", 3), ("cat", "black", 0), ("cat", "black", 5)],
    "tail": [("housecat", "blackest", 1), ("cafe", "big", 0)],
    "switch": [("black", "cat", 0), ("big", "dog", 3)],
    "tail_switch": [("blackest", "housecat", 1), ("big", "cafe", 0)],
    "unseen": [("thenewtoken0", "thenewtoken2", 0), ("thenewtoken1", "thenewtoken0", 2)],
}
TYPES = xr.Dataset(
    {
        "form": ("type", np.array(["cat", "dog", "cafe", "big", "black", "the"], object)),
        "role": ("type", np.array(["noun", "noun", "noun", "adjective", "adjective", "neither"], object)),
        "noun_count": ("type", [1, 5, 2, 0, 1, 0]),
        "adjective_count": ("type", [0, 1, 0, 8, 9, 0]),
    }
)


def sentences_store(path: Path, *, dev: list[list[tuple[str, str]]] | None = None) -> Path:
    groups = {"train": text_group(SENTENCES), "dev": text_group(dev or SENTENCES[:2]), "types": TYPES}
    write_store(path, groups | {name: template_set(rows) for name, rows in TEMPLATES.items()}, {})
    return path
