# SPDX-License-Identifier: Apache-2.0
"""A reproduction as a table for a terminal. Text out of a submission is sanitized."""

from __future__ import annotations

from mlperf_tiny.results.reproduce.differences import Difference
from mlperf_tiny.results.reproduce.reproduce import Reproduction
from mlperf_tiny.results.reproduce.result import Outcome, Reproduced
from mlperf_tiny.terminal import sanitize_for_terminal, text_table

HEAD = ("", "recorded", "reproduced", "difference", "verdict")
MAX_CELL = 56


def render_reproduction(reproduction: Reproduction) -> str:
    """Return one block for each result, then the count of outcomes."""
    blocks = [_block(result) for result in reproduction.results]
    blocks += [
        f"CANNOT BE REPRODUCED HERE  {sanitize_for_terminal(title)}\n  not a run of this program"
        for title in reproduction.others
    ]
    counts = {one: sum(result.outcome is one for result in reproduction.results) for one in Outcome}
    counts[Outcome.NOT_HERE] += len(reproduction.others)
    total = len(reproduction.results) + len(reproduction.others)
    words = ", ".join(f"{count} {one.text}" for one, count in counts.items() if count)
    return "\n\n".join([*blocks, f"{total} {'result' if total == 1 else 'results'}: {words}"])


def _block(result: Reproduced) -> str:
    lines = [
        f"{result.outcome.text.upper()}  {sanitize_for_terminal(result.title)}",
        f"  {sanitize_for_terminal(result.folder)}",
    ]
    if result.rows:
        lines.append(text_table([HEAD, *map(_cells, result.rows)], indent="  "))
    return "\n".join([*lines, *(f"  note: {sanitize_for_terminal(note)}" for note in result.notes)])


def _cells(row: Difference) -> tuple[str, ...]:
    return tuple(
        sanitize_for_terminal(text, MAX_CELL)
        for text in (row.name, row.recorded, row.reproduced, row.difference, row.verdict)
    )
