"""Figure A11: accuracy with exchanged classes, token by token, against how often the token was a query in training.

Dataset of the probe store in, figure out. One panel per metric, distribution and schedule: a light scatter of tokens of
one run, means of all tokens over bins of the count, and Spearman's rank correlation with an interval from resampled
tokens.
"""

from collections.abc import Iterator
from zlib import crc32

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from dual_process.figures import curves, grids, selection, style

VARIABLES = ("token_accuracy", "training_queries")
TOKEN, BIN, CORRELATION = "token", "bin", "correlation"
BINS_PER_DECADE = 2
NEVER = 0.3
"""Where a token that was never asked stands on the logarithmic axis."""
MAX_SCATTERED = 300
NUM_RESAMPLES = 400
INTERVAL = (2.5, 97.5)
"""Percentiles of the resampled correlations."""
UNDEFINED = np.full(1 + NUM_RESAMPLES, np.nan)
"""Correlation and resamples where all counts or all accuracies are equal."""
MAX_COLUMNS, LETTER_WIDTH, CORRELATION_LETTERS = 4, 0.054, 22
"""Most panels side by side; fewer where the names of protocols make titles longer. A letter's width is in inches."""
PANEL_HEIGHT, LINE_HEIGHT, LEGEND_HEIGHT = 1.05, 0.13, 0.9


def numbers(dataset: xr.Dataset) -> pd.DataFrame:
    """Everything that is drawn, for one task, model and training.

    Returns
    -------
    pandas.DataFrame
        ``quantity`` says what a row is. "bin": mean ``accuracy`` of a run's tokens whose number of training queries
        lies in one bin, at its geometric centre ``queries``, and ``num_tokens``. "token": ``queries`` and ``accuracy``
        of one ``token``, at most 300 of the first seed. "correlation": Spearman's ``value`` of each run and, without
        ``run`` and ``seed``, the mean over the seeds, both with the interval from ``low`` to ``high``.

    Raises
    ------
    ValueError
        If accuracy by token was not measured in any run.
    """
    chosen, title = selection.first_setting(dataset)
    runs = selection.run_table(chosen).assign(title=title)
    runs.insert(0, "run", chosen["run"].values.astype(object))
    tokens = pd.concat([_tokens_of_run(chosen, index) for index in range(len(runs))], ignore_index=True)
    if tokens.empty:
        raise ValueError(
            "no run has accuracies by token; add a task with rank_frequency_sequences to the grids of this figure and "
            "rank_frequency to probing.analyses"
        )
    runs = runs[runs["run"].isin(tokens["run"])]
    parts = {
        BIN: runs.merge(_bins(tokens), on="run"),
        TOKEN: runs.merge(_sample(tokens, runs), on="run"),
        CORRELATION: _correlations(tokens, runs),
    }
    joined = pd.concat([part.assign(quantity=name) for name, part in parts.items()], ignore_index=True)
    own = ["metric", "queries", "accuracy", "num_tokens", "token", "value", "low", "high"]
    return joined.reindex(columns=["quantity", *runs.columns, *own]).round(curves.DECIMALS)


def _tokens_of_run(dataset: xr.Dataset, index: int) -> pd.DataFrame:
    """Count and accuracy of every token of one run that was asked, by metric."""
    here = dataset.isel(run=index)
    frames = [
        pd.DataFrame(
            {
                "token": here["token"].values,
                "queries": here["training_queries"].values.astype(float),
                "accuracy": here["token_accuracy"].sel(metric_by_token=metric).values.astype(float),
            }
        ).assign(metric=metric, run=str(here["run"].values))
        for metric in style.METRIC_LABELS
    ]
    return pd.concat(frames).dropna(subset=["accuracy", "queries"])


def _bins(tokens: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy of each run by bin of the count; tokens that were never asked have a bin of their own."""
    index = np.floor(BINS_PER_DECADE * np.log10(tokens["queries"].clip(lower=1)))
    centre = (10 ** ((index + 0.5) / BINS_PER_DECADE)).where(tokens["queries"] > 0, NEVER)
    grouped = tokens.assign(queries=centre).groupby(["run", "metric", "queries"])["accuracy"]
    return grouped.agg(["mean", "size"]).reset_index().rename(columns={"mean": "accuracy", "size": "num_tokens"})


def _sample(tokens: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Some tokens of the first seed under the first protocol, for each distribution and schedule."""
    first = runs[runs["protocol"] == style.protocol_order(runs)[0]].sort_values("seed")
    names = first.drop_duplicates(["distribution", "schedule"])["run"]
    shuffled = tokens[tokens["run"].isin(names)].sample(frac=1, random_state=0)
    return shuffled.groupby(["run", "metric"]).head(MAX_SCATTERED).sort_values(["run", "metric", "token"])


def _correlations(tokens: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Correlation of each run, and its mean over the seeds of each distribution, schedule and protocol."""
    resampled = {key: spearman_resampled(part, key[0]) for key, part in tokens.groupby(["run", "metric"])}
    rows = []
    for _, members in runs.groupby(["distribution", "schedule", "protocol"]):
        for metric in style.METRIC_LABELS:
            values = {row["run"]: resampled[row["run"], metric] for _, row in members.iterrows()}
            rows += [row.to_dict() | _interval(values[row["run"]], metric) for _, row in members.iterrows()]
            mean = np.mean([each for each in values.values() if np.isfinite(each[0])] or [UNDEFINED], axis=0)
            rows.append(members.iloc[0].drop(["run", "seed"]).to_dict() | _interval(mean, metric))
    return pd.DataFrame(rows)


def _interval(values: np.ndarray, metric: str) -> dict[str, object]:
    """Value and interval of a correlation and its resamples, leaving out those that are not defined."""
    defined = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(defined, INTERVAL) if len(defined) else (np.nan, np.nan)
    return {"metric": metric, "value": values[0], "low": low, "high": high}


def spearman_resampled(tokens: pd.DataFrame, name: str) -> np.ndarray:
    """Spearman's correlation of ``queries`` and ``accuracy``, and of resamples of the tokens.

    Parameters
    ----------
    tokens
        One row per token.
    name
        Seeds the resampling.

    Returns
    -------
    numpy.ndarray
        Shape (1 + `NUM_RESAMPLES`,), the tokens as they are first; NaN where either is constant.
    """
    rng = np.random.default_rng(crc32(name.encode()))
    rows = np.vstack([np.arange(len(tokens)), rng.integers(0, len(tokens), (NUM_RESAMPLES, len(tokens)))])
    ranks = [_ranks(tokens[column].to_numpy(), rows) for column in ("queries", "accuracy")]
    x, y = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.full(len(rows), np.nan), where=scale > 0)


def _ranks(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Ranks of ``values[row]`` for each of `rows`, equal values sharing the mean of theirs; sorted only once."""
    _, place = np.unique(values, return_inverse=True)
    counts = [np.bincount(place[row], minlength=place.max() + 1) for row in rows]
    return np.stack([(np.cumsum(n) - (n - 1) / 2)[place[row]] for n, row in zip(counts, rows, strict=True)])


@style.paper_style()
def draw(numbers: pd.DataFrame) -> Figure:
    """Draw what `numbers` returned, or its csv read again."""
    schedules, labels = grids.schedule_labels(numbers), style.distribution_labels(numbers)
    palette, dashes = style.schedule_colours(numbers), style.protocol_dashes(numbers)
    num_columns = _num_columns(len(schedules), list(dashes))
    rows = list(_rows(numbers, list(schedules), num_columns))
    row_height = PANEL_HEIGHT + LINE_HEIGHT * (1 + len(dashes))
    figure = Figure(figsize=(style.WIDTH, row_height * len(rows) + LEGEND_HEIGHT), layout="constrained")
    axes = figure.subplots(len(rows), num_columns, sharex=True, sharey=True, squeeze=False)
    limits = NEVER / 1.6, numbers["queries"].max() * 1.6
    for (metric, distribution, names), row in zip(rows, axes, strict=True):
        for name, panel in zip(names, row, strict=False):
            chosen = (numbers["metric"] == metric) & (numbers["distribution"] == distribution)
            cell = numbers[chosen & (numbers["schedule"] == name)]
            _draw_panel(panel, cell, palette[name], dashes)
            _finish(panel, limits=limits, chance=metric == "two_way")
            title = schedules[name].replace(", ", ",\n") if num_columns == MAX_COLUMNS else schedules[name]
            panel.set_title("\n".join([title, *_correlation_lines(cell, list(dashes))]), fontsize=7)
        for panel in row[len(names) :]:
            panel.set_axis_off()
        row[0].set_ylabel(f"{labels[distribution]}\n{style.METRIC_LABELS[metric]}")
        for panel in row[: len(names)]:
            panel.tick_params(labelbottom=True)
    for panel in axes[-1]:
        panel.set_xlabel("training queries of the token")
    handles = curves.colour_handles(palette, schedules) + curves.protocol_handles(dashes) + [curves.chance_handle()]
    lines = curves.band_text(numbers[numbers["quantity"] == BIN]).replace("lines:", "lines: tokens by bin,")
    rho = "\N{GREEK SMALL LETTER RHO}: Spearman's correlation over tokens, 95% interval"
    title = f"{lines}; dots: some tokens of one run\n{rho}"
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), title=title)
    legend.get_title().set_multialignment("center")
    left_out = numbers["title"].iloc[0]
    if isinstance(left_out, str) and left_out:
        figure.suptitle(left_out, fontsize=8)
    return figure


def _num_columns(num_schedules: int, protocols: list[str]) -> int:
    """As many panels side by side as their titles leave room for, evenly spread over the rows."""
    longest = CORRELATION_LETTERS + (max(map(len, protocols)) if len(protocols) > 1 else 0)
    most = min(MAX_COLUMNS, max(1, int(0.93 * style.WIDTH / (LETTER_WIDTH * longest))))
    num_rows = -(-num_schedules // most)
    return -(-num_schedules // num_rows)


def _rows(numbers: pd.DataFrame, schedules: list[str], num_columns: int) -> Iterator[tuple[str, str, list[str]]]:
    """Metric, distribution and schedules of each row of panels."""
    for metric in style.METRIC_LABELS:
        for distribution in style.distribution_order(numbers):
            for start in range(0, len(schedules), num_columns):
                yield metric, distribution, schedules[start : start + num_columns]


def _draw_panel(axes: Axes, cell: pd.DataFrame, colour: str, dashes: dict[str, tuple[float, ...]]) -> None:
    if cell.empty:
        grids.not_measured(axes)
    dots = cell[cell["quantity"] == TOKEN]
    axes.plot(dots["queries"].clip(lower=NEVER), dots["accuracy"], ".", color=style.GREY, alpha=0.25, markersize=2)
    for protocol, pattern in dashes.items():
        bins = cell[(cell["quantity"] == BIN) & (cell["protocol"] == protocol)]
        table = bins.groupby("queries")["accuracy"].agg(["mean", "min", "max"])
        line = axes.plot(table.index, table["mean"], marker="o", markersize=2.5, color=colour)[0]
        if pattern:
            line.set_dashes(pattern)
        axes.fill_between(table.index, table["min"], table["max"], color=colour, alpha=0.25, linewidth=0)


def _correlation_lines(cell: pd.DataFrame, protocols: list[str]) -> list[str]:
    """Words for the mean over seeds of the correlation, a line per protocol."""
    rows = cell[(cell["quantity"] == CORRELATION) & cell["run"].isna()].set_index("protocol")
    lines = []
    for name in protocols:
        label = f"{name}: " if len(protocols) > 1 else ""
        value, low, high = rows.loc[name, ["value", "low", "high"]] if name in rows.index else (np.nan,) * 3
        interval = f" [{grids.short(low)}, {grids.short(high)}]" if np.isfinite(low) else ""
        words = f"\N{GREEK SMALL LETTER RHO} = {grids.short(value)}{interval}".replace("-", "\N{MINUS SIGN}")
        lines.append(label + (words if np.isfinite(value) else "equal accuracies, no correlation"))
    return lines


def _finish(axes: Axes, *, limits: tuple[float, float], chance: bool) -> None:
    axes.set_xscale("log")
    axes.set(xlim=limits, ylim=(-0.06, 1.06))
    powers = [10.0**power for power in range(int(np.log10(limits[1])) + 1)]
    axes.xaxis.set_major_locator(FixedLocator([NEVER, *powers[:: 1 + len(powers) // 5]]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value < 1 else f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    if chance:
        axes.axhline(curves.CHANCE, color=style.BLACK, linewidth=0.8, linestyle=":", zorder=0)
