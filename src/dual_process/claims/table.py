"""Claims as a table for readers (Markdown) and for programs (JSON, csv)."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from io import StringIO
from typing import get_args

from dual_process.claims.verdict import ANY_PROTOCOL, Claim, Verdict

PROTOCOL_ORDER = ("corrected", "reference")
LARGE = 10
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
LEGEND = (
    "Each cell: verdict, mean over seeds and, in brackets, its 95% interval over resampled seeds and evaluation "
    'sequences. "close": the threshold lies within the interval, so other seeds could turn the verdict. '
    "claims.csv has the smallest and largest seed too, claims.json every seed."
)

Row = dict[str, Claim]
"""One claim by protocol."""


def to_json(claims: Iterable[Claim], *, scale: str = "") -> str:
    """Write all claims with every field, and the scale of the runs, as a JSON list in the given order."""
    rows = [{"scale": scale, **asdict(claim)} for claim in claims]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(claims: Iterable[Claim], *, scale: str = "") -> str:
    """Write all claims and the scale of the runs, one line a claim; the values of single seeds are left out."""
    text = StringIO()
    columns = ["scale", *(field.name for field in fields(Claim) if field.name != "values")]
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({"scale": scale, **asdict(claim)} for claim in claims)
    return text.getvalue()


def to_markdown(claims: Iterable[Claim], *, scale: str = "") -> str:
    """Lay out the claims by figure, with a column for each protocol.

    Parameters
    ----------
    claims
        Verdicts of any figures and protocols.
    scale
        Name of the scale of the runs, for the heading.

    Returns
    -------
    str
        Counts of verdicts, then the claims on which protocols disagree, then for each figure a heading that links to it
        and a table with a row per claim, and last the figures that could not be tested at all.
    """
    claims = list(claims)
    judged = [claim for claim in claims if claim.protocol != ANY_PROTOCOL]
    figures: dict[str, dict[str, Row]] = {}
    for claim in judged:
        figures.setdefault(claim.figure, {}).setdefault(claim.id, {})[claim.protocol] = claim
    rows = [row for by_id in figures.values() for row in by_id.values()]
    lines = [f"# Claims at scale {scale}" if scale else "# Claims", "", LEGEND, ""]
    lines += _counts(judged) + _disagreements(rows)
    for figure, by_id in figures.items():
        lines += ["", f"## [{figure}](figures/{figure}.pdf)", "", *_table(list(by_id.values()))]
    untested = [claim for claim in claims if claim.protocol == ANY_PROTOCOL]
    if untested:
        lines += ["", "## Not testable with these runs", "", *_line(["figure", "claims", "missing"]), *_rule(3)]
        lines += [line for claim in untested for line in _line([claim.figure, claim.statement, claim.reason])]
    return "\n".join(lines) + "\n"


def _counts(claims: Sequence[Claim]) -> list[str]:
    """Number of verdicts by protocol; those close to the threshold in brackets."""
    lines = _line(["protocol", *VERDICTS]) + _line(["---"] + ["---:"] * len(VERDICTS))
    for protocol in _protocols(claims):
        cells = []
        for verdict in VERDICTS:
            found = [claim for claim in claims if claim.protocol == protocol and claim.verdict == verdict]
            close = sum(map(_is_close, found))
            cells.append(f"{len(found)}" + (f" ({close} close)" if close else ""))
        lines += _line([protocol, *cells])
    return lines


def _disagreements(rows: Sequence[Row]) -> list[str]:
    """Claims that hold under one protocol and fail under another: first the two main ones, then all others."""
    main = [row for row in rows if _disagree([row[name] for name in PROTOCOL_ORDER if name in row])]
    others = [row for row in rows if row not in main and _disagree(row.values())]
    lines = []
    if main:
        lines += ["", f"## Where {' and '.join(PROTOCOL_ORDER)} disagree", "", *_table(main, PROTOCOL_ORDER)]
    if others:
        lines += ["", "## Where only other protocols disagree", "", *_table(others)]
    return lines


def _disagree(claims: Iterable[Claim]) -> bool:
    return {"holds", "fails"} <= {claim.verdict for claim in claims}


def _table(rows: Sequence[Row], protocols: Sequence[str] = ()) -> list[str]:
    """Lay out one claim a line; only the protocols that occur have a column."""
    protocols = protocols or _protocols([claim for row in rows for claim in row.values()])
    lines = _line(["claim", "wanted", *protocols, "conditions", "notes", "id"]) + _rule(len(protocols) + 5)
    for row in rows:
        first = next(iter(row.values()))
        cells = [_cell(row[name]) if name in row else "-" for name in protocols]
        wanted = "" if first.threshold is None else f"{first.comparison} {first.threshold:g}"
        lines += _line([first.statement, wanted, *cells, first.conditions, _notes(row), f"`{first.id}`"])
    return lines


def _protocols(claims: Iterable[Claim]) -> list[str]:
    names = {claim.protocol for claim in claims}
    return [name for name in PROTOCOL_ORDER if name in names] + sorted(names - set(PROTOCOL_ORDER))


def _line(cells: Iterable[str]) -> list[str]:
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"]


def _rule(num_columns: int) -> list[str]:
    return _line(["---"] * num_columns)


def _cell(claim: Claim) -> str:
    """Verdict with its numbers; what fails stands out."""
    if claim.value is None:
        return claim.verdict
    text = f"**{claim.verdict}**" if claim.verdict == "fails" else claim.verdict
    text += f"{' (close)' if _is_close(claim) else ''}, {_number(claim.value)}"
    if claim.interval_low is None or claim.interval_high is None:
        return text
    return f"{text} [{_number(claim.interval_low)}, {_number(claim.interval_high)}]"


def _number(value: float) -> str:
    """Three decimals for shares; none for numbers of steps."""
    return f"{value:.3f}" if abs(value) < LARGE else f"{value:.0f}"


def _is_close(claim: Claim) -> bool:
    """Whether the threshold lies within the interval."""
    if claim.interval_low is None or claim.interval_high is None or claim.threshold is None:
        return False
    return claim.interval_low <= claim.threshold <= claim.interval_high


def _notes(row: Mapping[str, Claim]) -> str:
    """Reasons, each said once with the protocols that share it."""
    protocols: dict[str, list[str]] = {}
    for protocol, claim in row.items():
        protocols.setdefault(claim.reason, []).append(protocol)
    if len(protocols) == 1:
        return next(iter(protocols))
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in protocols.items())
