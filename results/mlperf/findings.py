# SPDX-License-Identifier: Apache-2.0
"""What a review finds on one result, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from mlperf_tiny.results.mlperf.rule_sections import SECTION_OF_RULE

UNEXPECTED = (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What content that no check foresaw may raise: it becomes a finding on its result, and ends no other review."""


MAX_TEXT = 2000
MAX_OF_KIND = 100


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


def bounded(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings on one result with texts of bounded length, and of each kind a bounded number.

    The verdict stays: of a kind with more of them one finding says how many.
    """
    kept = []
    for kind in Kind:
        of_kind = [replace(row, text=_cut(row.text)) for row in findings if row.kind is kind]
        if len(of_kind) > MAX_OF_KIND:
            last = of_kind[MAX_OF_KIND - 1]
            more = f"and {len(of_kind) - MAX_OF_KIND + 1:,} more, the first of them: {last.text}"
            of_kind[MAX_OF_KIND - 1 :] = [replace(last, text=_cut(more))]
        kept.append(of_kind)
    if sum(map(len, kept)) == len(findings):
        return tuple(replace(row, text=_cut(row.text)) for row in findings)  # in their order
    return tuple(row for of_kind in kept for row in of_kind)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


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
