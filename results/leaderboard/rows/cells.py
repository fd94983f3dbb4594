# SPDX-License-Identifier: Apache-2.0
"""Texts of a submission as cells: on one line, harmless to a spreadsheet, and several findings in one cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlperf_tiny.errors import RecordError
from mlperf_tiny.results.leaderboard.rows.columns import TOO_LARGE, CellKind, Column
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.terminal import sanitize_for_terminal

MAX_CELL = 1000
MAX_FINDINGS = 50
MAX_FINDING = 400
BETWEEN = " | "

# Spreadsheets take a cell that begins so for a formula; a tab or line end before it does not stop them.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?")
_SIGNED = re.compile(r"[+-]\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?")


def plain(text: str, limit: int = MAX_CELL) -> str:
    """Return ``text`` on one line: spaces for line ends, other unprintable characters as escapes.

    Args:
        text: Any text.
        limit: The most characters to return.
    """
    return sanitize_for_terminal(" ".join(text.split()), limit)


def escape_formula(cell: str) -> str:
    """Return ``cell`` so that a spreadsheet shows it as text: an apostrophe before what would begin a formula.

    Cells that begin with apostrophes before such a character get one more, so that ``unescape_formula`` can undo it.

    Examples:
        >>> escape_formula("=1+1"), escape_formula("-1.5"), unescape_formula("'=1+1")
        ("'=1+1", '-1.5', '=1+1')
    """
    return "'" + cell if _FORMULA.match(cell) and not _SIGNED.fullmatch(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the text that ``escape_formula`` made ``cell`` from."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def check_cell(column: Column, cell: str) -> None:
    """Check a cell against its column.

    Args:
        column: What the cell must be.
        cell: An empty one is a missing value and passes.

    Raises:
        RecordError: Names the column, the cell and what is needed.
    """
    if not cell:
        return
    kind = column.kind
    if kind is CellKind.CHOICE:
        good, wanted = cell in column.choices, f"one of {', '.join(column.choices)}"
    elif kind is CellKind.WHOLE:
        good, wanted = re.fullmatch(r"\d{1,18}", cell) is not None, "a whole number"
    elif kind is CellKind.NUMBER:
        good = _NUMBER.fullmatch(cell) is not None and abs(float(cell)) < TOO_LARGE
        wanted = f"a number below {TOO_LARGE:g}"
    elif kind is CellKind.HEX:
        good, wanted = re.fullmatch(r"[0-9a-f]{1,64}", cell) is not None, "hex digits"
    else:
        good = len(cell) <= MAX_FINDINGS * MAX_FINDING and cell.isprintable()
        wanted = "printable text on one line"
    if not good:
        raise RecordError(f"{column.name} is '{sanitize_for_terminal(cell, 80)}', wanted {wanted}")


def findings_cell(findings: Sequence[Finding]) -> str:
    """Return the findings that count for the verdict, as one cell."""
    counting = [finding for finding in findings if finding.kind is not Kind.NOTE]
    texts = []
    for finding in counting[:MAX_FINDINGS]:
        text = plain(finding.text.replace("|", "/"), MAX_FINDING)
        rule = f" [{finding.rule}]" if finding.rule else ""
        texts.append(f"{finding.kind.value}: {text}{rule}")
    if len(counting) > MAX_FINDINGS:
        worst = max(counting[MAX_FINDINGS:], key=lambda finding: -list(Kind).index(finding.kind))
        texts.append(f"{worst.kind.value}: and {len(counting) - MAX_FINDINGS} more")
    return BETWEEN.join(texts)


def findings_in(cell: str) -> list[tuple[str, str]]:
    """Return kind and text of each finding of a cell; the kind is "" where it is unknown."""
    found = []
    for part in cell.split(BETWEEN) if cell else []:
        kind, colon, text = part.partition(": ")
        known = colon and kind in {kind.value for kind in Kind}
        found.append((kind, text) if known else ("", part))
    return found
