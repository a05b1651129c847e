"""Probes find what was planted in a layer, on every set, and what is not there is at chance."""

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.linear_model import LogisticRegression

from dual_process.arrays import writing_arrays
from dual_process.language.features import SETS, extract_features
from dual_process.language.part_of_speech import EVALUATIONS, measure, two_way, types_by_count
from dual_process.store import RUN_COLUMNS, write_store
from tests.language.tiny_checkpoints import TYPES, bert_folder, sentences_store, template_set, text_group, unit_plan

RANDOM = np.random.default_rng(0)
TAGS = {"train": ["NOUN", "NOUN", "ADJ", "VERB", "X"] * 80, "dev": ["NOUN", "NOUN", "NOUN", "ADJ", "VERB"] * 30}
SEQUENCES = 40
NOISE = 0.1


def noisy(signal):
    """Three components with the signal in the second, on top of a mean of 5."""
    values = 5 + NOISE * RANDOM.standard_normal((*signal.shape, 3))
    values[..., 1] += signal
    return values


def planted(tag_sign, slot_sign):
    """Layers: the class that a word has; the slot or tag it has in its sentence; neither."""
    return np.stack([noisy(tag_sign), noisy(slot_sign), noisy(np.zeros_like(slot_sign))]).astype(np.float16)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Two checkpoints, of which the first has noise in all layers and the second what is planted."""
    folder = tmp_path_factory.mktemp("stores")
    slot = np.broadcast_to([-1.0, 1.0], (SEQUENCES, 2))
    nonce = np.where(np.arange(SEQUENCES) % 2, 1.0, -1.0)[:, None].repeat(2, 1)  # the same "class" in both slots
    tag = {"head": slot, "tail": slot, "switch": -slot, "tail_switch": -slot, "unseen": nonce}
    states = {name: planted(tag[name], slot) for name in SETS}
    states["unseen"] = planted(tag["unseen"], slot - 10)  # unseen words lie apart
    for name, tags in TAGS.items():
        sign = np.array([{"NOUN": -1.0, "ADJ": 1.0}.get(each, 3.0) for each in tags])
        states[name] = planted(sign, sign)
    steps = xr.Dataset(coords={"step": [10, 20], "layer": [0, 1, 2]})
    with writing_arrays(
        folder / "features.zarr", dict.fromkeys(states, steps), {"layers": 2, "vocabulary": 50}
    ) as arrays:
        for name, layers in states.items():
            dims = ("word", "component") if name in TAGS else ("sequence", "slot", "component")
            sizes = {"step": 2, "layer": 3} | dict(zip(dims, layers.shape[1:], strict=True))
            arrays.create(f"{name}/states", sizes, pieces=2)
            for layer, values in enumerate(layers):
                arrays.write(f"{name}/states", (0, layer), RANDOM.standard_normal(values.shape).astype(np.float16))
                arrays.write(f"{name}/states", (1, layer), values)
    words = {name: text_group([[("word", tag) for tag in tags]]) for name, tags in TAGS.items()}
    sets = {name: template_set([("noun", "adjective", 0)] * SEQUENCES) for name in SETS}
    write_store(folder / "sentences.zarr", words | sets | {"types": TYPES}, {})
    return {"features": folder / "features.zarr", "sentences": folder / "sentences.zarr"}


@pytest.fixture(scope="module")
def found(stores):
    return measure(unit_plan(steps=(10, 20)), **stores, threads=1)


def test_what_is_planted_is_found_and_the_rest_is_at_chance(found):
    assert found["part_of_speech"].dims == ("run", "step", "evaluation", "layer")
    accuracy = found["part_of_speech"].isel(run=0).sel(step=20)
    by_class = {"val": 1, "head": 1, "tail": 1, "switch": 0, "tail_switch": 0, "unseen": 0.5}
    for evaluation in EVALUATIONS:
        tag, slot, neither = accuracy.sel(evaluation=evaluation).values
        assert tag == by_class[evaluation]
        assert slot == (0.5 if evaluation == "unseen" else 1)
        assert abs(neither - 0.5) < 0.25


def test_two_words_of_a_sentence_are_told_apart_wherever_the_threshold_is(found):
    assert found["two_way"].dims == ("run", "step", "evaluation", "layer")
    pairs = found["two_way"].isel(run=0).sel(step=20)
    assert pairs.sel(layer=1).values.tolist()[1:] == [1] * 5
    assert pairs.sel(layer=0, evaluation=["head", "tail", "switch", "tail_switch"]).values.tolist() == [1, 1, 0, 0]
    # two words with the same signal, three layers of noise: 40 sentences each, five standard errors
    for pair in (pairs.sel(layer=0, evaluation="unseen"), *pairs.sel(layer=2)[1:]):
        assert abs(pair - 0.5) < 5 * 0.5 / np.sqrt(SEQUENCES)
    assert np.isnan(found["two_way"].sel(evaluation="val")).all()


def test_equal_logits_count_half():
    assert two_way(torch.tensor([[0.0, 1.0, 2.0, 0.0]]), torch.tensor([[0.0, 1.0, 3.0, -1.0]])).tolist() == [0.5]


def test_noise_is_at_chance_although_nouns_are_three_quarters_of_the_text(found):
    noise = found["part_of_speech"].isel(run=0).sel(step=10)
    assert abs(noise.sel(evaluation="val").mean() - 0.5) < 0.12
    assert abs(noise.mean() - 0.5) < 0.05


def test_the_store_says_what_was_asked_and_has_the_columns_of_every_store(found):
    assert found["evaluation"].values.tolist() == list(EVALUATIONS)
    assert found["num_words"].values.tolist() == [120, *[2 * SEQUENCES] * 5]
    assert found["layer"].values.tolist() == [0, 1, 2]
    assert found["step"].values.tolist() == [10, 20]
    assert set(RUN_COLUMNS) <= set(found.coords)
    assert found["vocabulary"].item() == 50
    assert found["layers"].item() == 2


def test_types_are_counted_by_powers_of_two_of_their_own_role():
    found = types_by_count(TYPES)
    assert found["count"].values.tolist() == [1, 2, 4, 8, 16]
    assert found.sel(role="noun").values.tolist() == [1, 1, 0, 1, 0]
    assert found.sel(role="adjective").values.tolist() == [0, 0, 0, 1, 1]


def test_the_store_holds_the_types_of_the_corpus(found):
    assert found["types_by_count"].dims == ("run", "role", "count")
    np.testing.assert_array_equal(found["types_by_count"][0], types_by_count(TYPES))


def test_a_corpus_without_nouns_or_adjectives_has_no_types_to_count():
    assert types_by_count(TYPES.isel(type=slice(5, None))).sum() == 0


def test_the_reference_has_no_intercept_no_balance_and_a_threshold_of_a_half(stores):
    found = measure(unit_plan(steps=(10, 20), protocol="reference"), **stores, threads=1)["part_of_speech"][0]
    features = {name: xr.open_zarr(stores["features"], group=name, consolidated=False) for name in ("train", "dev")}
    for step in range(2):
        for layer in range(3):
            x, y = {}, {}
            for name, tags in TAGS.items():
                kept = np.isin(tags, ["NOUN", "ADJ"])
                x[name] = features[name]["states"][step, layer].values[kept].astype(np.float64)
                y[name] = np.array(tags)[kept] == "ADJ"
            probe = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8).fit(x["train"], y["train"])
            right = (probe.decision_function(x["dev"]) > 0.5) == y["dev"]
            assert found[step, 0, layer] == pytest.approx(right.mean(), abs=1e-6)


def test_a_checkpoint_goes_from_its_folder_to_the_measurements(tmp_path):
    plan = unit_plan(steps=(0, 5))
    sentences = sentences_store(tmp_path / "sentences.zarr")
    folders = [bert_folder(tmp_path / f"{seed}", seed=seed) for seed in range(2)]
    output = tmp_path / "features.zarr"
    extract_features(plan, folders=folders, sentences=sentences, output=output, threads=1)
    found = measure(plan, features=output, sentences=sentences, threads=1)
    assert found["part_of_speech"].shape == (1, 2, 6, 3)
    # the words of "dev" are among those the probe was trained on, seven of them in sixteen dimensions
    assert found["part_of_speech"].sel(evaluation="val").min() == 1
    write_store(tmp_path / "part_of_speech.zarr", {"": found}, {})
