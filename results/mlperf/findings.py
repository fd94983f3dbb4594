# SPDX-License-Identifier: Apache-2.0
"""What a review finds on one result, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mlperf_tiny.results.mlperf.rule_sections import SECTION_OF_RULE

UNEXPECTED = (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What content that no check foresaw may raise: it becomes a finding on its result, and ends no other review."""


class Kind(Enum):
    """What a finding means for the verdict; a note means nothing for it."""

    VIOLATION = "violation"
    DEVIATION = "deviation"
    MISSING = "missing"
    NOTE = "note"


class Verdict(Enum):
    """The worst that was found, worst last. ``exit_code`` is the command's when no result is worse."""

    CONFIRMED = ("confirmed", 0)
    UNCONFIRMED = ("cannot be confirmed", 3)
    DEVIATES = ("deviates", 4)
    VIOLATION = ("rule violation", 5)

    def __init__(self, text: str, exit_code: int) -> None:
        self.text = text
        self.exit_code = exit_code


@dataclass(frozen=True)
class Finding:
    """One finding."""

    kind: Kind
    """What it means for the verdict."""
    rule: str
    """The rule or check it comes from."""
    text: str
    """One sentence."""
    cited: str = ""
    """Section that this finding rests on; "" for that of its rule."""

    @property
    def section(self) -> str:
        """Document and section that the finding rests on, or that no rule asks for it; "" in a leaderboard."""
        return self.cited or SECTION_OF_RULE.get(self.rule, "")


_VERDICTS = {
    Kind.VIOLATION: Verdict.VIOLATION,
    Kind.DEVIATION: Verdict.DEVIATES,
    Kind.MISSING: Verdict.UNCONFIRMED,
}


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict: the worst kind among the findings decides.

    Examples:
        >>> verdict_of([Finding(Kind.NOTE, "reading", "a folder was misspelt")]).text
        'confirmed'
    """
    verdicts = [_VERDICTS[finding.kind] for finding in findings if finding.kind in _VERDICTS]
    return max(verdicts, key=lambda verdict: verdict.exit_code, default=Verdict.CONFIRMED)
