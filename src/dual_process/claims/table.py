"""Claims as a table for readers (Markdown) and for programs (JSON, csv)."""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields
from io import StringIO
from typing import get_args

from dual_process.claims.verdict import Claim, Verdict

PROTOCOL_ORDER = ("corrected", "reference")


def to_json(claims: Iterable[Claim], *, scale: str = "") -> str:
    """Write all claims with every field, and the scale of the runs, as a JSON list in the given order."""
    rows = [{"scale": scale, **asdict(claim)} for claim in claims]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(claims: Iterable[Claim], *, scale: str = "") -> str:
    """Write all claims with every field, and the scale of the runs, one line a claim."""
    text = StringIO()
    writer = csv.DictWriter(text, ["scale", *(field.name for field in fields(Claim))], lineterminator="\n")
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
        Counts of verdicts, then for each figure a heading that links to it and a table: a row per claim, and per
        protocol the verdict, the mean over seeds and the range of the seeds.
    """
    claims = list(claims)
    names = {claim.protocol for claim in claims}
    protocols = [name for name in PROTOCOL_ORDER if name in names] + sorted(names - set(PROTOCOL_ORDER))
    lines = [
        f"# Claims at scale {scale}" if scale else "# Claims",
        "",
        "Each cell: verdict, mean over seeds (smallest to largest seed).",
        "",
    ]
    lines += _row(["protocol", *get_args(Verdict)]) + _row(["---"] + ["---:"] * len(get_args(Verdict)))
    for protocol in protocols:
        counts = Counter(claim.verdict for claim in claims if claim.protocol == protocol)
        lines += _row([protocol, *(str(counts[verdict]) for verdict in get_args(Verdict))])
    for figure in sorted({claim.figure for claim in claims}):
        lines += ["", f"## [{figure}](figures/{figure}.pdf)", ""]
        lines += _row(["claim", "wanted", *protocols, "conditions", "notes", "id"])
        lines += _row(["---"] * (len(protocols) + 5))
        rows: dict[str, dict[str, Claim]] = {}
        for claim in claims:
            if claim.figure == figure:
                rows.setdefault(claim.id, {})[claim.protocol] = claim
        for claim_id, by_protocol in rows.items():
            first = next(iter(by_protocol.values()))
            verdicts = [_cell(by_protocol[name]) if name in by_protocol else "-" for name in protocols]
            wanted = f"{first.comparison} {first.threshold:g}"
            lines += _row([first.statement, wanted, *verdicts, first.conditions, _notes(by_protocol), f"`{claim_id}`"])
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> list[str]:
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"]


def _cell(claim: Claim) -> str:
    """Verdict with its numbers; what fails stands out."""
    if claim.value is None:
        return claim.verdict
    verdict = f"**{claim.verdict}**" if claim.verdict == "fails" else claim.verdict
    return f"{verdict}, {claim.value:.3f} ({claim.low:.3f} to {claim.high:.3f})"


def _notes(by_protocol: dict[str, Claim]) -> str:
    """Reasons, said once where all protocols share them."""
    reasons = {protocol: claim.reason for protocol, claim in by_protocol.items()}
    if len(set(reasons.values())) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"{protocol}: {reason}" for protocol, reason in reasons.items())
