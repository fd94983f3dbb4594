# SPDX-License-Identifier: Apache-2.0
"""Which rows may be compared, which of them have a rank, and the order of all.

Rows share a ranking when task, division, timing, the model of emulated time and the source of the data are the same:
emulated and measured time never meet, nor do two levels or generations of the model, nor real and synthetic data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlperf_tiny.harness.record.settings import UNKNOWN_DEVICE
from mlperf_tiny.results.leaderboard.rows.columns import NAMES, TASKS, TIMINGS, Row
from mlperf_tiny.results.leaderboard.rows.frame import frame_of, rows_of

if TYPE_CHECKING:
    import pandas as pd

GROUP = ("MlperfModel", "Division", "Timing", "TimingLevel", "TimingGeneration", "DataSource")
"""Columns that are equal in all rows of one ranking."""

Group = tuple[str, ...]


def group_of(row: Row) -> Group:
    """Return the values of GROUP."""
    return tuple(row[name] for name in GROUP)


def why_unranked(row: Row) -> str:
    """Return why ``row`` may not have a rank; empty when it may.

    A ranked row is complete, on real data, without rule violations or contradictions, and its latency was recomputed
    from raw lines. The model of emulated time is known, and, of a run, the device and the model.
    """
    if not row["MlperfModel"] or not row["Division"]:
        return "task or division unknown"
    if row["DataSource"] != "real":
        return f"{row['DataSource'] or 'unknown'} data"
    if row["Verdict"] in ("rule violation", "deviates"):
        return row["Verdict"]
    if row["Complete"] != "yes":
        return "not complete"
    if row["LatencyBasis"] != "recomputed" or not row["LatencyMs"]:
        return "latency not recomputed"
    if row["Timing"] == "emulated" and not (row["TimingLevel"] and row["TimingGeneration"]):
        return "model of emulated time unknown"
    if row["Source"] == "run" and row["Device"] == UNKNOWN_DEVICE:
        return "device unknown"
    if row["Source"] == "run" and not row["ModelSha256"]:
        return "model unknown"
    return ""


def is_partial_run(row: Row) -> bool:
    """Whether it is a run that is not whole: unfinished, of one mode, or of the samples that ``--limit`` left."""
    return row["Source"] == "run" and row["Complete"] != "yes"


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return the rows in order, best first within each group, with Rank 1, 2 ... or Unranked.

    Equal latencies share a rank. The order is total: it depends on nothing but the rows.
    """
    import pandas as pd

    table = frame_of(rows)
    if table.empty:
        return []
    table["Unranked"] = [why_unranked(row) for row in rows_of(table)]
    latency_ms = pd.to_numeric(table["LatencyMs"])
    eligible = table["Unranked"] == ""
    rank = latency_ms.where(eligible).groupby([table[name] for name in GROUP]).rank(method="min")
    table["Rank"] = rank.map(lambda place: "" if pd.isna(place) else f"{place:.0f}")
    return rows_of(_in_order(table, latency_ms, eligible))


def _in_order(table: pd.DataFrame, latency_ms: pd.Series[float], eligible: pd.Series[bool]) -> pd.DataFrame:
    keys = {
        "_task": table["MlperfModel"].map(lambda task: _place(TASKS, task)),
        "Division": table["Division"],
        "_timing": table["Timing"].map(lambda timing: _place(TIMINGS, timing)),
        "TimingLevel": table["TimingLevel"],
        "TimingGeneration": table["TimingGeneration"],
        "DataSource": table["DataSource"],
        "_unranked": ~eligible,
        "_latency_ms": latency_ms.fillna(float("inf")),
        "RunId": table["RunId"],
    }
    cells = [name for name in NAMES if name not in ("Rank", "Unranked", *keys)]
    order = table.assign(**keys).sort_values([*keys, *cells], kind="stable").index
    return table.loc[order]


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)
