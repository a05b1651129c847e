"""Figure A16's claim on planted accuracies."""

import pytest

from dual_process.claims import a16
from tests.builders import grid, probe_dataset
from tests.mechanism_data import with_geometry


@pytest.mark.parametrize(("accuracy", "verdict"), [(0.95, "holds"), (0.9, "fails")])
def test_planted_accuracy_under_vanilla_training(accuracy: float, verdict: str) -> None:
    dataset = with_geometry(
        probe_dataset(grid(schedule=["vanilla", "active-200"], protocol=["corrected", "reference"], seed=[0, 1])),
        centroid=lambda row, x, contrast: accuracy if (row["kind"], contrast) == ("vanilla", "seen_unseen") else 0.7,
        norm=lambda *_: 1.0,
    )
    claims = a16.evaluate(dataset)
    assert [(claim.id, claim.protocol, claim.verdict) for claim in claims] == [
        ("A16.vanilla.clouds_apart[zipf-1.5]", protocol, verdict) for protocol in ("corrected", "reference")
    ]
    assert claims[0].value == pytest.approx(accuracy)


def test_without_vanilla_runs_it_is_not_testable() -> None:
    dataset = with_geometry(probe_dataset(grid(schedule=["active-200"])), centroid=lambda *_: 0.95, norm=lambda *_: 1.0)
    assert [claim.verdict for claim in a16.evaluate(dataset)] == ["not testable"]
