"""Figure A15: figure 4 for further settings of temporary forgetting, such as a short period.

Dataset of the probe store in, figure out. Rows: distribution within metric; columns: evaluation; colour: schedule.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import by_schedule, grids, style

VARIABLES = ("score", "steps_since_reset")
EVALUATIONS = ("unseen", "switch", "tail_switch", "val")


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all runs, one row per run, step, evaluation and metric."""
    return grids.score_frame(dataset, EVALUATIONS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return by_schedule.draw(numbers, EVALUATIONS)
