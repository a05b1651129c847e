"""Figure V1: associative recall by distribution, where in-context and in-weights learning can be told apart.

Dataset of the probe store in, figure out. Columns: evaluation; rows: metric within schedule, of which the grid of the
figure has vanilla alone; colour: distribution.
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
    return recall.draw(numbers, hue="distribution")
