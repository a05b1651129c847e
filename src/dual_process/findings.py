"""What a check has found, as one line."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Examples
    --------
    >>> print(Finding("ok", "disk", "120 GB free"))
    ok    disk: 120 GB free
    """

    verdict: Literal["ok", "warn", "do"]
    """"do" if nothing should be started before something was done."""
    check: str
    """What was looked at."""
    text: str
    """What was found, and what to do about it."""

    def __str__(self) -> str:
        """One line."""
        return f"{self.verdict:5} {self.check}: {self.text}"
