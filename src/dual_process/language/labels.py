"""Frame of every store of measurements on language models: the same coordinates as those of the synthetic study."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from dual_process.language_runs import TASK, Labels
from dual_process.schedules import steps_since_reset


def run_frame(labels: Labels, *, steps: Sequence[int], layers: int, vocabulary: int) -> xr.Dataset:
    """Dataset of one run without measurements.

    Parameters
    ----------
    labels
        What readers select by; the corpus stands as the distribution, the series of checkpoints as the model.
    steps
        Optimizer steps of the checkpoints.
    layers
        Transformer layers of the model.
    vocabulary
        Word pieces that the model knows.

    Returns
    -------
    xarray.Dataset
        Dimensions ``run`` (one) and ``step``, the coordinates `dual_process.store.RUN_COLUMNS` along ``run``, and
        ``steps_since_reset`` (run, step), NaN before any reset.
    """
    schedule = labels.schedule
    columns = {
        "run": labels.run,
        "task": TASK,
        "model": labels.checkpoints,
        "layers": layers,
        "training": labels.training,
        "distribution": labels.corpus,
        "law": "corpus",
        "alpha": np.nan,
        "vocabulary": vocabulary,
        "ambiguity": np.nan,
        "schedule": labels.schedule_name,
        "kind": schedule.kind,
        "period": float(getattr(schedule, "period", np.nan)),
        "forget_until": float(getattr(schedule, "forget_until", None) or np.nan),
        "probability": float(getattr(schedule, "probability", np.nan)),
        "protocol": labels.protocol,
        "seed": labels.seed,
    }
    coords = {
        name: ("run", np.array([value], object if isinstance(value, str) else None)) for name, value in columns.items()
    }
    since = steps_since_reset(schedule, max(steps, default=0), steps)[None].astype(np.float32)
    variables = {"steps_since_reset": (("run", "step"), since, {"units": "steps"})}
    return xr.Dataset(variables, {**coords, "step": ("step", np.asarray(steps, np.int64), {"units": "steps"})})
