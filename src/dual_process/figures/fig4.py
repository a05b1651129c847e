"""Figure 4: temporary forgetting, by the step N at which it ends, between the vanilla and the active reference.

Dataset of the probe store in, figure out. Rows: distribution within metric; columns: evaluation; colour: schedule.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import by_schedule, curves, style

VARIABLES = ("score", "steps_since_reset")
KINDS = ("vanilla", "active", "temporary")
EVALUATIONS = ("unseen", "switch", "tail_switch", "val")


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Accuracies of all vanilla, active and temporary runs, one row per run, step, evaluation and metric."""
    return curves.score_frame(dataset, kinds=KINDS, evaluations=EVALUATIONS)


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return by_schedule.draw(numbers, EVALUATIONS)
