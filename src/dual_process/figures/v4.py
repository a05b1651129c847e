"""Figure V4: finetuning with probabilistic temporary forgetting teaches syllogisms about subjects never seen.

Stores of finetuning in, figure out; as figure V3, over the steps of finetuning and with a colour for each schedule of
the finetuning. Step 0 is the model before it.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import style, v3

VARIABLES = v3.VARIABLES


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """All metrics of the syllogism task along finetuning; columns as in figure V3."""
    return v3.frame(dataset, analysis="finetuning")


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    return v3.draw_syllogisms(numbers, x="finetuning step (left end: before)")
