"""Claims of figure A13: the middle layers of a language model read unseen words from their context early, none late.

Stores of part-of-speech probes in, claims out, for vanilla training. The paper's layers 6 to 9 of 12 become those
between 1/2 and 3/4 of the depth, its 200k of 2,000k steps the first tenth of the training. The last claims are ours.
"""

from collections.abc import Iterator

import pandas as pd
import xarray as xr

from dual_process.claims.f2 import forgetting, forgetting_keeps, num_layers, within
from dual_process.claims.verdict import Cell, Claim, Statement, cells, end, judge

FIGURE = "a13"
VARIABLES = ("part_of_speech",)
ABSENT = "checkpoints absent: this configuration names none for a13; see config/naturalistic.yaml"
EARLY = 0.1
MIDDLE = (1 / 2, 3 / 4)


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each series of checkpoints."""
    return [claim for cell in cells(dataset, FIGURE) for part in (_vanilla, _forgetting) for claim in part(cell)]


def middle_layers(layers: int) -> list[int]:
    """Layers that stand where 6 to 9 of 12 stand; the only layer of a model with one.

    Examples
    --------
    >>> [middle_layers(layers) for layers in (1, 2, 4, 6, 12)]
    [[1], [1], [2, 3], [3, 4], [6, 7, 8, 9]]
    """
    low, high = MIDDLE
    return [layer for layer in range(layers + 1) if low * layers <= layer <= high * layers] or [layers]


def _by_seed(cell: Cell, schedule: str) -> dict[int, dict[int, pd.Series]]:
    """Curve of each layer on unseen words, by seed."""
    found: dict[int, dict[int, pd.Series]] = {}
    for layer in range(num_layers(cell) + 1):
        for seed, curve in cell.curves("part_of_speech", schedule, evaluation="unseen", layer=layer).items():
            found.setdefault(seed, {})[layer] = curve
    return found


def _vanilla(cell: Cell) -> Iterator[Claim]:
    middle = middle_layers(num_layers(cell))
    curves = _by_seed(cell, cell.names("vanilla")[0])
    words = ", ".join(map(str, middle))
    yield judge(
        cell,
        Statement(
            "A13.vanilla.middle_layers_rise",
            "In the first tenth of training, accuracy on unseen words exceeds .7 at every middle layer.",
            ">",
            0.7,
        ),
        [
            min(float(within(layers[layer], 0, EARLY).max()) for layer in middle if layer in layers)
            for layers in curves.values()
        ],
        conditions=f"vanilla, unseen words, layers {words} of {num_layers(cell)}; value: lowest of their peaks",
    )
    yield judge(
        cell,
        Statement(
            "A13.vanilla.all_layers_end_at_chance",
            "Accuracy on unseen words ends at .55 or less at every layer.",
            "<=",
            0.55,
        ),
        [max(end(curve) for curve in layers.values()) for layers in curves.values()],
        conditions=f"vanilla, unseen words, layers 0 to {num_layers(cell)}; value: highest layer",
    )


def _forgetting(cell: Cell) -> Iterator[Claim]:
    ends = {
        name: {seed: max(end(curve) for curve in layers.values()) for seed, layers in _by_seed(cell, name).items()}
        for name in (*forgetting(cell), cell.names("vanilla")[0])
    }
    yield from forgetting_keeps(
        cell, "A13", "the best layer's accuracy on unseen words", ends, conditions="unseen words, best layer at the end"
    )
