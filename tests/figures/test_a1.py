"""Figure A1 against the task itself."""

import numpy as np

from dual_process.figures import a1
from dual_process.tasks import part_of_speech
from tests.mechanism_data import keeps_promises, texts

SLOTS = {
    part_of_speech.COPULA: "copula",
    part_of_speech.ADJECTIVE: "adjective",
    part_of_speech.NOUN: "noun",
    part_of_speech.MASK: "mask",
}


def test_templates_are_those_of_the_task() -> None:
    inputs, targets = part_of_speech.TEMPLATE_INPUTS, part_of_speech.TEMPLATE_TARGETS
    drawn = [([*statement, query, "mask", "mask", "mask"], list(wanted)) for statement, query, wanted in a1.TEMPLATES]
    task = [
        ([SLOTS[slot] for slot in row], [SLOTS[slot] for slot in wanted])
        for row, wanted in zip(inputs, targets, strict=True)
    ]
    assert drawn == task


def test_notes_below_the_templates_are_true_of_the_task() -> None:
    """The first target is the token after the copula; the others are copies of the query."""
    inputs, targets = part_of_speech.TEMPLATE_INPUTS, part_of_speech.TEMPLATE_TARGETS
    after = (inputs == part_of_speech.COPULA).argmax(axis=1) + 1
    np.testing.assert_array_equal(targets[:, 0], inputs[np.arange(len(inputs)), after])
    np.testing.assert_array_equal(targets[:, 1:], np.repeat(inputs[:, [part_of_speech.QUERY_POSITION]], 2, axis=1))


def test_drawing_keeps_the_promises_and_its_text_does_not_overlap() -> None:
    figure = keeps_promises(a1)
    boxes = [text.get_window_extent() for text in texts(figure)]
    overlaps = [(i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes[:i]) if a.overlaps(b)]
    assert overlaps == []
    drawn = [text.get_text() for text in texts(figure)]
    flat = [slot for _, query, targets in a1.TEMPLATES for slot in (query, *targets)]
    statements = [slot for statement, _, _ in a1.TEMPLATES for slot in statement]
    for slot, word in {"noun": "N", "adjective": "A", "copula": "cop"}.items():
        assert drawn.count(word) == (flat + statements).count(slot) + 1  # and once in the legend
    assert {row[0] for row in a1.EVALUATIONS} <= set(drawn)
