"""Claims of figure 2: a language model learns to read unseen words from their context, and then loses it.

Stores of part-of-speech probes in, claims out, for vanilla training. The paper's MultiBERTs have 12 layers and were
trained for 2,000k steps; for other models its layer 7 becomes 7/12 of the layers, and its steps become shares of the
training: 20k, its first trained checkpoint, 1%; 500k a quarter; 1M a half. What comes before 1% is left out where
curves are compared, for an untrained model has no order. The last claims are ours: forgetting should keep what vanilla
training loses.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from dual_process.claims.verdict import Cell, Claim, Statement, cells, combine, end, judge

FIGURE = "fig2"
VARIABLES = ("part_of_speech",)
ABSENT = "checkpoints absent: this configuration names none for fig2; see config/naturalistic.yaml"
STRUCTURAL_SHARE = 7 / 12
TRAINED, QUARTER, HALF = 0.01, 0.25, 0.5
FORGETTING = ("active", "temporary", "probabilistic")
FREQUENCIES = {"head": "switch", "tail": "tail_switch"}
"""Set with exchanged words of each class of frequency."""


def evaluate(dataset: xr.Dataset) -> list[Claim]:
    """Judge every claim of the figure, separately for each series of checkpoints."""
    return [
        claim
        for cell in cells(dataset, FIGURE)
        for part in (_unseen, _gain, _preference, _forgetting)
        for claim in part(cell)
    ]


def num_layers(cell: Cell) -> int:
    """Layers of the models of a cell."""
    return int(cell.store.labels("layers")[cell.rows[0]])


def structural_layer(cell: Cell) -> int:
    """Layer that stands where layer 7 of 12 stands; as in the figure."""
    return round(STRUCTURAL_SHARE * num_layers(cell))


def within(curve: pd.Series, first: float, last: float) -> pd.Series:
    """Part of a curve between two shares of its last step, both included."""
    share = curve.index.to_numpy(float) / max(curve.index[-1], 1)
    return curve[(share >= first) & (share <= last)]


def forgetting(cell: Cell) -> list[str]:
    """Names of the schedules with forgetting that this cell has."""
    return [str(name) for kind in FORGETTING for name in cell.schedules(kind)["schedule"]]


def forgetting_keeps(
    cell: Cell, name: str, words: str, ends: Mapping[str, Mapping[int, float]], *, conditions: str
) -> Iterator[Claim]:
    """Claim for each schedule with forgetting that something ends .1 or more above vanilla training of the same seed.

    Parameters
    ----------
    cell
        The runs.
    name
        Start of the ids.
    words
        What ends higher.
    ends
        Values at the end by schedule and seed, those of vanilla training under the name of its schedule.
    conditions
        As in `judge`, without the schedule.
    """
    for schedule in forgetting(cell):
        pairs = combine(ends[schedule], ends[cell.names("vanilla")[0]])
        yield judge(
            cell,
            Statement(
                f"{name}.forgetting.above_vanilla",
                f"Under forgetting, {words} ends .1 or more above that of vanilla training (ours).",
                ">=",
                0.1,
            ),
            [own - vanilla for own, vanilla in pairs],
            conditions=f"{schedule} minus vanilla of the same seed, {conditions}",
            schedule=schedule,
            note="" if pairs else "no seed has both",
        )


def _curves(cell: Cell, evaluation: str, layer: int) -> dict[int, pd.Series]:
    vanilla = cell.names("vanilla")[0]
    return cell.curves("part_of_speech", vanilla, evaluation=evaluation, layer=layer)


def _largest(curve: pd.Series) -> float:
    """Largest value; NaN of nothing."""
    return float(curve.max()) if len(curve) else float("nan")


def _unseen(cell: Cell) -> Iterator[Claim]:
    deep, first = (_curves(cell, "unseen", layer) for layer in (structural_layer(cell), 0))
    conditions = f"vanilla, unseen words, layer {structural_layer(cell)} of {num_layers(cell)}"
    yield judge(
        cell,
        Statement(
            "F2.vanilla.unseen.rises",
            "In the first quarter of training, accuracy on unseen words at the structural layer rises to .65 or more.",
            ">=",
            0.65,
        ),
        [_largest(within(curve, 0, QUARTER)) for curve in deep.values()],
        conditions=f"{conditions}; value: largest in the first quarter",
    )
    yield judge(
        cell,
        Statement(
            "F2.vanilla.unseen.ends_at_chance",
            "Accuracy on unseen words at the structural layer ends at .55 or less.",
            "<=",
            0.55,
        ),
        [end(curve) for curve in deep.values()],
        conditions=conditions,
    )
    yield judge(
        cell,
        Statement(
            "F2.vanilla.unseen.layer_0_at_chance",
            "At layer 0, accuracy on unseen words stays within .06 of chance.",
            "<=",
            0.06,
        ),
        [_largest((curve - 0.5).abs()) for curve in first.values()],
        conditions="vanilla, unseen words, layer 0; value: largest distance from .5",
    )


def _gain(cell: Cell) -> Iterator[Claim]:
    gains = {name: _differences(cell, name) for name in FREQUENCIES}
    conditions = f"vanilla, layer {structural_layer(cell)} minus layer 0"
    leads = [within(tail - head, TRAINED, QUARTER) for tail, head in _pairs(gains["tail"], gains["head"])]
    yield judge(
        cell,
        Statement(
            "F2.vanilla.gain.tail_leads",
            "In the first quarter of training, rare words gain at least as much over layer 0 as frequent ones, always.",
            ">=",
            0.0,
        ),
        [float(curve.min()) if len(curve) else float("nan") for curve in leads],
        conditions=f"{conditions}; value: smallest lead of the tail from 1% to 25% of the steps",
    )
    for name, gain in gains.items():
        yield judge(
            cell,
            Statement(
                f"F2.vanilla.gain.{name}.fades",
                "In the second half of training, the gain over layer 0 is below .08.",
                "<",
                0.08,
            ),
            [_largest(within(curve, HALF, 1)) for curve in gain.values()],
            conditions=f"{conditions}, {name}; value: largest gain in the second half",
        )


def _differences(cell: Cell, evaluation: str) -> dict[int, pd.Series]:
    """Gain of the structural layer over layer 0, by seed."""
    deep, first = (_curves(cell, evaluation, layer) for layer in (structural_layer(cell), 0))
    return {seed: (deep[seed] - first[seed]).dropna() for seed in deep.keys() & first.keys()}


def _pairs(first: Mapping[int, pd.Series], second: Mapping[int, pd.Series]) -> list[tuple[pd.Series, pd.Series]]:
    """Curves of the seeds that both have."""
    return [(first[seed], second[seed]) for seed in sorted(first.keys() & second.keys())]


def _preference(cell: Cell) -> Iterator[Claim]:
    layer = structural_layer(cell)
    preferences = {
        name: {seed: within(1 - curve, TRAINED, 1) for seed, curve in _curves(cell, evaluation, layer).items()}
        for name, evaluation in FREQUENCIES.items()
    }
    conditions = f"vanilla, exchanged words, layer {layer} of {num_layers(cell)}"
    yield judge(
        cell,
        Statement(
            "F2.vanilla.preference.head_above_tail",
            "Frequent words are more often read by their weights than rare ones, always.",
            ">",
            0.0,
        ),
        [float((head - tail).min()) for head, tail in _pairs(preferences["head"], preferences["tail"])],
        conditions=f"{conditions}; value: smallest lead of the head from 1% of the steps on",
    )
    for name, curves in preferences.items():
        yield judge(
            cell,
            Statement(
                f"F2.vanilla.preference.{name}.rises", "The preference for what the weights know rises.", ">", 0.0
            ),
            [end(curve) - float(curve.iloc[0]) if len(curve) else np.nan for curve in curves.values()],
            conditions=f"{conditions}, {name}; value: end minus value at 1% of the steps",
        )


def _forgetting(cell: Cell) -> Iterator[Claim]:
    layer = structural_layer(cell)
    where = {"evaluation": "unseen", "layer": layer}
    ends = {name: cell.ends("part_of_speech", name, **where) for name in (*forgetting(cell), cell.names("vanilla")[0])}
    conditions = f"unseen words, layer {layer} of {num_layers(cell)}"
    yield from forgetting_keeps(
        cell, "F2", "accuracy on unseen words at the structural layer", ends, conditions=conditions
    )
