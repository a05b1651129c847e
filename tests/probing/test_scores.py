"""Scores on planted logits, whose answers are known."""

from types import SimpleNamespace

import pytest
import torch

from dual_process.models.bert import BertConfig, StackedBert
from dual_process.probing import scores
from dual_process.probing.scores import METRICS, Sequences, distinct, query_states, score, score_sequences

NUM_TRAINED, NUM_TOKENS = 8, 12
COPULA, MASK = 6, 7
TARGETS = (4, 5, 6)
A, N = 4, 1
"""A trained adjective and a trained noun."""
U, W = 9, 11
"""Two unseen tokens."""
ACCURACIES = ("exact_match", "exact_match_same_group", "two_way", "context_top_one", "copied")


class Planted:
    """A model whose logits are looked up: the last position of the input is the row of the sequence."""

    def __init__(self, logits):
        self.planted = logits
        self.word_embedding = SimpleNamespace(weight=torch.empty(len(logits), logits.shape[-1], 1))

    def __call__(self, inputs, targets):
        assert tuple(targets) == TARGETS
        return torch.stack([self.planted[run, rows] for run, rows in enumerate(inputs[..., -1])])

    def decoder(self, scale):
        return lambda features: features * scale


def sequence(adjective, noun, best, *, query="adjective", also=None):
    """Context, labels, candidates and logits: `best` wins at each target, `also` comes just behind everywhere."""
    asked = adjective if query == "adjective" else noun
    logits = torch.zeros(3, NUM_TOKENS)
    if also is not None:
        logits[:, also] = 1
    for target, token in enumerate(best):
        logits[target, token] += 2
    return [COPULA, adjective, noun, asked], [adjective, asked, asked], [adjective, noun], logits


CASES = {
    #                                                                          exact group two context copied
    "all right": (sequence(A, N, [A, A, A]), (1, 1, 1, 1, 1)),
    "all right, noun asked": (sequence(A, N, [A, N, N], query="noun"), (1, 1, 1, 1, 1)),
    "class exchanged": (sequence(A, N, [N, A, A]), (0, 0, 0, 0, 1)),
    "two of three": (sequence(A, N, [A, A, N]), (0, 0, 1, 0, 0)),
    "adjective where the noun was asked": (sequence(A, N, [A, A, A], query="noun"), (0, 0, 1, 0, 0)),
    "unseen all right": (sequence(U, W, [U, U, U]), (1, 1, 1, 1, 1)),
    "unseen pushed below a trained token": (sequence(U, W, [2, 2, 2], also=U), (0, 1, 1, 1, 0)),
    "unseen below another unseen token": (sequence(U, W, [10, 10, 10], also=U), (0, 0, 1, 1, 0)),
    "unseen, only one target pushed down": (sequence(U, W, [U, U, 2], also=U), (0, 1, 1, 1, 0)),
    "unseen, exchanged and pushed down": (sequence(U, W, [2, 2, 2], also=W), (0, 0, 0, 0, 0)),
    "trained below an unseen token": (sequence(A, N, [U, U, U], also=A), (0, 1, 1, 1, 0)),
    "trained below a trained one elsewhere": (sequence(A, N, [5, 5, 5], also=A), (0, 0, 1, 1, 0)),
    "first answered by neither, copies right": (sequence(A, N, [5, N, N], query="noun"), (0, 0, 1, 0, 0)),
    "exchanged, noun asked": (sequence(A, N, [N, N, N], query="noun"), (0, 0, 0, 0, 1)),
    "copula wins": (sequence(A, N, [COPULA] * 3, also=A), (0, 0, 1, 0, 0)),
    "mask wins": (sequence(A, N, [MASK] * 3, also=A), (0, 0, 1, 1, 0)),
    "the same token twice": (sequence(U, U, [U, U, U]), (1, 1, 1, 1, 1)),
    "the same token twice, pushed down": (sequence(U, U, [2, 2, 2], also=U), (0, 1, 1, 1, 0)),
}


def stack(cases):
    """Arguments of `score` for one run."""
    contexts, labels, choices, logits = zip(*cases, strict=True)
    inputs = torch.tensor([[*context, MASK, MASK, row] for row, context in enumerate(contexts)])
    return Planted(torch.stack(logits)[None]), inputs[None], torch.tensor(labels)[None], torch.tensor(choices)[None]


def measure(arguments, batch_size=1000):
    model, *columns = arguments
    return score(model, Sequences.of(*columns), targets=TARGETS, num_trained=NUM_TRAINED, batch_size=batch_size)


def planted_run(case):
    return dict(zip(METRICS, measure(stack([case]))[0].tolist(), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_known_answers(name):
    case, expected = CASES[name]
    found = planted_run(case)
    wanted = torch.nn.functional.cross_entropy(case[3], torch.tensor(case[1])).item()
    assert found.pop("loss") == pytest.approx(wanted, rel=1e-5)
    assert found.pop("loss_copying") + found.pop("loss_decision") == pytest.approx(wanted, rel=1e-5)
    assert tuple(found) == ACCURACIES
    assert tuple(found.values()) == expected


@pytest.mark.parametrize("gap", [-30.0, -1.0, 0.0, 2.0, 30.0])
def test_loss_is_divided_into_choosing_and_the_rest(gap):
    """Choosing costs log(1 + exp(-gap)), a third of it in the mean over three targets; the rest is as without it."""
    context, labels, choice, logits = sequence(A, N, [A, A, A])
    logits[0, A], logits[0, N] = 1.5 + gap, 1.5
    found = planted_run((context, labels, choice, logits))
    choosing = torch.tensor(-gap, dtype=torch.double).exp().log1p().item() / 3
    assert found["loss_decision"] == pytest.approx(choosing, rel=1e-5, abs=1e-12)
    either = torch.log_softmax(logits.double(), -1)[0, [A, N]].logsumexp(0)
    copies = torch.nn.functional.cross_entropy(logits[1:].double(), torch.tensor(labels[1:]), reduction="sum")
    assert found["loss_copying"] == pytest.approx((copies - either).item() / 3, rel=1e-5)


@pytest.mark.parametrize("shift", [-1000.0, 0.0, 1000.0])
@pytest.mark.parametrize("margin", [0.0, 9.0, 60.0])
def test_loss_is_the_cross_entropy_however_large_the_logits(margin, shift):
    context, labels, choice, logits = sequence(A, N, [A, A, A])
    logits[:, A] += margin
    found = planted_run((context, labels, choice, logits + shift))
    wanted = torch.nn.functional.cross_entropy(logits.double(), torch.tensor(labels))
    # logits near 1,000 are themselves rounded to 1e-4
    assert found["loss"] == pytest.approx(wanted.item(), rel=1e-3 if shift else 1e-5, abs=1e-7)


def test_choosing_between_a_token_and_itself_is_free():
    found = planted_run(sequence(U, U, [2, U, U], also=U))
    assert found["loss_decision"] == 0
    assert found["loss_copying"] == found["loss"] > 0


@pytest.mark.parametrize("at_once", [1, 100, 1 << 20])
def test_logits_may_be_computed_in_pieces(monkeypatch, at_once):
    monkeypatch.setattr(scores, "LOGITS_AT_ONCE", {"cpu": at_once})
    cases = [case for case, _ in CASES.values()]
    model, *columns = stack(cases)
    found = score_sequences(model, Sequences.of(*columns), targets=TARGETS, num_trained=NUM_TRAINED, batch_size=7)
    assert found.shape == (1, len(cases), len(METRICS))
    torch.testing.assert_close(found[0].double(), torch.cat([measure(stack([case])) for case in cases]))


def test_equal_sequences_are_computed_once():
    model, inputs, labels, choice = stack([case for case, _ in CASES.values()])
    generator = torch.Generator().manual_seed(0)
    repeated = torch.randint(len(CASES) - 3, (1, 200), generator=generator)  # the last three do not occur
    computed = []

    class Counting(Planted):
        def __call__(self, inputs, targets):
            computed.extend(inputs[0, :, -1].tolist())
            return super().__call__(inputs, targets)

    options = {"targets": TARGETS, "num_trained": NUM_TRAINED, "batch_size": 4}
    arguments = [tensor[:, repeated[0]] for tensor in (inputs, labels, choice)]
    found = score_sequences(Counting(model.planted), Sequences.of(*arguments), **options)
    each = score_sequences(model, Sequences.of(inputs, labels, choice), **options)
    assert torch.equal(found, each[:, repeated[0]])
    assert sorted(computed) == sorted(set(repeated[0].tolist()))


def test_sequences_that_differ_in_a_label_or_a_candidate_alone_are_told_apart():
    inputs = torch.zeros(1, 4, 7, dtype=torch.long)
    labels, choice = torch.tensor([[[1], [1], [2], [1]]]), torch.tensor([[[3, 4], [4, 3], [3, 4], [3, 4]]])
    chosen, equal = distinct(inputs, labels, choice)
    assert sorted(chosen[0].tolist()) == [0, 1, 2]
    assert chosen[0][equal[0]].tolist() == [0, 1, 2, 0]


def test_runs_with_fewer_kinds_of_sequences_repeat_their_first():
    chosen, equal = distinct(torch.tensor([[[5], [6], [7], [5]], [[8], [8], [9], [8]]]))
    assert chosen.tolist() == [[0, 1, 2], [0, 2, 0]]
    assert equal.tolist() == [[0, 1, 2, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize("batch_size", [1, 3, 16, 1000])
def test_means_do_not_depend_on_the_batch_size(batch_size):
    found = measure(stack([case for case, _ in CASES.values()]), batch_size)
    wanted = torch.tensor([expected for _, expected in CASES.values()], dtype=torch.float64).mean(0)
    torch.testing.assert_close(found[0, [METRICS.index(name) for name in ACCURACIES]], wanted)
    assert found.dtype == torch.float64


def test_runs_are_scored_apart():
    right, wrong = (stack([CASES[name][0]]) for name in ("all right", "class exchanged"))
    both = Planted(torch.cat([right[0].planted, wrong[0].planted]))
    found = measure((both, *(torch.cat(pair) for pair in zip(right[1:], wrong[1:], strict=True))))
    torch.testing.assert_close(found[0], measure(right)[0])
    torch.testing.assert_close(found[1], measure(wrong)[0])
    assert found[0, 0] != found[1, 0]


@pytest.fixture
def model():
    model = StackedBert(BertConfig(num_tokens=20, num_positions=7, layers=2, width=8, feed_forward=16, num_runs=2))
    model.initialise([torch.Generator().manual_seed(run) for run in range(2)])
    return model.eval()


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_query_states_are_the_residual_streams_at_one_position(model, batch_size):
    inputs = torch.randint(0, 20, (2, 10, 7), generator=torch.Generator().manual_seed(0))
    found = query_states(model, inputs, position=3, batch_size=batch_size)
    assert found.shape == (2, 3, 10, 8)
    with torch.no_grad():
        states = model.hidden_states(inputs)
        torch.testing.assert_close(found[:, 0], model.embed(model.words(inputs))[:, :, 3])
    for layer, state in enumerate(states):
        torch.testing.assert_close(found[:, layer], state[:, :, 3])
