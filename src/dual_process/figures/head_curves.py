"""Figure A4: which attention heads look at the previous token, at a repeated one, and at what came after it.

Stores of head scores in, figure out. Columns: pattern of attention; rows: largest and mean score over the heads of a
block, within schedule; colour: block. On sequences of random tokens that are repeated, after TransformerLens.
"""

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from dual_process.figures import curves, language, style
from dual_process.store import RUN_COLUMNS

VARIABLES = ("head_score", "steps_since_reset")
PATTERNS = {
    "previous": "previous token",
    "duplicate": "same token, earlier",
    "induction": "what followed it\n(induction)",
}
STATISTICS = {"maximum": "largest score", "mean": "mean score"}
ROW_HEIGHT, LEGEND_HEIGHT = 1.2, 1.15
LEGEND_COLUMNS = 6


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Largest and mean score over the heads of each block, in ``value``; ``statistic`` says which."""
    score = dataset["head_score"]
    both = {"maximum": score.max("head"), "mean": score.mean("head")}
    parts = [
        language.measured(dataset.assign(head_score=values), "head_score", analysis="attention_heads").assign(
            statistic=name
        )
        for name, values in both.items()
    ]
    joined = pd.concat(parts, ignore_index=True)
    return joined[["statistic", "pattern", "block", "run", *RUN_COLUMNS, "step", curves.PHASE, "value"]]


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    shown, title = language.first_setting(numbers)
    labels = style.schedule_labels(shown)
    patterns = [name for name in PATTERNS if name in set(shown["pattern"])]
    blocks = sorted(shown["block"].unique())
    names = {str(block): f"block {block}" for block in blocks}
    palette = dict(zip(names, style.ramp(len(names)), strict=True))
    rows = [(schedule, statistic) for schedule in labels for statistic in STATISTICS]
    figure = Figure(figsize=(style.WIDTH, ROW_HEIGHT * len(rows) + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(len(rows), len(patterns), sharex=True, sharey=True, squeeze=False)
    coloured = shown.assign(curve=shown["block"].astype(str))
    for (schedule, statistic), row in zip(rows, axes, strict=True):
        part = coloured[(coloured["schedule"] == schedule) & (coloured["statistic"] == statistic)]
        for pattern, panel in zip(patterns, row, strict=True):
            language.draw_lines(panel, part[part["pattern"] == pattern], palette)
            language.mark_end(panel, part)
        row[0].set_ylabel(language.row_label(labels[schedule] if len(labels) > 1 else "", STATISTICS[statistic]))
    for pattern, top, bottom in zip(patterns, axes[0], axes[-1], strict=True):
        top.set_title(PATTERNS[pattern])
        bottom.set_xlabel("training step")
    language.logarithmic(axes.flat, shown)
    handles = curves.colour_handles(palette, names)
    handles += [language.end_handle()] if shown["forget_until"].notna().any() else []
    handles += [curves.early_handle()] if curves.has_early(shown) else []
    language.add_legend(
        figure,
        handles,
        title="score: how much of a head's attention follows the pattern; " + language.seeds_text(shown),
        columns=LEGEND_COLUMNS,
    )
    if title:
        figure.suptitle(title, fontsize=8)
    return figure
