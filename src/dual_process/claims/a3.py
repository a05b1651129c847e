"""Claims of figure A3: syntax moves down with training too, but trees stay deep.

Stores of push-down probes in, claims out, for vanilla training: phrase bounds and dependency relations by linear
probes, depth and distance in the tree by structural ones (root accuracy and unlabelled attachment). The layer that
counts is the first with 95% of the best accuracy of its step. The paper's layer 5 of 12 becomes 5/12 of the depth;
steps as in A2.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.a2 import NOT_MEASURED, course, heatmaps, trained
from dual_process.claims.f2 import num_layers
from dual_process.claims.verdict import Cell, Claim, Statement, cells, end, judge
from dual_process.push_down_statistics import layer_of_share

FIGURE = "push_down"
ID = "A3"
VARIABLES = ("push_down", "structure")
ABSENT = "checkpoints absent: this configuration names none for push_down; see config/naturalistic.yaml"
LABELS = ("phrase_start", "phrase_end", "dep")
MEASURES = {"root_accuracy": "depth", "unlabelled_attachment": "distance"}
NEARLY = 0.95
DEEP = 5 / 12


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each series of checkpoints, label and measure of trees."""
    claims: list[Claim] = []
    for cell in cells(dataset, FIGURE):
        for label in LABELS:
            claims.append(_falls(cell, label, heatmaps(cell, "push_down", label=label)))
        for measure, name in MEASURES.items():
            tables = heatmaps(cell, "structure", measure=measure)
            claims += [_falls(cell, name, tables), *_stays_deep(cell, name, tables)]
    return claims


def nearly_best(table: pd.DataFrame) -> pd.Series:
    """First layer at each step with 95% of the best accuracy of that step."""
    first = layer_of_share(table.to_numpy(float), NEARLY)
    return pd.Series(table.columns.to_numpy()[first], table.index)


def _falls(cell: Cell, name: str, tables: dict[int, pd.DataFrame]) -> Claim:
    late = [trained(table) for table in tables.values()]
    values = [course(table, nearly_best(table)) if len(table) else float("nan") for table in late]
    return judge(
        cell,
        Statement(
            f"A3.vanilla.layer_falls.{name}",
            "The first layer with 95% of the best accuracy falls as training goes on.",
            "<",
            0.0,
        ),
        values,
        conditions=f"vanilla, {name}; value: rank correlation of this layer and step, 0 if the layer never changes",
        note="" if np.isfinite(values).any() else NOT_MEASURED,
    )


def _stays_deep(cell: Cell, name: str, tables: dict[int, pd.DataFrame]) -> Iterator[Claim]:
    layers = num_layers(cell)
    values = [end(nearly_best(table).astype(float)) / layers for table in tables.values()]
    yield judge(
        cell,
        Statement(
            f"A3.vanilla.stays_deep.{name}",
            "At the end, the first layer with 95% of the best accuracy still lies at 5/12 of the depth or above.",
            ">=",
            DEEP,
        ),
        values,
        conditions=f"vanilla, {name}; value: this layer as a share of {layers}",
        note="" if values else NOT_MEASURED,
    )
