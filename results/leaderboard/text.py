# SPDX-License-Identifier: Apache-2.0
"""A leaderboard as tables for a terminal, one for each ranking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from mlperf_tiny.results.leaderboard.ranking import Group, group_of
from mlperf_tiny.results.leaderboard.rows.columns import Row, number
from mlperf_tiny.results.leaderboard.titles import accuracy_of, group_title, row_title, task_title
from mlperf_tiny.terminal import sanitize_for_terminal

LONGEST_NAME = 58
LONGEST_REASON = 40
CLAIMED_MARK = "*"

Cell = Callable[[Row], str]


def render_leaderboard(rows: Sequence[Row]) -> str:
    """Return the tables of ranked rows, in their order; figures that no row of a table has make no column."""
    if not rows:
        return "no rows"
    tables = [_table(group, list(members)) for group, members in groupby(rows, key=group_of)]
    if any(CLAIMED_MARK in table for table in tables):
        tables.append(f"{CLAIMED_MARK} as claimed; it could not be computed anew")
    return "\n\n".join(tables)


def _table(group: Group, rows: list[Row]) -> str:
    places = sum(bool(row["Rank"]) for row in rows)
    accuracy = accuracy_of(group[0])
    columns: list[tuple[str, Cell, bool]] = [
        ("rank", lambda row: row["Rank"] or "-", True),
        ("system", lambda row: sanitize_for_terminal(row_title(row), LONGEST_NAME), False),
        ("latency, ms", _number("LatencyMs", 3, "LatencyBasis"), True),
        (
            accuracy.heading.lower() if accuracy.unit else accuracy.heading,
            _number("Accuracy", accuracy.decimals, "AccuracyBasis"),
            True,
        ),
        ("energy, uJ", _energy, True),
        ("RAM, bytes", _number("RamBytes", 0), True),
        ("flash, bytes", _number("FlashBytes", 0), True),
        ("verdict", _verdict, False),
    ]
    cells = [[cell(row) for _, cell, _ in columns] for row in rows]
    used = [n for n in range(len(columns)) if any(line[n] for line in cells)]
    widths = {n: max(len(columns[n][0]), *(len(line[n]) for line in cells)) for n in used}

    def aligned(words: Sequence[str]) -> str:
        parts = [words[n].rjust(widths[n]) if columns[n][2] else words[n].ljust(widths[n]) for n in used]
        return ("  " + "  ".join(parts)).rstrip()

    title = f"{task_title(group[0])} ({group[0] or '?'}), {group_title(group)}: {places} ranked of {len(rows)}"
    return "\n".join([title, "", aligned([heading for heading, _, _ in columns]), *map(aligned, cells)])


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
    return f"{row['Verdict']} ({sanitize_for_terminal(reason, LONGEST_REASON)})"
