"""Associative recall through the whole pipeline: data, training under every schedule, measurements."""

from pathlib import Path

import numpy as np
import pytest

from dual_process.probing.cohort import probe_cohort
from tests.tiny import make_cohort

RECALL = {"kind": "associative-recall", "items": 30, "unseen": 6, "pairs": 4, "evaluation_sequences": 80}
GPT2 = {"kind": "gpt2", "layers": 2, "width": 16, "heads": 2, "feed_forward": 32}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["corrected", "reference"])
def test_recall_is_trained_and_measured(tmp_path: Path, protocol: str) -> None:
    cohort = make_cohort(
        tmp_path,
        schedules=("vanilla", "active-4", "temporary-3-8", "probabilistic-0.3"),
        protocol=protocol,
        tasks={"pos": RECALL},
        models={"bert": GPT2},
    )
    measured = probe_cohort(
        cohort.probes.model_dump_json(), datasets=cohort.datasets, checkpoints=cohort.train(), threads=1
    )
    assert set(measured["evaluation"].values) == {"val", "weights", "context", "unseen"}
    assert np.isfinite(measured["score"]).all()
    pattern = measured["attention_reading"].sel(probe_set="unseen")
    assert list(measured["part"].values) == ["query_label", "other_label", "query_item", "other_item", "query"]
    assert (pattern.isel(part=slice(0, 4)) >= 0).all()
    assert measured["counting_accuracy"].values.tolist() == [0.6875 if protocol == "reference" else 0.5] * 4
