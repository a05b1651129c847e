"""Figure A10: unseen tokens whose embeddings come from elsewhere, by forgetting schedule.

Dataset of the probe store in, figure out. Rows: distribution within metric; columns: where the rows of the unseen
tokens come from; colour: schedule.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import by_schedule, grids, style

VARIABLES = ("score", "steps_since_reset")
EVALUATIONS = ("unseen", "unseen_uniform", "unseen_normal", "unseen_mean")


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all runs, one row per run, step, evaluation and metric.

    Raises
    ------
    ValueError
        If no run has unseen tokens of another kind than the model's own.
    """
    frame = grids.score_frame(dataset, EVALUATIONS)
    if set(frame["evaluation"]) == {"unseen"}:
        raise ValueError(
            "no run has scores for unseen_uniform, unseen_normal or unseen_mean; add a task with unseen_variants to "
            "the grids of this figure and these sets to probing.evaluations"
        )
    return frame


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return by_schedule.draw(numbers, EVALUATIONS)
