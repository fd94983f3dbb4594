# SPDX-License-Identifier: Apache-2.0
"""Which rows may be compared, which of them have a rank, and the order of all.

Rows share a ranking when task, division, timing, the model of emulated time and the source of the data are the same:
emulated and measured time never meet, and neither do two levels or versions of the model, nor real and made-up data.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from mlperf_tiny.harness.record.settings import UNKNOWN_DEVICE
from mlperf_tiny.results.leaderboard.rows.columns import NAMES, TASKS, TIMINGS, Row, number

GROUP = ("MlperfModel", "Division", "Timing", "TimingModel", "DataSource")
"""Columns that are equal in all rows of one ranking."""

Group = tuple[str, ...]


def group_of(row: Row) -> Group:
    """The values of GROUP."""
    return tuple(row[name] for name in GROUP)


def why_unranked(row: Row) -> str:
    """Why ``row`` may not have a rank; empty when it may.

    It may when it is complete, on real data, breaks no rule and contradicts itself nowhere, its latency follows from
    raw lines, the model of emulated time is known, and, of a run, device and model are.
    """
    if not row["MlperfModel"] or not row["Division"]:
        return "task or division unknown"
    if row["DataSource"] != "real":
        return f"{row['DataSource'] or 'unknown'} data"
    if row["Verdict"] in ("breaks a rule", "deviates"):
        return row["Verdict"]
    if row["Complete"] != "yes":
        return "not complete"
    if row["LatencyBasis"] != "recomputed" or not row["LatencyMs"]:
        return "latency not recomputed"
    if row["Timing"] == "emulated" and not row["TimingModel"]:
        return "model of emulated time unknown"
    if row["Source"] == "run" and row["Device"] == UNKNOWN_DEVICE:
        return "device unknown"
    if row["Source"] == "run" and not row["ModelSha256"]:
        return "model unknown"
    return ""


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return the rows in order, best first within each group, with Rank 1, 2 ... or Unranked.

    Equal latencies share a rank. The order is total: it depends on nothing but the rows.
    """
    judged = [{**row, "Unranked": why_unranked(row)} for row in rows]
    result: list[Row] = []
    for _, members in groupby(sorted(judged, key=_order), key=group_of):
        rank, last = 0, ""
        for place, row in enumerate(members, start=1):
            if row["Unranked"]:
                result.append({**row, "Rank": ""})
                continue
            if row["LatencyMs"] != last:
                rank, last = place, row["LatencyMs"]
            result.append({**row, "Rank": str(rank)})
    return result


def _order(row: Row) -> tuple[object, ...]:
    task, division, timing, model, data = group_of(row)
    places = (_place(TASKS, task), division, _place(TIMINGS, timing), model, data)
    latency = number(row, "LatencyMs")
    # The last word has every cell but the rank, which is what is being made.
    cells = tuple(row[name] for name in NAMES if name not in ("Rank", "Unranked"))
    return (*places, bool(row["Unranked"]), float("inf") if latency is None else latency, row["RunId"], cells)


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else len(names)
