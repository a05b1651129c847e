"""Figure V2: associative recall with active and temporary forgetting beside vanilla training.

Dataset of the probe store in, figure out. Columns: evaluation; rows: metric within distribution; colour: schedule.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import recall, style

VARIABLES = ("score", "steps_since_reset")


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all runs, whatever their schedule, one row per run, step, evaluation and metric."""
    return recall.numbers(dataset)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return recall.draw(numbers, hue="schedule")
