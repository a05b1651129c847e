"""The table of claims, for readers and programs."""

import csv
import json
from dataclasses import replace
from io import StringIO

from dual_process.claims.table import LEGEND, to_csv, to_json, to_markdown
from dual_process.claims.verdict import ANY_PROTOCOL, Claim

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
    values=(0.25, 0.75),
    interval_low=0.2,
    interval_high=0.8,
)
FAILS = replace(
    HOLDS, protocol="corrected", value=0.1, low=0.1, high=0.1, verdict="fails", interval_low=None, interval_high=None
)
MISSING = replace(
    HOLDS,
    id="F4.b[any]",
    figure="fig4",
    value=None,
    low=None,
    high=None,
    verdict="not testable",
    reason="no | runs",
    values=(),
    interval_low=None,
    interval_high=None,
)
UNDRAWN = replace(
    MISSING, id="fig9.all", figure="fig9", protocol=ANY_PROTOCOL, comparison=None, threshold=None, statement="It glows."
)
CLAIMS = [HOLDS, FAILS, MISSING, UNDRAWN]

GOLDEN = f"""\
# Claims at scale quick

{LEGEND}

| protocol | holds | fails | not testable |
| --- | ---: | ---: | ---: |
| corrected | 0 | 1 | 0 |
| reference | 1 (1 close) | 0 | 1 |

## Where corrected and reference disagree

| claim | wanted | corrected | reference | conditions | notes | id |
| --- | --- | --- | --- | --- | --- | --- |
| It fades. | >= 0.25 | **fails**, 0.100 | holds (close), 0.500 [0.200, 0.800] | zipf-1.5; vanilla \
| mean over 2 seeds | `F3.a[zipf-1.5]` |

## [fig3](figures/fig3.pdf)

| claim | wanted | corrected | reference | conditions | notes | id |
| --- | --- | --- | --- | --- | --- | --- |
| It fades. | >= 0.25 | **fails**, 0.100 | holds (close), 0.500 [0.200, 0.800] | zipf-1.5; vanilla \
| mean over 2 seeds | `F3.a[zipf-1.5]` |

## [fig4](figures/fig4.pdf)

| claim | wanted | reference | conditions | notes | id |
| --- | --- | --- | --- | --- | --- |
| It fades. | >= 0.25 | not testable | zipf-1.5; vanilla | no \\| runs | `F4.b[any]` |

## Not testable with these runs

| figure | claims | missing |
| --- | --- | --- |
| fig9 | It glows. | no \\| runs |
"""


def test_markdown_is_grouped_by_figure_with_protocols_side_by_side() -> None:
    assert to_markdown(CLAIMS, scale="quick") == GOLDEN


def test_notes_name_the_protocol_where_they_differ() -> None:
    text = to_markdown([HOLDS, replace(FAILS, reason="mean over 1 seed")])
    assert "reference: mean over 2 seeds; corrected: mean over 1 seed" in text


def test_protocols_with_the_same_note_share_it() -> None:
    other = replace(FAILS, protocol="softened")
    text = to_markdown([HOLDS, FAILS, replace(other, reason="one seed")])
    assert "| reference, corrected: mean over 2 seeds; softened: one seed |" in text


def test_other_protocols_that_disagree_have_a_section_of_their_own() -> None:
    agreeing = replace(HOLDS, protocol="corrected")
    text = to_markdown([HOLDS, agreeing, replace(HOLDS, protocol="softened", verdict="fails")])
    assert "Where corrected and reference disagree" not in text
    section = text.split("## Where only other protocols disagree")[1].split("##")[0]
    assert "| claim | wanted | corrected | reference | softened |" in section
    assert "## Where" not in to_markdown([HOLDS, agreeing, replace(MISSING, id=HOLDS.id, protocol="softened")])


def test_numbers_of_steps_have_no_decimals() -> None:
    text = to_markdown([replace(HOLDS, value=150.0, interval_low=-50.0, interval_high=0.5)])
    assert "holds (close), 150 [-50, 0.500]" in text


def test_json_holds_every_field() -> None:
    rows = json.loads(to_json(CLAIMS, scale="quick"))
    assert [row.pop("scale") for row in rows] == ["quick"] * 4
    assert [Claim(**{**row, "values": tuple(row["values"])}) for row in rows] == CLAIMS


def test_csv_has_a_line_a_claim_and_leaves_missing_values_empty() -> None:
    rows = list(csv.DictReader(StringIO(to_csv(CLAIMS, scale="quick"))))
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert [row["value"] for row in rows] == ["0.5", "0.1", "", ""]
    assert [row["interval_high"] for row in rows] == ["0.8", "", "", ""]
    assert "values" not in rows[0]
    assert {row["scale"] for row in rows} == {"quick"}


def test_no_claims_give_a_table_without_figures() -> None:
    assert "##" not in to_markdown([])
    assert json.loads(to_json([])) == []
