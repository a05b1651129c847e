"""Rows of the word embedding in their first two principal components: their table, and a panel for each run shown.

Legend: a panel is the first seed of a distribution and protocol (row) and a schedule (column) at its last analysis
step; a dot is a token, its colour the token's role.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from dual_process.figures import columns, curves, probe_panels, selection, style

Key = tuple[str, str, str]
"""Distribution, protocol and schedule."""

KEY = ["distribution", "protocol", "schedule"]
COLUMNS = ["step", "token", "role", "component_1", "component_2", "explained_1", "explained_2"]
"""What `cloud_frame` has besides the coordinates of a run."""
MAX_TOKENS = 1200
"""Most tokens of a role in a cloud: more would neither be told apart nor fit a table of many runs."""
MAX_COLUMNS = 6
LINE_HEIGHT = 0.12


def cloud_frame(dataset: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the rows, for the first measured seed of each distribution, schedule and protocol.

    Parameters
    ----------
    dataset
        Probe store of one task, model and training.

    Returns
    -------
    pandas.DataFrame
        One row per run and token: the coordinates of the run, ``step`` (the last analysis step), ``token``, ``role``,
        ``component_1``, ``component_2`` in embedding units and their shares of the variance ``explained_1``,
        ``explained_2``. Empty if nothing was measured.
    """
    table = selection.run_table(dataset).assign(run=dataset["run"].values.astype(object))
    here = dataset["embedding_coordinates"].notnull().any(["analysis_step", "token", "component"])
    firsts = table[here.values].sort_values("seed").groupby(KEY).head(1).sort_index()
    clouds = [_cloud_of_run(dataset.isel(run=index)).merge(table.loc[[index]], how="cross") for index in firsts.index]
    return pd.concat(clouds, ignore_index=True) if clouds else pd.DataFrame(columns=[*table.columns, *COLUMNS])


def _cloud_of_run(run: xr.Dataset) -> pd.DataFrame:
    """Coordinates of the rows of one run at its last analysis step, for the roles that are drawn."""
    coordinates = run["embedding_coordinates"].sel(component=[1, 2]).transpose("analysis_step", "token", "component")
    last = np.flatnonzero(coordinates.notnull().any(["token", "component"]))[-1]
    values = coordinates.isel(analysis_step=last).values
    explained = run["explained_variance"].isel(analysis_step=last)
    frame = pd.DataFrame({"step": int(run["analysis_step"][last]), "token": run["token"].values})
    frame["role"] = selection.roles(run).to_numpy()
    for column in (0, 1):
        frame[f"component_{column + 1}"] = values[:, column].astype(float).round(curves.DECIMALS)
        frame[f"explained_{column + 1}"] = round(float(explained.sel(component=column + 1)), curves.DECIMALS)
    frame = frame[frame["role"].isin(list(style.ROLE_COLOURS))].dropna(subset="component_1")
    return frame.sample(frac=1, random_state=0).groupby("role").head(MAX_TOKENS).sort_values("token")


class CloudGrid:
    """Which cloud stands where, and how they are drawn.

    Parameters
    ----------
    numbers
        Rows of `cloud_frame`, at least one.
    num_lines
        Lines of text below a panel.
    """

    def __init__(self, numbers: pd.DataFrame, *, num_lines: int = 1) -> None:
        self.numbers = numbers
        self.clouds: dict[Key, pd.DataFrame] = {
            (str(distribution), str(protocol), str(schedule)): rows
            for (distribution, protocol, schedule), rows in numbers.groupby(KEY)
        }
        self.pages = columns.pages([[name] for name in style.schedule_order(numbers)], MAX_COLUMNS)
        self.num_columns = max(map(len, self.pages))
        self.rows = [
            (page, distribution, protocol)
            for page in self.pages
            for distribution in style.distribution_order(numbers)
            for protocol in style.protocol_order(numbers)
            if any((distribution, protocol, schedule) in self.clouds for schedule in page)
        ]
        widest = 2.0 if len(self.rows) == 1 else 1.3
        panel = min(widest, (style.WIDTH - 0.5) / self.num_columns)
        titles = len(self.pages) * max(title.count("\n") + 1 for title in self._titles().values())
        self.height = len(self.rows) * (panel + 0.1 + LINE_HEIGHT * num_lines) + titles * LINE_HEIGHT
        """Of all panels, in inches."""

    def _titles(self) -> dict[str, str]:
        return columns.schedule_titles(self.numbers, self.num_columns)

    def draw(self, figure: Figure | SubFigure, notes: Mapping[Key, str] | None = None) -> None:
        """Draw all panels, with the shares of the variance and then a note below each."""
        axes = figure.subplots(len(self.rows), self.num_columns, squeeze=False)
        labels, titles = style.distribution_labels(self.numbers), self._titles()
        several = self.numbers["protocol"].nunique() > 1
        previous: list[str] = []
        for (page, distribution, protocol), row in zip(self.rows, axes, strict=True):
            for schedule, panel in zip(page, row, strict=False):
                key = distribution, protocol, schedule
                if key in self.clouds:
                    _draw_cloud(panel, self.clouds[key], notes[key] if notes else "")
                else:
                    probe_panels.blank(panel, "not measured")
                if page is not previous:
                    panel.set_title(titles[schedule], fontsize=7)
            for panel in row[len(page) :]:
                panel.set_axis_off()
            row[0].set_ylabel(labels[distribution] + (f"\n{protocol}" if several else ""))
            previous = page

    def text(self) -> str:
        """Say what the panels show."""
        seeds, steps = (sorted({int(value) for value in self.numbers[name]}) for name in ("seed", "step"))
        is_sample = self.numbers.groupby([*KEY, "role"]).size().max() == MAX_TOKENS
        return (
            f"rows of the word embedding, {_list('seed', seeds)}, {_list('step', steps)}"
            + (f", at most {MAX_TOKENS:,} tokens of a role" if is_sample else "")
            + ", in their first two principal components;\nbelow each panel: their shares of the variance"
        )


def _draw_cloud(axes: Axes, points: pd.DataFrame, note: str) -> None:
    """Scatter the rows of one run, in random order so that no role hides another."""
    shuffled = points.sample(frac=1, random_state=0)
    shade = shuffled["role"].map(style.ROLE_COLOURS)
    axes.scatter(
        shuffled["component_1"], shuffled["component_2"], s=2, c=shade, alpha=0.6, linewidths=0, rasterized=True
    )
    first = points.iloc[0]
    words = f"{first['explained_1']:.1%}, {first['explained_2']:.1%}"
    axes.set_xlabel(f"{words}\n{note}" if note else words, labelpad=1)
    axes.set(xticks=[], yticks=[])


def role_handles() -> list[Line2D]:
    """Legend entries of the roles."""
    return [
        Line2D([], [], color=colour, marker="o", markersize=3.5, linestyle="", label=role)
        for role, colour in style.ROLE_COLOURS.items()
    ]


def _list(word: str, values: list[int]) -> str:
    return f"{word}{'s' if len(values) > 1 else ''} {', '.join(map(str, values))}"
