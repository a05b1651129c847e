"""The configuration: what is accepted, and one readable sentence for each thing that is not."""

import copy
import re

import pytest
from pydantic import ValidationError

from dual_process.blocks import CORRECTED, REFERENCE
from dual_process.config import ConfigError, load_config

GOOD = {
    "scale": "tiny",
    "tasks": {"pos": {"vocabulary": 200}},
    "distributions": {
        "flat": {"law": "uniform"},
        "steep": {"law": "zipf", "alpha": 1.5},
        "mixed": {"law": "two-level", "head_types": 0.1, "head_share": 0.9},
    },
    "models": {"bert": {"layers": 2}},
    "schedules": {
        "vanilla": {"kind": "vanilla"},
        "active": {"kind": "active", "period": 100},
        "temporary": {"kind": "temporary", "period": 100, "forget_until": 300},
        "random": {"kind": "probabilistic", "probability": 0.1},
    },
    "training": {"steps": 500},
    "grids": {"main": {"distributions": ["flat", "steep"], "schedules": ["vanilla", "active"], "seeds": [0, 1]}},
    "figures": {"fig3": {"grids": ["main"]}},
}


def changed(path, value):
    """A good configuration with one value put at a dotted path."""
    data = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    block = data
    for parent in parents:
        block = block.setdefault(parent, {})
    block[last] = value
    return data


def test_good_configuration_and_its_defaults():
    config = load_config(GOOD)
    assert config.tasks["pos"].num_unseen == 20
    assert config.distributions["steep"].alpha == 1.5
    assert config.schedules["temporary"].forget_until == 300
    assert config.training.batch_size == 128
    assert config.grids["main"].protocols == ("corrected",)


def test_both_protocols_are_there_beside_those_of_the_user():
    assert load_config(GOOD).protocols == {"reference": REFERENCE, "corrected": CORRECTED}
    protocols = load_config(changed("protocols.unseen", {"train_unseen": True})).protocols
    assert set(protocols) == {"reference", "corrected", "unseen"}
    assert protocols["unseen"].train_unseen


def test_exponents_that_yaml_reads_as_text_are_numbers():
    assert load_config(changed("training.learning_rate", "3e-4")).training.learning_rate == 3e-4


def test_configuration_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        load_config(GOOD).training.steps = 3


@pytest.mark.parametrize(("value", "expected"), [(0.5, 0.5), (1, 1.0), ("empirical", "empirical")])
def test_reset_scale_is_a_number_or_empirical(value, expected):
    assert load_config(changed("protocols.mine.reset_scale", value)).protocols["mine"].reset_scale == expected


FAULTS = {
    "unknown key at the top": ("colour", 1, "key 'colour' (value 1) is not known; config/README.md lists the keys"),
    "unknown nested key": ("training.step", 5, "key 'training.step' (value 5) is not known"),
    "unknown key of a union member": ("distributions.steep.beta", 2, "key 'distributions.steep.beta' (value 2) is not"),
    "text for a number": ("training.steps", "many", "key 'training.steps' is 'many'; it must be a valid integer"),
    "fraction for an integer": ("training.steps", 1.5, "key 'training.steps' is 1.5; it must be a valid integer"),
    "null for a number": ("training.steps", None, "key 'training.steps' is null; it must be a valid integer"),
    "number for a block": ("training", 5, "key 'training' is 5; it must be a block of keys and values"),
    "number for a union member": ("schedules.active", 5, "key 'schedules.active' is 5; it must be a block of keys"),
    "text for a list": ("grids.main.seeds", "zero", "key 'grids.main.seeds' is 'zero'; it must be a list"),
    "text for a switch": ("training.keep_checkpoints", "perhaps", "is 'perhaps'; it must be a valid boolean"),
    "odd vocabulary": ("tasks.pos.vocabulary", 201, "key 'tasks.pos.vocabulary' is 201; it must be a multiple of 2"),
    "small vocabulary": ("tasks.pos.vocabulary", 10, "is 10; it must be greater than or equal to 20"),
    "more ids than 16 bits": ("tasks.pos.vocabulary", 60_000, "needs 66002 ids; at most 65536 are allowed"),
    "unknown evaluation set": (
        "probing.evaluations",
        ["val", "tial"],
        "probing: evaluations names 'tial', wh",
    ),
    "no evaluation set": ("probing.evaluations", [], "key 'probing.evaluations' is []; it must have at least 1 item"),
    "built-in protocol": ("protocols.reference", {"reset_scale": 1}, "protocols.reference is built in and cannot be"),
    "protocols that are no block": ("protocols", 3, "key 'protocols' is 3; it must be a block of keys and values"),
    "bins without types": ("tasks.pos.ambiguity_bins", 60, "vocabulary 200 leaves fewer than 2 types in each of 60"),
    "ambiguity above one": ("tasks.pos.ambiguity", 1.1, "key 'tasks.pos.ambiguity' is 1.1; it must be less than or eq"),
    "N equal to k": (
        "schedules.temporary.forget_until",
        100,
        "schedules.temporary: forget_until 100 with period 100 never resets anything; forget_until must be greater",
    ),
    "head share above one": (
        "distributions.mixed.head_share",
        1.2,
        "key 'distributions.mixed.head_share' is 1.2; it must be less than 1",
    ),
    "unknown law": (
        "distributions.steep.law",
        "gauss",
        "key 'distributions.steep.law' is 'gauss'; it must be one of 'uniform', 'zipf', 'two-level'",
    ),
    "no law": (
        "distributions.steep",
        {"alpha": 2},
        "is {'alpha': 2}; it must be a block of keys and values, one of th",
    ),
    "unknown kind of schedule": (
        "schedules.active.kind",
        "sometimes",
        "key 'schedules.active.kind' is 'sometimes'; it must be one of 'vanilla', 'active', 'temporary', 'probabi",
    ),
    "schedule that is not defined": (
        "grids.main.schedules",
        ["vanilla", "often"],
        "grids.main.schedules names 'often', which is not defined; defined under schedules: vanilla, active, temp",
    ),
    "distribution that is not defined": ("grids.main.distributions", ["x"], "defined under distributions: flat, steep"),
    "protocol that is not defined": ("grids.main.protocols", ["x"], "defined under protocols: reference, corrected"),
    "grid that is not defined": ("figures.fig3.grids", ["x"], "figures.fig3.grids names 'x', which is not defined"),
    "figure without grids": ("figures.fig3.grids", [], "figures.fig3: a figure names runs under one of grids, che"),
    "period that never comes": (
        "schedules.active.period",
        500,
        "schedules.active.period 500 never comes within training.steps 500; period must be less than training.st",
    ),
    "variant with a key that is common": (
        "training_variants",
        {"short": {"threads": 7}},
        "training_variants.short.threads is 7; it must be left out, since `training.threads` (1) holds for all runs",
    ),
    "variant under a name that is taken": (
        "training_variants",
        {"standard": {"steps": 50}},
        "training_variants.standard is `training` itself; give a variant a name of its own",
    ),
    "unknown key in a variant": ("training_variants", {"short": {"step": 5}}, "key 'training_variants.short.step'"),
    "training that is not defined": ("grids.main.training", "x", "grids.main.training names 'x', which is not defined"),
    "unknown kind of task": (
        "tasks.pos.kind",
        "riddles",
        "key 'tasks.pos.kind' is 'riddles'; it must be one of 'part-of-speech', 'associative-recall'",
    ),
    "unknown kind of model": (
        "models.bert.kind",
        "lstm",
        "key 'models.bert.kind' is 'lstm'; it must be one of 'bert', 'gpt2'",
    ),
    "negative learning rate": (
        "training.learning_rate",
        -1,
        "'training.learning_rate' is -1; it must be greater than 0",
    ),
    "negative seed": ("grids.main.seeds", [0, -1], "key 'grids.main.seeds.1' is -1; it must be greater than or equal"),
    "reset scale below zero": ("protocols.mine.reset_scale", -1, "protocols.mine: reset_scale -1.0 is out of range"),
    "heads that do not divide": ("models.bert.heads", 3, "models.bert: heads 3 does not divide width 64; it must be a"),
    "name with an underscore": ("tasks.my_task", {}, "is 'my_task'; a name holds letters, digits, dots and hyph"),
    "scale that leaves its folder": ("scale", "../other", "key 'scale' is '../other'; a name holds letters"),
}


@pytest.mark.parametrize(("path", "value", "sentence"), FAULTS.values(), ids=FAULTS)
def test_fault_is_one_sentence_with_key_value_and_what_is_allowed(path, value, sentence):
    with pytest.raises(ConfigError) as caught:
        load_config(changed(path, value))
    text = str(caught.value)
    assert sentence in text
    assert re.fullmatch(r"config: [^\n]+[^.]\.", text)
    assert "pydantic" not in text


def test_reset_scale_of_a_wrong_type_names_both_choices():
    with pytest.raises(ConfigError) as caught:
        load_config(changed("protocols.mine.reset_scale", "wide"))
    number, word = str(caught.value).splitlines()
    assert number == "config: key 'protocols.mine.reset_scale' is 'wide'; it must be a valid number."
    assert word == "config: key 'protocols.mine.reset_scale' is 'wide'; it must be 'empirical'."


def test_long_values_are_cut():
    with pytest.raises(ConfigError) as caught:
        load_config(changed("colour", list(range(1000))))
    assert len(str(caught.value)) < 200


def test_missing_key_is_named():
    data = copy.deepcopy(GOOD)
    del data["training"]["steps"]
    with pytest.raises(ConfigError, match=r"^config: key 'training.steps' is missing; .*\.$"):
        load_config(data)


@pytest.mark.parametrize("data", [None, [], "text"])
def test_something_that_is_no_mapping(data):
    with pytest.raises(ConfigError, match=r"^config: the whole is .*; it must be a block of keys and values\.$"):
        load_config(data)


def test_several_faults_are_several_sentences():
    data = changed("training.learning_rate", -1)
    data["tasks"]["pos"]["vocabulary"] = 201
    with pytest.raises(ConfigError) as caught:
        load_config(data)
    assert [line.split("'")[1] for line in str(caught.value).splitlines()] == [
        "tasks.pos.vocabulary",
        "training.learning_rate",
    ]


def test_variants_of_training_hold_what_differs():
    data = changed("training_variants", {"short": {"steps": 50, "learning_rate_schedule": "linear"}})
    config = load_config(data)
    assert set(config.trainings) == {"standard", "short"}
    assert config.trainings["standard"] == config.training
    differing = config.training.model_copy(update={"steps": 50, "learning_rate_schedule": "linear"})
    assert config.trainings["short"] == differing


def test_a_fault_that_variants_inherit_is_told_once():
    data = changed("training.learning_rate", -1)
    data["training_variants"] = {"short": {"steps": 50}}
    with pytest.raises(ConfigError, match=r"^config: key 'training.learning_rate' is -1; [^\n]*$"):
        load_config(data)


def test_schedules_must_fit_the_training_of_their_grid():
    data = changed("training_variants", {"short": {"steps": 50}})
    data["grids"]["main"]["training"] = "short"
    with pytest.raises(ConfigError, match=r"never comes within training_variants\.short\.steps 50"):
        load_config(data)


def test_a_task_and_a_model_without_a_kind_are_those_of_the_paper():
    config = load_config(changed("tasks.recall", {"kind": "associative-recall", "items": 20}))
    assert [task.kind for task in config.tasks.values()] == ["part-of-speech", "associative-recall"]
    assert config.models["bert"].kind == "bert"
