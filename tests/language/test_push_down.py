"""Push-down on planted features: which layer, and which head, holds which label at which step."""

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.linear_model import RidgeClassifier

from dual_process.language.linear_labels import encode_label, label_accuracies
from dual_process.language.push_down import measure, probe_heads
from dual_process.language.structural import MEASURES
from dual_process.store import RUN_COLUMNS, write_store
from tests.language.test_structural import treebank
from tests.language.tiny_checkpoints import unit_plan

STEPS, LAYERS, HEADS, WIDTH = (1, 10, 100), 3, 2, 12
CLASSES = 4
HOLDERS = {"cpos": (2, 1, 0), "dep": (2, 2, 1)}
"""Layer that holds each label at each step."""
HEAD_HOLDERS = {"cpos": (0, 1), "dep": (1, 0)}
"""Block and head that hold each label, at all steps."""


def words(seed, *, more=()):
    """Words of random trees with random labels."""
    part = treebank(seed, sentences=50)
    rng = np.random.default_rng(seed)
    columns = {"upos": "part", "xpos": "tag", "dep": "relation"} | {name: name for name in more}
    drawn = {
        name: ("word", np.array([f"{value}{code}" for code in rng.integers(0, CLASSES, part.sizes["word"])], object))
        for name, value in columns.items()
    }
    return part.assign(drawn)


def codes(part, label):
    return np.array([int(each[-1]) for each in part[{"cpos": "upos", "dep": "dep"}[label]].values])


def planted(part, seed, *, heads):
    """States of noise in which the holder of a label has a unit vector of its class, label by label."""
    rng = np.random.default_rng(seed)
    size = part.sizes["word"]
    states = rng.normal(0, 0.2, (len(STEPS), LAYERS, size, WIDTH))
    outputs = rng.normal(0, 0.2, (len(STEPS), LAYERS - 1, size, HEADS, WIDTH // HEADS))
    for offset, label in enumerate(HOLDERS):
        hot = np.eye(CLASSES)[codes(part, label)]
        for step, layer in enumerate(HOLDERS[label]):
            states[step, layer, :, CLASSES * offset : CLASSES * (offset + 1)] += hot
        block, head = HEAD_HOLDERS[label]
        outputs[:, block, :, head, :CLASSES] += hot
    variables = {"states": (("step", "layer", "word", "component"), states.astype(np.float16))}
    if heads:
        joined = outputs.reshape(len(STEPS), LAYERS - 1, size, WIDTH).astype(np.float16)
        variables["head_outputs"] = (("step", "block", "word", "component"), joined)
    return xr.Dataset(variables)


def stores(folder, *, more=(), heads=True):
    """Sentences and features in stores, and both parts of each."""
    sentences = {"train": words(0, more=more), "dev": words(1, more=more)}
    features = {name: planted(part, seed, heads=heads) for seed, (name, part) in enumerate(sentences.items())}
    write_store(folder / "sentences.zarr", sentences, {})
    write_store(folder / "features.zarr", features, {"layers": LAYERS - 1, "heads": HEADS, "vocabulary": 99})
    return sentences, features


def measured(folder):
    plan = unit_plan(steps=STEPS, structural_rank=6, penalty=2.0)
    return measure(plan, features=folder / "features.zarr", sentences=folder / "sentences.zarr", threads=1)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("push_down")
    return (*stores(folder), measured(folder))


def test_each_layer_is_probed_as_scikit_learn_does(example):
    sentences, features, found = example
    assert found["push_down"].dims == ("run", "step", "label", "layer")
    assert found["label"].values.tolist() == ["cpos", "fpos", "dep"]
    assert found["layer"].values.tolist() == [0, 1, 2]
    for label, column in (("cpos", "upos"), ("fpos", "xpos"), ("dep", "dep")):
        targets = [sentences[part][column].values.astype(str) for part in ("train", "dev")]
        for step in range(len(STEPS)):
            for layer in range(LAYERS):
                x, y = (features[part]["states"].values[step, layer].astype(float) for part in ("train", "dev"))
                wanted = RidgeClassifier(alpha=2.0).fit(x, targets[0]).score(y, targets[1])
                here = found["push_down"].isel(run=0, step=step, layer=layer).sel(label=label)
                assert float(here) == pytest.approx(wanted)


def test_the_holder_of_a_label_is_its_best_layer_at_every_step(example):
    found = example[-1]
    for label, layers in HOLDERS.items():
        accuracy = found["push_down"].isel(run=0).sel(label=label)
        for step, layer in enumerate(layers):
            assert float(accuracy[step, layer]) > 0.9
            assert float(accuracy[step].where(accuracy["layer"] != layer).max()) < 0.6


def test_heads_differ_and_the_holder_is_found(example):
    found = example[-1]["head_push_down"].isel(run=0)
    assert found.dims == ("step", "label", "block", "head")
    assert found["block"].values.tolist() == [1, 2]
    for label, (block, head) in HEAD_HOLDERS.items():
        accuracy = found.sel(label=label)
        assert float(accuracy[:, block, head].min()) > 0.9
        others = np.ones((2, HEADS), bool)
        others[block, head] = False
        assert accuracy.values[:, others].max() < 0.6


def test_a_probe_reads_the_same_in_a_slice_and_in_what_it_adds_to_the_residual_stream():
    parts = [words(seed) for seed in (0, 1)]
    outputs = [torch.from_numpy(planted(part, seed, heads=True)["head_outputs"].values[0]).double() for seed, part in
               enumerate(parts)]  # fmt: skip
    label = encode_label("cpos", *(part["upos"].values for part in parts))
    found = probe_heads(*outputs, [label], heads=HEADS, penalty=1e-6)
    projection = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    for head, rows in enumerate((slice(0, 6), slice(6, 12))):
        added = [each[..., rows] @ projection[rows] for each in outputs]
        for block in range(LAYERS - 1):
            wanted = label_accuracies(added[0][block], added[1][block], [label], penalty=1e-6)
            assert found[0, block, head] == pytest.approx(float(wanted))


def test_the_store_has_a_floor_trees_and_the_labels_of_its_run(example):
    sentences, _, found = example
    for label, column in (("cpos", "upos"), ("dep", "dep")):
        _, counts = np.unique(sentences["dev"][column].values.astype(str), return_counts=True)
        assert float(found["majority"].sel(label=label).squeeze()) == pytest.approx(counts.max() / counts.sum())
    assert found["structure"].dims == ("run", "step", "measure", "layer")
    assert found["measure"].values.tolist() == list(MEASURES)
    assert found["structure"].notnull().all()
    assert set(RUN_COLUMNS) <= set(found.coords)
    assert (found["layers"].item(), found["vocabulary"].item()) == (LAYERS - 1, 99)
    assert found["step"].values.tolist() == list(STEPS)


def test_further_labels_are_probed_where_the_corpus_has_them_and_heads_where_the_features_do(tmp_path):
    stores(tmp_path, more=("ner", "phrase_start", "phrase_end"), heads=False)
    found = measured(tmp_path)
    assert found["label"].values.tolist() == ["cpos", "fpos", "dep", "ner", "phrase_start", "phrase_end"]
    assert "head_push_down" not in found


def test_the_same_plan_gives_the_same_bits(tmp_path, example):
    stores(tmp_path)
    xr.testing.assert_identical(measured(tmp_path), example[-1])
