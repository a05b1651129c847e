"""Coordinates along `run`: what a reader selects and groups by."""

from typing import Any

import numpy as np
import xarray as xr

from dual_process.runs import CohortPlan, RunPlan


def coordinates(cohort: CohortPlan, vocabularies: list[xr.Dataset]) -> dict[str, Any]:
    """Label every run of a cohort.

    Parameters
    ----------
    cohort
        Plan with the runs in order.
    vocabularies
        Vocabulary group of each run's data set; the task has put labels of its own into ``run_labels``.

    Returns
    -------
    dict
        Coordinate name to ``("run", values)``; a period, `forget_until`, probability or alpha that a run lacks is NaN,
        and so is the ambiguity of a task without such a thing.
    """
    rows = [_labels(run, cohort, vocabulary) for run, vocabulary in zip(cohort.runs, vocabularies, strict=True)]
    return {key: ("run", _column([row[key] for row in rows])) for key in rows[0]}


def _labels(run: RunPlan, cohort: CohortPlan, vocabulary: xr.Dataset) -> dict[str, Any]:
    schedule, law = run.schedule, run.distribution
    return {
        "run": run.name,
        **run.labels,
        "layers": cohort.model.layers,
        "law": law.law,
        "alpha": float(getattr(law, "alpha", 0.0 if law.law == "uniform" else np.nan)),
        "kind": schedule.kind,
        "period": float(getattr(schedule, "period", np.nan)),
        "forget_until": float(getattr(schedule, "forget_until", None) or np.nan),
        "probability": float(getattr(schedule, "probability", np.nan)),
        "seed": run.seed,
        "vocabulary": int(vocabulary.attrs["num_trained"]),
        "ambiguity": np.nan,
        **vocabulary.attrs["run_labels"],
    }


def _column(values: list[Any]) -> np.ndarray:
    return np.array(values, dtype=object if isinstance(values[0], str) else None)
