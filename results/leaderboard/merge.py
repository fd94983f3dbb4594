# SPDX-License-Identifier: Apache-2.0
"""Rows from several places brought together: one for each run and each published result, whatever the order.

Rows just computed from raw lines replace those read from a leaderboard. Of two runs with one name the one with the
longer transcript is kept. Published results of one name are one row if their figures are equal; otherwise all are kept.
A run and the submission made of it, recognised by their chain digest, are the row of the submission, unless that one
contradicts itself: then its figures are not the run's, and both are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.results.leaderboard.rows.columns import NAMES, Row
from mlperf_tiny.results.leaderboard.rows.frame import frame_of, rows_of

if TYPE_CHECKING:
    import pandas as pd

Identity = tuple[str, ...]

_PUBLISHED = ("Round", "Division", "Organization", "SystemDesc", "MlperfModel", "Model")
_METRICS = ("Result", "Accuracy", "Power", "LatencyMs", "EnergyUj", "Top1Percent", "Auc")


@dataclass(frozen=True)
class Merged:
    """What ``merged`` returns."""

    rows: tuple[Row, ...]
    """Not ranked, in no particular order."""
    notes: tuple[str, ...]
    """One sentence for each run that was found with different figures."""


def identity_of(row: Row) -> Identity:
    """Return what tells a run or a published result from all others: two organisations may name a system alike."""
    if row["Source"] == "run":
        return ("run", row["RunId"])
    return ("published", *(row[name] for name in _PUBLISHED))


def submitted_digests(rows: Iterable[Row]) -> set[str]:
    """Return the chain digests of runs whose submission is among ``rows``, without submissions that deviate."""
    return {
        row["ChainDigest"]
        for row in rows
        if row["Source"] == "published" and row["ChainDigest"] and row["Verdict"] != "deviates"
    }


def merged(fresh: Iterable[Row], kept: Iterable[Row] = ()) -> Merged:
    """Bring rows together.

    Args:
        fresh: Rows just computed from records and reviews.
        kept: Rows read from leaderboards; they are dropped where ``fresh`` has the same run or result.
    """
    new, new_notes = _united(_frame(fresh))
    old, old_notes = _united(_frame(kept))
    old = old[~old["_identity"].isin(set(new["_identity"]))]
    rows = [*rows_of(new), *rows_of(old)]
    submitted = submitted_digests(rows)
    once = tuple(row for row in rows if row["Source"] != "run" or row["ChainDigest"] not in submitted)
    return Merged(once, (*new_notes, *(note for note in old_notes if note not in new_notes)))


def digest_of(row: Row) -> ChainDigest | None:
    """Return the chain digest of a row's transcript; None where it has none, or no usable one."""
    return ChainDigest.from_text(row["ChainDigest"])


def contradicted(record: RunRecord, rows: Sequence[Row]) -> ChainDigest | None:
    """Return the chain digest that ``rows`` have of this run when it is not the record's; else None.

    The transcript must then be examined: it may continue from there, or be another one.

    Args:
        record: A run.
        rows: Rows of a leaderboard.
    """
    row = next((row for row in rows if identity_of(row) == ("run", record.settings.run_id)), None)
    digest = digest_of(row) if row else None
    return None if digest == record.chain_digest else digest


def _frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a table, with the columns that decide which of several is kept."""
    rows = list(rows)
    return frame_of(rows).assign(
        _identity=["\0".join(identity_of(row)) for row in rows],
        _lines=[digest.lines if (digest := digest_of(row)) else 0 for row in rows],
        _filled=[sum(map(bool, row.values())) for row in rows],
    )


def _united(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """One row for each run, one for each published result with equal figures, and notes on runs that differ."""
    import pandas as pd

    if frame.empty:
        return frame, []
    # The longest transcript first, then the row with the most values; the cells make the order total.
    frame = frame.sort_values(["_lines", "_filled", *NAMES], ascending=False, kind="stable")
    is_run = frame["Source"] == "run"
    runs = frame[is_run]
    notes = [
        _note(str(run_id), members)
        for run_id, members in runs.groupby("RunId")
        if members[[*_METRICS, "ChainDigest"]].nunique().gt(1).any()
    ]
    published = frame[~is_run].drop_duplicates(["_identity", *_METRICS])
    return pd.concat([runs.drop_duplicates("RunId"), published]), notes


def _note(run_id: str, members: pd.DataFrame) -> str:
    places = ", ".join(sorted({place or "no record" for place in members["Record"]}))
    first = members["Record"].iloc[0] or "that without a record"
    return (
        f"run {run_id} was found {len(members)} times with different values ({places}); the one with the longest "
        f"transcript is kept: {first}"
    )
