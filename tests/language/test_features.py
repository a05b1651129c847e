"""Features are the hidden states that transformers gives for each sentence alone, and nonce words are seen."""

from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ElectraConfig,
    ElectraForMaskedLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from dual_process.arrays import open_arrays
from dual_process.language.encoding import Window
from dual_process.language.features import SETS, extract_features, read_texts
from dual_process.language.loading import add_rows, load_model
from dual_process.language.reading import Progress, batches
from dual_process.store import list_groups, open_store
from dual_process.streams import integer_seed
from tests.language.tiny_checkpoints import (
    PIECES,
    SENTENCES,
    SIZES,
    TEMPLATES,
    bert_folder,
    bert_tokenizer,
    gpt2_folder,
    gpt2_tokenizer,
    sentences_store,
    unit_plan,
)

TOLERANCE = 2e-3
"""Half the distance of float16 numbers at 4, the largest values here, and a bit."""


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    return sentences_store(tmp_path_factory.mktemp("sentences") / "sentences.zarr")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return [bert_folder(tmp_path_factory.mktemp("bert"), seed=seed) for seed in range(2)]


def extract(output, folders, sentences, objective="masked", **options):
    plan = unit_plan(objective, **{"steps": tuple(10 * i for i in range(len(folders))), "batch_tokens": 64} | options)
    extract_features(plan, folders=folders, sentences=sentences, output=output, threads=1)
    return output


@pytest.fixture(scope="module")
def store(tmp_path_factory, folders, sentences):
    return extract(tmp_path_factory.mktemp("features") / "features.zarr", folders, sentences)


@torch.no_grad()
def states_alone(model, ids, offset=0):
    """Hidden states (layer, place, component) of one sequence, straight from transformers."""
    positions = torch.arange(len(ids))[None] + offset
    found = model(input_ids=torch.tensor([ids]), position_ids=positions, output_hidden_states=True)
    return torch.stack(found.hidden_states)[:, 0]


def word_ids(form):
    return bert_tokenizer()(form, add_special_tokens=False)["input_ids"] or [PIECES.index("[UNK]")]


@pytest.mark.parametrize("step", [0, 1])
def test_states_of_text_are_those_of_each_sentence_alone_averaged_over_pieces(store, folders, step):
    model = AutoModel.from_pretrained(folders[step]).eval()
    wanted = []
    for sentence in SENTENCES:
        pieces = [word_ids(form) for form, _ in sentence]
        states = states_alone(model, [2, *(index for each in pieces for index in each), 3])
        bounds = 1 + np.cumsum([0, *map(len, pieces)])
        wanted += [states[:, i:j].mean(1) for i, j in pairwise(bounds)]
    found = open_store(store, "train")["states"].isel(step=step)
    assert found.dims == ("layer", "word", "component")
    np.testing.assert_allclose(found, torch.stack(wanted, 1), atol=TOLERANCE)


@pytest.mark.parametrize("name", ["head", "tail", "tail_switch"])
def test_states_of_templates_are_those_of_each_sentence_at_shifted_positions(store, folders, name):
    model = AutoModel.from_pretrained(folders[1]).eval()
    found = open_store(store, name)["states"].isel(step=1)
    assert found.dims == ("layer", "sequence", "slot", "component")
    assert found["slot"].values.tolist() == ["noun", "adjective"]
    for sequence, (noun, adjective, offset) in enumerate(TEMPLATES[name]):
        parts = [[2], *map(word_ids, ("the", noun, "is", adjective, ".")), [3]]
        states = states_alone(model, list(chain(*parts)), offset)
        ends = np.cumsum([len(part) for part in parts])
        wanted = [states[:, ends[place - 1] : ends[place]].mean(1) for place in (2, 4)]
        np.testing.assert_allclose(found[:, sequence], torch.stack(wanted, 1), atol=TOLERANCE)


def test_positions_matter(store):
    """The third and fourth head sentences differ in their offset alone."""
    states = open_store(store, "head")["states"].values
    np.testing.assert_array_equal(states[:, :, 0], states[:, :, 2])
    assert np.abs(states[:, :, 0] - states[:, :, 3]).min(-1).max() > 0.05


@pytest.mark.parametrize("batch_tokens", [64, 4096])
def test_padding_and_batches_do_not_matter(tmp_path, store, folders, sentences, batch_tokens):
    other = extract(tmp_path / "features.zarr", folders, sentences, batch_tokens=batch_tokens)
    for name in ("train", "dev", *SETS):
        np.testing.assert_allclose(open_store(other, name)["states"], open_store(store, name)["states"], atol=TOLERANCE)


def test_outputs_of_heads_add_up_to_the_output_of_attention(store, folders):
    """Each head's slice times its slice of the projection, and the bias: what the projection gives transformers."""
    model = AutoModel.from_pretrained(folders[0]).eval()
    captured = {}
    for block, layer in enumerate(model.encoder.layer):
        dense = layer.attention.output.dense
        dense.register_forward_hook(lambda _module, _inputs, output, block=block: captured.update({block: output[0]}))
    states_alone(model, bert_tokenizer()("The cat is black .")["input_ids"])
    found = torch.from_numpy(open_store(store, "train")["head_outputs"].isel(step=0).values).float()
    assert open_store(store, "train")["head_outputs"].dims == ("step", "block", "word", "component")
    assert open_store(store, "train")["block"].values.tolist() == [1, 2]
    for block, layer in enumerate(model.encoder.layer):
        dense = layer.attention.output.dense
        heads = found[block, :5].unflatten(-1, (2, 8))
        slices = dense.weight.unflatten(1, (2, 8))
        total = torch.einsum("whc,dhc->wd", heads, slices) + dense.bias
        torch.testing.assert_close(total, captured[block][1:-1], atol=5e-3, rtol=0)


def test_a_causal_model_is_read_without_outputs_of_heads(tmp_path, sentences):
    folder = gpt2_folder(tmp_path / "gpt2")
    store = extract(tmp_path / "features.zarr", [folder], sentences, "causal")
    train = open_store(store, "train")
    assert "head_outputs" not in train
    ids = [gpt2_tokenizer()(" " + form)["input_ids"] for form, _ in SENTENCES[0]]
    states = states_alone(AutoModel.from_pretrained(folder).eval(), list(chain(*ids)))
    ends = np.cumsum([len(each) for each in ids])
    wanted = torch.stack([states[:, end - len(each) : end].mean(1) for each, end in zip(ids, ends, strict=True)], 1)
    np.testing.assert_allclose(train["states"].isel(step=0, word=slice(5)), wanted, atol=TOLERANCE)


COMMON = {"vocab_size": len(PIECES), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "initializer_range": 0.2}
OTHERS = {
    "roberta": (RobertaForMaskedLM, RobertaConfig(**SIZES, **COMMON, max_position_embeddings=40), 2),
    "electra": (ElectraForMaskedLM, ElectraConfig(**SIZES, **COMMON, embedding_size=16, max_position_embeddings=40), 2),
    "distilbert": (
        DistilBertForMaskedLM,
        DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=40, **COMMON),
        0,
    ),
    "gpt_neox": (GPTNeoXForCausalLM, GPTNeoXConfig(**SIZES, **COMMON, max_position_embeddings=40), 0),
}
"""Model with its head, configuration, and blocks whose outputs of heads are stored."""


@pytest.mark.parametrize("kind", OTHERS)
def test_models_of_other_kinds_are_read_as_they_read_themselves(tmp_path, sentences, kind):
    model_class, config, blocks = OTHERS[kind]
    torch.manual_seed(0)
    model_class(config).save_pretrained(tmp_path / kind)
    bert_tokenizer().save_pretrained(tmp_path / kind)
    objective = "causal" if kind == "gpt_neox" else "masked"
    store = extract(tmp_path / "features.zarr", [tmp_path / kind], sentences, objective)
    dev = open_store(store, "dev")
    assert dev.sizes.get("block", 0) == blocks
    body = AutoModel.from_pretrained(tmp_path / kind).eval()
    ids = bert_tokenizer()("The cat is black .", return_tensors="pt")["input_ids"]
    with torch.no_grad():  # with the positions of its own
        states = torch.stack(body(input_ids=ids, output_hidden_states=True).hidden_states)[:, 0, 1:-1]
    np.testing.assert_allclose(dev["states"].isel(step=0, word=slice(5)), states, atol=TOLERANCE)


def test_nonce_words_are_the_new_rows_of_this_seed(store, folders):
    model = load_model(folders[0], "masked")
    first, second, third = add_rows(model, count=3, seed=integer_seed(0, "unseen words", 0))
    found = open_store(store, "unseen")["states"].isel(step=0)
    rows = [(first, third, 0), (second, first, 2)]
    for sequence, (noun, adjective, offset) in enumerate(rows):
        ids = [2, PIECES.index("the"), int(noun), PIECES.index("is"), int(adjective), PIECES.index("."), 3]
        wanted = states_alone(model, ids, offset)[:, [2, 4]]
        np.testing.assert_allclose(found[:, sequence], wanted, atol=TOLERANCE)


@pytest.mark.parametrize("change", [{"seed": 1}, {"run": 1}])
def test_unseen_features_alone_change_with_the_rows(tmp_path, store, folders, sentences, change):
    options = {"seed": change.get("run", 0)}
    plan = unit_plan(steps=(0, 10), batch_tokens=64, **options)
    plan = plan.model_copy(update={"probing": plan.probing.model_copy(update={"seed": change.get("seed", 0)})})
    other = tmp_path / "features.zarr"
    extract_features(plan, folders=folders, sentences=sentences, output=other, threads=1)
    for name in ("train", "dev", "head", "switch"):
        np.testing.assert_array_equal(open_store(other, name)["states"], open_store(store, name)["states"])
    changed = np.abs(open_store(other, "unseen")["states"].values - open_store(store, "unseen")["states"].values)
    assert changed.max(-1).min() > 0.05


def test_the_reference_never_sees_the_new_rows(tmp_path, folders, sentences):
    """The defect of the published code, kept under its protocol: other rows, same features."""
    states = []
    for seed in range(2):
        plan = unit_plan(steps=(0,), seed=seed, protocol="reference", batch_tokens=64)
        output = tmp_path / f"{seed}.zarr"
        extract_features(plan, folders=folders[:1], sentences=sentences, output=output, threads=1)
        states.append(open_store(output, "unseen")["states"].values)
    np.testing.assert_array_equal(*states)


def test_the_store_says_what_the_model_is_and_repeats_itself(tmp_path, store, folders, sentences):
    again = extract(tmp_path / "features.zarr", folders, sentences)
    assert open_arrays(store).attrs == {"layers": 2, "heads": 2, "vocabulary": len(PIECES)}
    assert list_groups(store) == sorted(["train", "dev", *SETS])
    for name in list_groups(store):
        for variable, values in open_store(store, name).variables.items():
            np.testing.assert_array_equal(values, open_store(again, name).variables[variable])
    assert open_store(store, "dev")["step"].values.tolist() == [0, 10]
    assert open_store(store, "dev")["layer"].values.tolist() == [0, 1, 2]


def test_a_checkpoint_of_another_shape_leaves_no_store(tmp_path, folders, sentences):
    other = bert_folder(tmp_path / "other", num_hidden_layers=1)
    with pytest.raises(ValueError, match="other has another shape"):
        extract(tmp_path / "features.zarr", [folders[0], other], sentences)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]


def test_a_sentence_longer_than_the_model_reads_keeps_a_vector_for_every_word(tmp_path, sentences):
    folder = bert_folder(tmp_path / "short", positions=9)
    store = extract(tmp_path / "features.zarr", [folder], sentences)
    states = open_store(store, "train")["states"].values
    assert np.abs(states).max(-1).min() > 0


def test_batches_hold_all_windows_few_padded_and_not_too_many():
    lengths = np.random.default_rng(0).integers(3, 40, size=300)
    windows = [Window(tuple(range(length)), ((index, 0, 1),)) for index, length in enumerate(lengths)]
    found = batches(windows, 200)
    assert sorted(window.words[0][0] for batch in found for window in batch) == list(range(300))
    padded = [len(batch) * max(len(window.pieces) for window in batch) for batch in found]
    assert max(padded) <= 200
    assert sum(padded) < 1.1 * lengths.sum()
    assert [len(batch) for batch in batches(windows[:1] * 2, 2)] == [1, 1]


def test_template_sentences_are_read_once_each(sentences):
    _, sets = read_texts(sentences)
    head = sets["head"]
    assert len(head.unique) == 3
    assert [head.unique[index] for index in head.place] == TEMPLATES["head"]


def test_progress_is_told_now_and_then(caplog, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("dual_process.language.reading.time.monotonic", lambda: now[0])
    with caplog.at_level("INFO", logger="dual_process"):
        progress = Progress(200)
        for seconds in (5, 11, 12, 22):
            now[0] = seconds
            progress.advance(50)
    assert [record.getMessage() for record in caplog.records] == [
        "read 50% of 200 word pieces",
        "read 100% of 200 word pieces",
    ]
