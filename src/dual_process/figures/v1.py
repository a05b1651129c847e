"""Figure V1: associative recall under vanilla training, where in-context and in-weights learning can be told apart.

Dataset of the probe store in, figure out. Columns: evaluation; rows: metric; colour: distribution.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import recall, style

VARIABLES = ("score", "steps_since_reset")
KINDS = ("vanilla",)


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all vanilla runs, one row per run, step, evaluation and metric."""
    return recall.numbers(dataset, kinds=KINDS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return recall.draw(numbers, hue="distribution")
