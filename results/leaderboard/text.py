# SPDX-License-Identifier: Apache-2.0
"""A leaderboard as tables for a terminal, one for each ranking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlperf_tiny.results.leaderboard.ranking import GROUP, Group
from mlperf_tiny.results.leaderboard.rows.columns import Row, number
from mlperf_tiny.results.leaderboard.rows.frame import frame_of, rows_of
from mlperf_tiny.results.leaderboard.titles import accuracy_of, group_title, row_title, task_title
from mlperf_tiny.terminal import sanitize_for_terminal, text_table

if TYPE_CHECKING:
    import pandas as pd

MAX_NAME = 58
MAX_REASON = 40
CLAIMED_MARK = "*"

Cell = Callable[[Row], str]


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """A column of the printed table."""

    heading: str
    cell: Cell
    align: str = ">"
    """``<`` or ``>``."""


def render_leaderboard(rows: Sequence[Row]) -> str:
    """Return the tables of ranked rows, in their order; a column without any value in a table is left out."""
    if not rows:
        return "no rows"
    tables = [
        _table(tuple(map(str, group)), members) for group, members in frame_of(rows).groupby([*GROUP], sort=False)
    ]
    if any(CLAIMED_MARK in table for table in tables):
        tables.append(f"{CLAIMED_MARK} as claimed; could not be recomputed")
    return "\n\n".join(tables)


def _table(group: Group, rows: pd.DataFrame) -> str:
    records = rows_of(rows)
    columns = _columns(group[0])
    cells = [[column.cell(row) for row in records] for column in columns]
    used = [(column, texts) for column, texts in zip(columns, cells, strict=True) if any(texts)]
    lines = [[column.heading for column, _ in used], *zip(*(texts for _, texts in used), strict=True)]
    ranked = int((rows["Rank"] != "").sum())
    title = f"{task_title(group[0])} ({group[0] or '?'}), {group_title(group)}: {ranked} ranked of {len(rows)}"
    return f"{title}\n\n{text_table(lines, ''.join(column.align for column, _ in used), indent='  ')}"


def _columns(task: str) -> list[TextColumn]:
    accuracy = accuracy_of(task)
    return [
        TextColumn(heading="rank", cell=lambda row: row["Rank"] or "-"),
        TextColumn(heading="system", cell=lambda row: sanitize_for_terminal(row_title(row), MAX_NAME), align="<"),
        TextColumn(heading="latency, ms", cell=_number("LatencyMs", 3, "LatencyBasis")),
        TextColumn(
            heading=accuracy.heading.lower() if accuracy.unit else accuracy.heading,
            cell=_number("Accuracy", accuracy.decimals, "AccuracyBasis"),
        ),
        TextColumn(heading="energy, uJ", cell=_energy),
        TextColumn(heading="RAM, bytes", cell=_number("RamBytes", 0)),
        TextColumn(heading="flash, bytes", cell=_number("FlashBytes", 0)),
        TextColumn(heading="verdict", cell=_verdict, align="<"),
    ]


def _number(name: str, decimals: int, basis: str = "") -> Cell:
    def cell(row: Row) -> str:
        value = number(row, name)
        mark = CLAIMED_MARK if basis and row[basis] == "claimed" else ""
        return "" if value is None else f"{value:,.{decimals}f}{mark}"

    return cell


def _energy(row: Row) -> str:
    """Energy of one inference, measured or modelled; of a stream, its power."""
    value = number(row, "EnergyUj")
    if value is None:
        return f"{float(row['Power']):,.2f} mW" if row["PowerUnit"] == "mW" and row["HasPower"] == "True" else ""
    mark = CLAIMED_MARK if row["EnergyBasis"] == "claimed" else ""
    return f"{value:,.1f}{' modelled' if row['EnergyKind'] == 'modelled' else mark}"


def _verdict(row: Row) -> str:
    reason = row["Unranked"]
    if not reason or reason == row["Verdict"]:
        return row["Verdict"]
    return f"{row['Verdict']} ({sanitize_for_terminal(reason, MAX_REASON)})"
