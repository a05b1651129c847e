"""The law of every evaluation set, against the table of the published code."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from dual_process.blocks import EVALUATIONS, PartOfSpeech, TwoLevel, Uniform, Zipf
from dual_process.tasks.evaluation import evaluation_sets
from dual_process.tasks.vocabulary import Vocabulary, make_vocabulary

UNIFORM = Uniform(law="uniform")
ZIPF = Zipf(law="zipf", alpha=1.2)
NOUNS, ADJECTIVES = range(200), range(200, 400)
UNSEEN, NORMAL, UNIFORM_BLOCK = range(402, 442), range(442, 482), range(482, 522)
BASE = {"val", "switch", "unseen"}
BY_FREQUENCY = {"top_twenty", "top_twenty_switch", "unambiguous", "ambiguous"}
VARIANTS = {"unseen_mean", "unseen_normal", "unseen_uniform"}
TAIL = {"tail", "tail_switch"}
BINS = {f"bin_{c}_{kind}" for c in range(10) for kind in ("unambiguous", "unambiguous_switch", "ambiguous")}


def vocabulary(law=ZIPF, sampling: str = "corrected", **task) -> Vocabulary:
    """Return v = 400, a fifth of the types ambiguous, 20,000 sequences a set."""
    settings = {"vocabulary": 400, "ambiguity": 0.2, "evaluation_sequences": 20_000} | task
    return make_vocabulary(PartOfSpeech(**settings), law, sampling, 0)


def everything(sampling: str, law=ZIPF) -> Vocabulary:
    return vocabulary(law, sampling, unseen_variants=True, frequency_bins=True)


def pools(words: Vocabulary) -> dict[str, tuple[set[int], set[int]]]:
    """Tokens of the adjective and the noun slot for every set of uniformly drawn tokens."""
    ambiguous_nouns, ambiguous_adjectives = set(words.ambiguous_nouns), set(words.ambiguous_adjectives)
    ambiguous = ambiguous_nouns | ambiguous_adjectives
    reference = words.sampling == "reference"
    table = {
        "tail": (set(range(380, 400)), set(range(180, 200))),
        "tail_switch": (set(range(180, 200)), set(range(380, 400))),
        "unseen": (set(UNSEEN), set(UNSEEN)),
        "unseen_mean": (set(UNSEEN), set(UNSEEN)),
        "unseen_normal": (set(NORMAL), set(NORMAL)),
        "unseen_uniform": (set(UNIFORM_BLOCK), set(UNIFORM_BLOCK)),
        "top_twenty": (set(range(200, 220)), set(range(20))),
        "top_twenty_switch": (set(range(20)), set(range(200, 220))),
        "unambiguous": (set(ADJECTIVES) - ambiguous, set(NOUNS) - ambiguous),
        "ambiguous": (ambiguous, ambiguous) if reference else (ambiguous_adjectives, ambiguous_nouns),
    }
    for c in range(10):
        nouns, adjectives = set(range(20 * c, 20 * c + 20)), set(range(200 + 20 * c, 220 + 20 * c))
        table[f"bin_{c}_unambiguous"] = (adjectives - ambiguous, nouns - ambiguous)
        table[f"bin_{c}_unambiguous_switch"] = (nouns - ambiguous, adjectives - ambiguous)
        table[f"bin_{c}_ambiguous"] = table["ambiguous"] if reference else (adjectives & ambiguous, nouns & ambiguous)
    return table


def same(first, second) -> bool:
    return all((getattr(first, key) == getattr(second, key)).all() for key in ("template", "adjective", "noun"))


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_uniform_sets_draw_exactly_their_pools(p_value, sampling):
    words = everything(sampling)
    sets = evaluation_sets(words, 0)
    table = pools(words)
    assert set(table) == set(sets) - {"val", "switch"}
    for name, wanted in table.items():
        for drawn, pool in zip((sets[name].adjective, sets[name].noun), wanted, strict=True):
            assert set(drawn.tolist()) == pool, name
            law = np.isin(np.arange(words.num_tokens), list(pool)).astype(float)
            assert p_value(drawn, law) > 1e-4, name


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
@pytest.mark.parametrize("law", [UNIFORM, ZIPF, TwoLevel(law="two-level", head_types=0.1, head_share=0.9)])
def test_switch_draws_by_the_law_from_the_other_class_without_swaps(p_value, law, sampling):
    words = everything(sampling, law)
    drawn = evaluation_sets(words, 0)["switch"]
    weights = np.ones(200)
    if law is ZIPF:
        weights = np.arange(1, 201) ** -1.2
        weights = np.concatenate([[0.0], weights[:-1]]) if sampling == "reference" else weights
    elif law is not UNIFORM:
        weights = np.repeat([0.9 / 20, 0.1 / 180], [20, 180])
    assert p_value(drawn.adjective, weights) > 1e-3
    assert p_value(drawn.noun.astype(int) - 200, weights) > 1e-3
    assert np.isin(drawn.adjective, words.ambiguous_nouns).any()


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
def test_val_follows_the_training_law_with_its_swaps(p_value, sampling):
    words = everything(sampling)
    drawn = evaluation_sets(words, 0)["val"]
    for slot, own, other in [
        (drawn.noun, words.ambiguous_nouns, words.ambiguous_adjectives),
        (drawn.adjective, words.ambiguous_adjectives, words.ambiguous_nouns),
    ]:
        expected = np.zeros(words.num_tokens)
        ranks = np.arange(1, 201) ** -1.2
        start = 1 if sampling == "reference" else 0
        class_ids = np.arange(200) + (200 if own[0] >= 200 else 0)
        expected[class_ids[start:]] = ranks[: 200 - start] / ranks[: 200 - start].sum()
        swapped = expected[own].sum() / 2
        expected[own] /= 2
        expected[other[start:]] = swapped * ranks[: len(other) - start] / ranks[: len(other) - start].sum()
        assert p_value(slot, expected) > 1e-3


def test_published_bins_of_ambiguous_types_have_the_law_of_all_of_them(p_value):
    words = everything("reference")
    sets = evaluation_sets(words, 0)
    ambiguous = np.concatenate([words.ambiguous_nouns, words.ambiguous_adjectives])
    law = np.isin(np.arange(words.num_tokens), ambiguous).astype(float)
    both = np.concatenate([[sets[f"bin_{c}_ambiguous"].noun, sets[f"bin_{c}_ambiguous"].adjective] for c in range(10)])
    assert p_value(both.ravel(), law) > 1e-3


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
@pytest.mark.parametrize("law", [UNIFORM, ZIPF])
def test_uniform_switch_draws_all_types_alike_with_exchanged_classes(p_value, law, sampling):
    words = vocabulary(law, sampling, rank_frequency_sequences=40_000)
    sets = evaluation_sets(words, 0)
    drawn = sets["uniform_switch"]
    assert drawn.template.shape == (40_000,)
    assert p_value(drawn.adjective, np.ones(200)) > 1e-3
    assert p_value(drawn.noun.astype(int) - 200, np.ones(200)) > 1e-3
    assert [name for name, each in sets.items() if not each.every_checkpoint] == ["uniform_switch"]


def test_templates_are_equally_frequent_in_every_set():
    for name, drawn in evaluation_sets(everything("corrected"), 0).items():
        assert chisquare(np.bincount(drawn.template, minlength=4)).pvalue > 1e-4, name


@pytest.mark.parametrize("name", ["unseen", "tail", "top_twenty_switch", "bin_3_unambiguous"])
def test_slots_are_drawn_independently(name):
    drawn = evaluation_sets(vocabulary(frequency_bins=True, evaluation_sequences=100_000), 0)[name]
    _, adjective = np.unique(drawn.adjective, return_inverse=True)
    _, noun = np.unique(drawn.noun, return_inverse=True)
    table = np.zeros((adjective.max() + 1, noun.max() + 1))
    np.add.at(table, (adjective, noun), 1)
    assert chi2_contingency(table).pvalue > 1e-3


@pytest.mark.parametrize(
    ("law", "task", "names"),
    [
        (ZIPF, {}, BASE | TAIL),
        (UNIFORM, {}, BASE),
        (ZIPF, {"unseen_variants": True}, BASE | TAIL | VARIANTS),
        (ZIPF, {"rank_frequency_sequences": 10}, BASE | TAIL | {"uniform_switch"}),
        (ZIPF, {"frequency_bins": True}, BASE | TAIL | BY_FREQUENCY | BINS),
        (UNIFORM, {"frequency_bins": True}, BASE | BY_FREQUENCY | BINS),
        (
            ZIPF,
            {"frequency_bins": True, "ambiguity": 0},
            BASE | TAIL | BY_FREQUENCY - {"ambiguous"} | {n for n in BINS if "_unamb" in n},
        ),
        (
            ZIPF,
            {"frequency_bins": True, "ambiguity": 1},
            BASE | TAIL | BY_FREQUENCY - {"unambiguous"} | {n for n in BINS if "_unamb" not in n},
        ),
    ],
)
def test_only_the_sets_that_the_task_has_are_there(law, task, names):
    assert set(evaluation_sets(vocabulary(law, **task), 0)) == names


@pytest.mark.parametrize("sampling", ["reference", "corrected"])
@pytest.mark.parametrize("size", [20, 22, 50, 200])
def test_small_vocabularies_leave_out_empty_bins_only(size, sampling):
    words = vocabulary(sampling=sampling, vocabulary=size, ambiguity=0.1, frequency_bins=True)
    sets = evaluation_sets(words, 0)
    ambiguous = {*words.ambiguous_nouns, *words.ambiguous_adjectives}
    wanted = BASE | TAIL | BY_FREQUENCY
    noun_bins, adjective_bins = np.array_split(words.nouns, 10), np.array_split(words.adjectives, 10)
    for c, both in enumerate(zip(noun_bins, adjective_bins, strict=True)):
        if all(set(part) - ambiguous for part in both):
            wanted |= {f"bin_{c}_unambiguous", f"bin_{c}_unambiguous_switch"}
        if sampling == "reference" or all(set(part) & ambiguous for part in both):
            wanted.add(f"bin_{c}_ambiguous")
    assert set(sets) == wanted
    assert set(sets["top_twenty"].noun.tolist()) == set(range(min(20, size // 2)))
    assert len(set(sets["tail"].noun.tolist())) == max(1, size // 20)


def test_sizes_types_and_treatment_of_the_rows():
    sets = evaluation_sets(everything("corrected"), 0)
    for name, drawn in sets.items():
        size = 2000 if name.startswith("bin_") else 20_000
        assert drawn.template.shape == drawn.adjective.shape == drawn.noun.shape == (size,)
        assert (drawn.template.dtype, drawn.adjective.dtype, drawn.noun.dtype) == (np.uint8, np.uint16, np.uint16)
    treated = {name: drawn.embedding for name, drawn in sets.items() if drawn.embedding != "kept"}
    assert treated == {"unseen_mean": "mean-of-ten", "unseen_uniform": "uniform", "unseen_normal": "normal"}


def test_unseen_mean_has_the_sequences_of_unseen():
    sets = evaluation_sets(vocabulary(unseen_variants=True), 0)
    assert same(sets["unseen_mean"], sets["unseen"])


def test_sets_are_a_function_of_the_seed():
    words = everything("corrected")
    first, again, other = (evaluation_sets(words, seed) for seed in (1, 1, 2))
    assert all(same(first[name], again[name]) for name in first)
    assert not any(same(first[name], other[name]) for name in first)


def test_every_set_has_a_stream_of_its_own():
    sets = evaluation_sets(everything("corrected"), 0)
    templates = [drawn.template[:200].tobytes() for name, drawn in sets.items() if name != "unseen_mean"]
    assert len(set(templates)) == len(templates)


def test_adding_sets_changes_no_other():
    words = vocabulary()
    task = everything("corrected").task.model_copy(update={"rank_frequency_sequences": 100})
    more = evaluation_sets(replace(words, task=task), 0)
    fewer = evaluation_sets(words, 0)
    assert len(more) > len(fewer)
    assert all(same(drawn, more[name]) for name, drawn in fewer.items())


def test_the_configuration_knows_the_names_of_all_sets() -> None:
    of_other_tasks = {"weights", "context"}
    assert set(EVALUATIONS) - of_other_tasks == set(evaluation_sets(everything("corrected"), seed=0))
