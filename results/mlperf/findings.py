# SPDX-License-Identifier: Apache-2.0
"""What a review says about one result: findings, and the verdict they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a finding means for the verdict; a note means nothing for it."""

    BREACH = "breach"
    DEVIATION = "deviation"
    MISSING = "missing"
    NOTE = "note"


class Verdict(Enum):
    """The worst that was found, worst last. ``exit_code`` is the command's when no result is worse."""

    CONFIRMED = ("confirmed", 0)
    UNCONFIRMED = ("cannot be confirmed", 3)
    DEVIATES = ("deviates", 4)
    BREAKS = ("breaks a rule", 5)

    def __init__(self, text: str, exit_code: int) -> None:
        self.text = text
        self.exit_code = exit_code


@dataclass(frozen=True)
class Finding:
    """One sentence; ``rule`` names the rule or check it comes from."""

    kind: Kind
    rule: str
    text: str


_VERDICTS = {Kind.BREACH: Verdict.BREAKS, Kind.DEVIATION: Verdict.DEVIATES, Kind.MISSING: Verdict.UNCONFIRMED}


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict: the worst kind among the findings decides."""
    verdicts = [_VERDICTS[finding.kind] for finding in findings if finding.kind in _VERDICTS]
    return max(verdicts, key=lambda verdict: verdict.exit_code, default=Verdict.CONFIRMED)
