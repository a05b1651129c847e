"""Language runs carry the labels that every probe store has."""

import numpy as np

from dual_process.language.labels import run_frame
from dual_process.language_runs import LanguageRun, labels
from dual_process.store import RUN_COLUMNS, join_runs
from tests.builders import probe_dataset, run
from tests.language_plans import language_config

RUN = LanguageRun("tiny", "own", "active-4", 1)


def test_frame_has_every_column_and_the_phase_of_forgetting() -> None:
    frame = run_frame(labels(language_config(), RUN), steps=(1, 4, 5, 10), layers=3, vocabulary=200)
    assert set(frame.coords) == {"run", "step", *RUN_COLUMNS}
    assert frame["layers"].item() == 3
    assert frame["period"].item() == 4
    # The checkpoint of step 4 was taken before the reset of that step.
    np.testing.assert_array_equal(frame["steps_since_reset"].values, [[np.nan, np.nan, 1, 2]])


def test_frame_joins_with_runs_of_the_synthetic_study() -> None:
    frame = run_frame(labels(language_config(), RUN), steps=(1, 4), layers=3, vocabulary=200)
    synthetic = probe_dataset([run()])
    joined = join_runs([synthetic, frame], [RUN.name, run()["run"]], ["steps_since_reset"])
    assert joined["task"].values.tolist() == ["natural-language", "pos"]
