"""What every figure shares: sizes, colours, line styles, orders and human labels.

Input is a tidy table of plotted numbers with the columns of `store.RUN_COLUMNS`; output is names in drawing order and
their colours and labels. Colours are those of Okabe and Ito, told apart with the common kinds of colour blindness.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

WIDTH = 7.0
"""Width of a double-column figure, in inches."""
PDF_METADATA = {"CreationDate": None}
"""Pass as ``metadata`` to ``savefig`` so that the same numbers give the same bytes."""

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
GREY, BLACK = "#7F7F7F", "#000000"
DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (5, 1, 1, 1), (3, 1, 1, 1, 1, 1), (1, 1))
LAW_ORDER = ("uniform", "zipf", "two-level")
KIND_ORDER = ("vanilla", "active", "temporary", "probabilistic", "drift")
PROTOCOL_ORDER = ("corrected", "reference")

METRIC_LABELS = {"exact_match": "exact match", "two_way": "two-way"}
EVALUATION_LABELS = {"unseen": "unseen", "switch": "head switch", "tail_switch": "tail switch", "val": "validation"}
ROLE_COLOURS = {"noun": COLOURS[0], "adjective": COLOURS[1], "unseen": COLOURS[2]}

RC: dict[Any, Any] = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "legend.columnspacing": 1.4,
    "legend.handlelength": 1.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.1,
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "dual_process",
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Style of this package, whatever the user's; draw within it and save within it.

    Ticks are made and fonts embedded only when a figure is saved, so saving outside would mix two styles.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def distribution_order(numbers: pd.DataFrame) -> list[str]:
    """Names of the distributions: uniform, Zipf by exponent, two-level, others."""
    unique = numbers.drop_duplicates("distribution")
    key = unique["law"].map({law: i for i, law in enumerate(LAW_ORDER)}).fillna(len(LAW_ORDER))
    unique = unique.assign(key=key).sort_values(["key", "alpha", "distribution"])
    return [str(name) for name in unique["distribution"]]


def schedule_order(numbers: pd.DataFrame) -> list[str]:
    """Names of the schedules: vanilla, active by period, temporary by end and period, others."""
    unique = numbers.drop_duplicates("schedule")
    key = unique["kind"].map({kind: i for i, kind in enumerate(KIND_ORDER)}).fillna(len(KIND_ORDER))
    unique = unique.assign(key=key).sort_values(["key", "forget_until", "period", "schedule"])
    return [str(name) for name in unique["schedule"]]


def protocol_order(numbers: pd.DataFrame) -> list[str]:
    """Names of the protocols: corrected, reference, others by name."""
    present = [str(name) for name in numbers["protocol"].unique()]
    return [name for name in PROTOCOL_ORDER if name in present] + sorted(set(present) - set(PROTOCOL_ORDER))


def distribution_labels(numbers: pd.DataFrame) -> dict[str, str]:
    """Human label of each distribution; for a Zipf law, its exponent."""
    unique = numbers.drop_duplicates("distribution").set_index("distribution")
    labels = {}
    for name in distribution_order(numbers):
        is_zipf = unique.at[name, "law"] == "zipf"
        labels[name] = f"Zipf \N{GREEK SMALL LETTER ALPHA} = {unique.at[name, 'alpha']:g}" if is_zipf else name
    return labels


def schedule_labels(numbers: pd.DataFrame) -> dict[str, str]:
    """Human label of each schedule, such as "temporary, every 50 steps until 600"."""
    unique = numbers.drop_duplicates("schedule").set_index("schedule")
    labels = {}
    for name in schedule_order(numbers):
        kind, period, until = unique.loc[name, ["kind", "period", "forget_until"]]
        label = name if kind in ("probabilistic", "drift") else str(kind)
        label += f", every {int(period)} steps" if pd.notna(period) else ""
        labels[name] = label + (f" until {int(until)}" if pd.notna(until) else "")
    return labels


def colours(names: Sequence[str]) -> list[str]:
    """Return a colour for each name, all different."""
    if len(names) <= len(COLOURS):
        return list(COLOURS[: len(names)])
    return ramp(len(names))


def ramp(num_colours: int) -> list[str]:
    """Ordered colours, dark to light, none too light for white paper; the last is the same however many there are."""
    colour_map = mpl.colormaps["viridis"]
    return [mpl.colors.to_hex(colour_map(position)) for position in np.linspace(0.85, 0.1, num_colours)[::-1]]


def distribution_colours(numbers: pd.DataFrame) -> dict[str, str]:
    """Colour of each distribution; uniform is grey."""
    laws = numbers.drop_duplicates("distribution").set_index("distribution")["law"]
    names = distribution_order(numbers)
    others = [name for name in names if laws[name] != "uniform"]
    chosen = dict(zip(others, colours(others), strict=True))
    return {name: chosen.get(name, GREY) for name in names}


def schedule_colours(numbers: pd.DataFrame) -> dict[str, str]:
    """Colour of each schedule: vanilla grey, one active black, the rest on the ramp by end of forgetting.

    So the longest temporary forgetting looks the same in a figure of its own and beside shorter ones.
    """
    kinds = numbers.drop_duplicates("schedule").set_index("schedule")["kind"]
    names = schedule_order(numbers)
    active = [name for name in names if kinds[name] == "active"]
    fixed = {name: GREY for name in names if kinds[name] == "vanilla"} | {name: BLACK for name in active[:1]}
    others = [name for name in names if name not in fixed]
    chosen = fixed | dict(zip(others, ramp(len(others)), strict=True))
    return {name: chosen[name] for name in names}


def protocol_dashes(numbers: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    """Dashes of each protocol; the one with the most runs is a solid line."""
    counts = numbers.groupby("protocol")["run"].nunique()
    order = sorted(protocol_order(numbers), key=lambda name: -counts[name])
    return {name: DASHES[index % len(DASHES)] for index, name in enumerate(order)}
