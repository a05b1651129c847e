"""Figure A15's claims: those of figure 4 under the name of this figure."""

from dataclasses import replace

import numpy as np

from dual_process.claims import a15, f4
from tests.builders import EVALUATIONS
from tests.grid_data import grid, planted

DATASET = planted(
    grid(
        distribution=["uniform", "zipf-1.5"],
        schedule=["vanilla", "active-10", "temporary-10-300", "temporary-10-500"],
        protocol=["corrected", "reference"],
        seed=[0, 1],
    ),
    lambda row, x, evaluation, metric: (
        np.nan_to_num(row["forget_until"], nan=900) / 1000 * EVALUATIONS.index(evaluation) / 4
    ),
)


def test_claims_are_those_of_figure_4_with_names_of_their_own() -> None:
    ours, theirs = a15.evaluate(DATASET), f4.evaluate(DATASET)
    assert ours
    assert {claim.figure for claim in ours} == {"a15"}
    for claim, model in zip(ours, theirs, strict=True):
        assert claim.id == model.id.replace("F4", "A15")
        assert replace(claim, id=model.id, figure=model.figure, reason=model.reason) == model


def test_what_is_missing_is_asked_of_this_figure_s_grids() -> None:
    claims = a15.evaluate(planted(grid(distribution=["zipf-1.5"]), lambda *_: 0.5))
    assert {claim.verdict for claim in claims} == {"not testable"}
    assert not [claim.reason for claim in claims if f4.FIGURE in claim.reason]
    assert any("the grids of a15 need" in claim.reason for claim in claims)
