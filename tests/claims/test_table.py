"""The table of claims, for readers and programs."""

import csv
import json
from dataclasses import replace
from io import StringIO

from dual_process.claims.table import to_csv, to_json, to_markdown
from dual_process.claims.verdict import Claim

HOLDS = Claim(
    id="F3.a[zipf-1.5]",
    figure="fig3",
    statement="It fades.",
    protocol="reference",
    conditions="zipf-1.5; vanilla",
    value=0.5,
    low=0.25,
    high=0.75,
    comparison=">=",
    threshold=0.25,
    verdict="holds",
    reason="mean over 2 seeds",
)
FAILS = replace(HOLDS, protocol="corrected", value=0.1, low=0.1, high=0.1, verdict="fails")
MISSING = replace(
    HOLDS, id="F4.b[any]", figure="fig4", value=None, low=None, high=None, verdict="not testable", reason="no | runs"
)
CLAIMS = [HOLDS, FAILS, MISSING]

GOLDEN = """\
# Claims at scale quick

Each cell: verdict, mean over seeds (smallest to largest seed).

| protocol | holds | fails | not testable |
| --- | ---: | ---: | ---: |
| corrected | 0 | 1 | 0 |
| reference | 1 | 0 | 1 |

## [fig3](figures/fig3.pdf)

| claim | wanted | corrected | reference | conditions | notes | id |
| --- | --- | --- | --- | --- | --- | --- |
| It fades. | >= 0.25 | **fails**, 0.100 (0.100 to 0.100) | holds, 0.500 (0.250 to 0.750) | zipf-1.5; vanilla \
| mean over 2 seeds | `F3.a[zipf-1.5]` |

## [fig4](figures/fig4.pdf)

| claim | wanted | corrected | reference | conditions | notes | id |
| --- | --- | --- | --- | --- | --- | --- |
| It fades. | >= 0.25 | - | not testable | zipf-1.5; vanilla | no \\| runs | `F4.b[any]` |
"""


def test_markdown_is_grouped_by_figure_with_protocols_side_by_side() -> None:
    assert to_markdown(CLAIMS, scale="quick") == GOLDEN


def test_notes_name_the_protocol_where_they_differ() -> None:
    text = to_markdown([HOLDS, replace(FAILS, reason="mean over 1 seed")])
    assert "reference: mean over 2 seeds; corrected: mean over 1 seed" in text


def test_json_holds_every_field() -> None:
    rows = json.loads(to_json(CLAIMS, scale="quick"))
    assert [row.pop("scale") for row in rows] == ["quick"] * 3
    assert [Claim(**row) for row in rows] == CLAIMS


def test_csv_has_a_line_a_claim_and_leaves_missing_values_empty() -> None:
    rows = list(csv.DictReader(StringIO(to_csv(CLAIMS, scale="quick"))))
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert [row["value"] for row in rows] == ["0.5", "0.1", ""]
    assert {row["scale"] for row in rows} == {"quick"}


def test_no_claims_give_a_table_without_figures() -> None:
    assert "##" not in to_markdown([])
    assert json.loads(to_json([])) == []
