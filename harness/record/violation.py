# SPDX-License-Identifier: Apache-2.0
"""A broken rule as data, and the text of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

Value = str | int | float | None
"""What was found or needed; None for a metric that cannot be computed."""


class RuleId(str, Enum):
    """The rules of a single result, by the names that records hold."""

    FIVE_WINDOWS = "five windows"
    WINDOW_LENGTH = "windows of 10 s"
    WINDOW_ITERATIONS = "windows of 10 iterations"
    FIVE_INPUTS = "five inputs"
    QUALITY_TARGET = "quality target"
    ALL_FILES = "all listed files"
    LISTED_FILES = "listed files only"
    FILES_ONCE = "each file once"
    FILES_IN_ORDER = "files in order"
    OFFICIAL_LIST = "official file list"
    MODEL_ID = "model id equals task"
    REAL_DATA = "real data"
    NO_ERROR_LINES = "no error lines"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One rule that a result does not keep."""

    rule: RuleId
    """Which rule."""
    got: Value
    """What was found."""
    needed: Value
    """What the rule wants."""
    where: str = ""
    """Which windows, which metric, which task or which file."""

    @property
    def text(self) -> str:
        """The violation as a phrase.

        Examples:
            >>> Violation(rule=RuleId.WINDOW_LENGTH, got=9.6459, needed=10, where="window 3").text
            'shortest window 9.645 s (minimum 10 s): window 3'
        """
        return _TEXTS[self.rule](self)

    def to_json(self) -> dict[str, Value]:
        """Plain values for ``record.json``."""
        return {
            "rule": self.rule.value,
            "got": self.got,
            "needed": self.needed,
            "where": self.where,
            "text": self.text,
        }


def _seconds(seconds: Value) -> str:
    # Truncated: a window of 9.9996 s must not be printed as 10.000 s.
    assert isinstance(seconds, (int, float))
    return f"{int(seconds * 1000) / 1000:.3f}"


def _missing(violation: Violation) -> int:
    assert isinstance(violation.got, int) and isinstance(violation.needed, int)
    return violation.needed - violation.got


def _quality(violation: Violation) -> str:
    target = f"closed division target {violation.needed:g}"
    if violation.got is None:
        return f"{violation.where} cannot be computed from the answers ({target})"
    return f"{violation.where} {violation.got:.6g} ({target})"


_TEXTS: Mapping[RuleId, Callable[[Violation], str]] = {
    RuleId.FIVE_WINDOWS: lambda v: f"{v.got} windows ({v.needed} required)",
    RuleId.WINDOW_LENGTH: lambda v: f"shortest window {_seconds(v.got)} s (minimum {v.needed:g} s): {v.where}",
    RuleId.WINDOW_ITERATIONS: lambda v: f"shortest window {v.got} iterations (minimum {v.needed}): {v.where}",
    RuleId.FIVE_INPUTS: lambda v: f"windows on {v.got} different inputs ({v.needed} required)",
    RuleId.QUALITY_TARGET: _quality,
    RuleId.ALL_FILES: lambda v: f"{_missing(v)} of the {v.needed} listed files were not answered",
    RuleId.LISTED_FILES: lambda v: f"{v.got} answered files are not in the list, such as {v.where}",
    RuleId.FILES_ONCE: lambda v: f"{v.got} files were answered more than once, such as {v.where}",
    RuleId.FILES_IN_ORDER: lambda v: f"files were not answered in the order of the list: {v.got} for {v.needed}",
    RuleId.OFFICIAL_LIST: lambda v: f"the {v.got} files are not a complete official list of {v.needed}",
    RuleId.MODEL_ID: lambda v: f"the firmware is for {v.got!r}, task {v.where} needs {v.needed!r}",
    RuleId.REAL_DATA: lambda v: f"not rankable: {v.got} data",
    RuleId.NO_ERROR_LINES: lambda v: f"the device answered e-[{v.got}]",
}


def rules_text(violations: tuple[Violation, ...]) -> str:
    """Return what a summary prints of a result's violations.

    Examples:
        >>> rules_text(())
        'valid: no rule violations'
        >>> rules_text((Violation(rule=RuleId.REAL_DATA, got="synthetic", needed="real"),))
        'not rankable: synthetic data'
    """
    data = [violation.text for violation in violations if violation.rule is RuleId.REAL_DATA]
    others = [violation.text for violation in violations if violation.rule is not RuleId.REAL_DATA]
    lines = list(data)
    if others:
        count = f"{len(others)} rule violation{'s' if len(others) > 1 else ''}"
        lines.append(f"{count}: {'; '.join(others)}")
    return "\n".join(lines) or "valid: no rule violations"
