"""Chi-square tests of drawn ids against a law, by scipy."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

LEAST_EXPECTED = 5
"""Cells with a smaller expected count are pooled into one."""


@pytest.fixture(scope="session")
def p_value() -> Callable[[NDArray[np.integer], NDArray[np.floating]], float]:
    """Return the function that gives the p-value of `drawn` under `law`, the probability of each id.

    An id that the law forbids makes it 0.
    """

    def test(drawn: NDArray[np.integer], law: NDArray[np.floating]) -> float:
        counts = np.bincount(drawn, minlength=len(law))
        if len(counts) > len(law) or counts[law == 0].any():
            return 0.0
        expected = law / law.sum() * len(drawn)
        rare = expected < LEAST_EXPECTED
        cells = [(counts[~rare], expected[~rare])]
        if expected[rare].sum() >= LEAST_EXPECTED:
            cells.append((counts[rare].sum(keepdims=True), expected[rare].sum(keepdims=True)))
        observed, wanted = (np.concatenate(parts) for parts in zip(*cells, strict=True))
        assert len(observed) > 1, "too few draws to test anything"
        return float(chisquare(observed, wanted * (observed.sum() / wanted.sum())).pvalue)

    return test
