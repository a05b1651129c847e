"""Figure A1: the part-of-speech task, its four templates and what the evaluation sets put into them. No data.

The templates are written out here, since figures know no tasks; a test compares them with the task. All positions are
in inches.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from dual_process.figures import style

VARIABLES: tuple[str, ...] = ()
TEMPLATES = (
    (("copula", "adjective", "noun"), "adjective", ("adjective", "adjective", "adjective")),
    (("copula", "adjective", "noun"), "noun", ("adjective", "noun", "noun")),
    (("noun", "copula", "adjective"), "noun", ("adjective", "noun", "noun")),
    (("noun", "copula", "adjective"), "adjective", ("adjective", "adjective", "adjective")),
)
"""Statement, query and targets, as slots."""
EVALUATIONS = (
    ("validation", "adjective, as in training", "noun, as in training", "A: right", "A: right"),
    ("head switch", "noun by the law", "adjective by the law", "A: right", "N: wrong"),
    ("tail", "adjective of the rarest tenth", "noun of the rarest tenth", "A: right", "A: right, if learned"),
    ("tail switch", "noun of the rarest tenth", "adjective of the rarest tenth", "A: right", "N: wrong, if learned"),
    ("unseen", "token never trained on", "token never trained on", "A: right", "none: chance"),
)
"""Name, tokens in slots A and N, first target by the in-context rule (the token after the copula) and in weights."""
COLUMN_TITLES = ("evaluation set", "slot A holds", "slot N holds", "in-context rule", "in-weights rule")
COLUMNS = (0.15, 1.2, 3.0, 4.75, 5.75)
"""Left edges of the columns of the lower part."""
SLOT_COLOURS = {**{name: style.ROLE_COLOURS[name] for name in ("noun", "adjective")}, "copula": style.GREY}
SLOT_TEXTS = {"noun": "N", "adjective": "A", "copula": "cop", "mask": ""}
SLOT_WORDS = {"noun": "slot N", "adjective": "slot A", "copula": "copula", "mask": "mask"}
POSITIONS = (1.35, 1.75, 2.15, 2.75, 3.35, 3.75, 4.15)
TARGET_POSITIONS = (5.25, 5.65, 6.05)
BOX_WIDTH, BOX_HEIGHT, LINE = 0.34, 0.24, 0.19
HEIGHT = 3.62


@style.paper_style()
def draw() -> Figure:
    """Draw templates above, evaluation sets below."""
    figure = Figure(figsize=(style.WIDTH, HEIGHT))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, style.WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    _draw_templates(axes, top=HEIGHT - 0.15)
    _draw_evaluations(axes, top=1.4)
    return figure


def _draw_templates(axes: Axes, *, top: float) -> None:
    titles = {0.15: "template", 1.58: "statement", 2.63: "query", 3.59: "masks", 5.46: "targets"}
    for x, word in titles.items():
        axes.text(x, top, word, va="center", fontweight="bold")
    for number, (statement, query, targets) in enumerate(TEMPLATES):
        y = top - 0.3 - 0.34 * number
        axes.text(0.15, y, f"{number + 1} (one in four)", va="center")
        _draw_slots(axes, POSITIONS, y, [*statement, query, "mask", "mask", "mask"])
        axes.annotate("", (4.95, y), (4.45, y), arrowprops={"arrowstyle": "->", "linewidth": 0.8})
        _draw_slots(axes, TARGET_POSITIONS, y, targets)
    y = top - 0.3 - 0.34 * len(TEMPLATES) - 0.05
    for x, slot in zip((1.35, 2.35, 3.35, 4.35), SLOT_WORDS, strict=True):
        _draw_slots(axes, [x], y, [slot])
        axes.text(x + 0.25, y, SLOT_WORDS[slot], va="center")


def _draw_slots(axes: Axes, positions: Sequence[float], y: float, slots: Sequence[str]) -> None:
    for x, slot in zip(positions, slots, strict=True):
        is_mask = slot == "mask"
        box = FancyBboxPatch(
            (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2),
            BOX_WIDTH,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.04",
            facecolor="white" if is_mask else SLOT_COLOURS[slot],
            edgecolor=style.BLACK if is_mask else "none",
            linewidth=0.6,
        )
        axes.add_patch(box)
        colour = style.BLACK if slot == "adjective" else "white"
        axes.text(x, y - 0.005, SLOT_TEXTS[slot], ha="center", va="center", color=colour, fontweight="bold")


def _draw_evaluations(axes: Axes, *, top: float) -> None:
    for number, row in enumerate([COLUMN_TITLES, *EVALUATIONS]):
        for x, text in zip(COLUMNS, row, strict=True):
            axes.text(x, top - LINE * number, text, va="center", fontweight="bold" if number == 0 else "normal")
    axes.hlines(top - LINE / 2, COLUMNS[0], style.WIDTH - 0.15, color=style.BLACK, linewidth=0.6)
    note = (
        "The rules differ at the first target alone, for the second and third repeat the query. In context: the token "
        "after the copula.\nIn weights: the token of the statement that is known as an adjective."
    )
    axes.text(COLUMNS[0], top - LINE * (len(EVALUATIONS) + 1.35), note, va="center", linespacing=1.3)
