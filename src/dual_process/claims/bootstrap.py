"""Intervals for the values of claims: how far they would move with other seeds and other evaluation sequences.

Probe store and the claims of one figure in, the same claims with a 95% percentile interval out. In a replicate
sequences are resampled first: an accuracy p over n sequences becomes p + z sqrt(p (1 - p) / n), with one normal deviate
z for each run, evaluation and metric, since a run answers the same sequences at every step. Then every claim is
evaluated anew, so that a choice such as "the best schedule" is made anew too, and its seeds are drawn with replacement.
Seeds differ by their sequences too, so that noise counts more than once: the interval is wide where sequences decide,
and, as for any few resampled values, narrow where two or three seeds do. Losses, linear probes and all else that is no
mean of right and wrong answers are resampled by seed only.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from zlib import crc32

import numpy as np
import xarray as xr

from dual_process.claims.verdict import DECIMALS, Claim

REPLICATES = 200
PERCENTILES = (2.5, 97.5)
OUTCOMES = ("exact_match", "exact_match_same_group", "two_way", "context_top_one", "copied")
"""Metrics that are means of right (1) and wrong (0) answers."""
ADDED = 2
"""Right and wrong answers added before the spread is taken (Agresti and Coull): an accuracy of 1 is not certain."""
SEQUENCES = "num_sequences"

Evaluate = Callable[[xr.Dataset], list[Claim]]


def with_intervals(evaluate: Evaluate, dataset: xr.Dataset, *, name: str, replicates: int = REPLICATES) -> list[Claim]:
    """Evaluate claims and give each value an interval.

    Parameters
    ----------
    evaluate
        From a probe store to claims.
    dataset
        Probe store; without the coordinate ``num_sequences`` along ``evaluation`` only seeds are resampled.
    name
        Of the figure; the random numbers depend on it alone.
    replicates
        How often to resample.

    Returns
    -------
    list
        Claims of `dataset` in their order. A claim of one seed, in which nothing is resampled, has no interval.
    """
    stream = np.random.Generator(np.random.Philox(crc32(name.encode())))
    claims, spread = evaluate(dataset), _spread(dataset)
    means: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(replicates):
        drawn = claims if spread is None else evaluate(_resample_sequences(dataset, spread, stream))
        for claim in drawn:
            if claim.values:
                seeds = stream.integers(len(claim.values), size=len(claim.values))
                means[claim.id, claim.protocol].append(sum(claim.values[seed] for seed in seeds) / len(seeds))
    return [_with_interval(claim, means[claim.id, claim.protocol]) for claim in claims]


def _with_interval(claim: Claim, means: list[float]) -> Claim:
    if claim.value is None or np.ptp(means) == 0:
        return claim
    low, high = (round(float(value), DECIMALS) for value in np.percentile(means, PERCENTILES))
    return replace(claim, interval_low=low, interval_high=high)


def _spread(dataset: xr.Dataset) -> xr.DataArray | None:
    """Standard error of each accuracy over sequences, 0 for what is no accuracy; None if there are none at all."""
    if "score" not in dataset or SEQUENCES not in dataset.coords:
        return None
    score, count = dataset["score"], dataset[SEQUENCES].astype(np.float32)
    share = (score.clip(0, 1) * count + ADDED) / (count + 2 * ADDED)
    error = (share * (1 - share) / count) ** 0.5
    return error.where(score["metric"].isin(OUTCOMES), 0).fillna(0).transpose(*score.dims)


def _resample_sequences(dataset: xr.Dataset, spread: xr.DataArray, stream: np.random.Generator) -> xr.Dataset:
    """Move every accuracy by its deviate, within 0 and 1; what has no spread stays as it is."""
    score, error = dataset["score"], spread.values
    shape = [1 if dim == "step" else score.sizes[dim] for dim in score.dims]
    moved = score.values + error * stream.standard_normal(shape, dtype=np.float32)
    return dataset.assign(score=score.copy(data=np.where(error > 0, np.clip(moved, 0, 1), score.values)))
