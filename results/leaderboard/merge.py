# SPDX-License-Identifier: Apache-2.0
"""Rows from several places brought together: one for each run and each published result, whatever the order.

What was read from its raw lines just now counts more than what a file says of it. Of two runs of one name the longer
one counts; published results of one name are one when their figures are, and else all stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.wire.hash_chain import Seal
from mlperf_tiny.results.leaderboard.rows.columns import NAMES, Row

Identity = tuple[str, ...]

_PUBLISHED = ("Round", "Division", "Organization", "SystemDesc", "MlperfModel", "Model")
_FIGURES = ("Result", "Accuracy", "Power", "LatencyMs", "EnergyUj", "Top1Percent", "Auc")


@dataclass(frozen=True)
class Merged:
    """Rows, not ranked, in no certain order, and sentences on what was left out of them."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def identity_of(row: Row) -> Identity:
    """What tells a run or a published result from all others: two organisations may name a system alike."""
    if row["Source"] == "run":
        return ("run", row["RunId"])
    return ("published", *(row[name] for name in _PUBLISHED))


def merged(fresh: Iterable[Row], kept: Iterable[Row] = ()) -> Merged:
    """Bring together ``fresh`` rows, computed from records and reviews, and ``kept`` ones, out of leaderboards."""
    new, new_notes = _united(fresh)
    old, old_notes = _united(kept)
    rows = [row for group in new.values() for row in group]
    rows += [row for identity, group in old.items() if identity not in new for row in group]
    return Merged(tuple(rows), (*new_notes, *(note for note in old_notes if note not in new_notes)))


def seal_of(row: Row) -> Seal | None:
    """The seal of a row's transcript; None where it has none, or no usable one."""
    lines, _, chain = row["Seal"].partition(":")
    return Seal(int(lines), chain) if lines.isdecimal() and len(lines) < 12 and len(chain) == 64 else None


def contradicted(record: RunRecord, rows: Sequence[Row]) -> Seal | None:
    """The seal of the record's row among ``rows`` if it is another than the record's, so that it must be looked into:
    a longer transcript may go on from it, or be another one."""
    row = next((row for row in rows if identity_of(row) == ("run", record.settings.run_id)), None)
    seal = seal_of(row) if row else None
    return None if seal == record.seal else seal


def _united(rows: Iterable[Row]) -> tuple[dict[Identity, list[Row]], list[str]]:
    groups: dict[Identity, list[Row]] = {}
    for row in rows:
        groups.setdefault(identity_of(row), []).append(row)
    notes = []
    for identity, members in sorted(groups.items()):
        members.sort(key=_weight, reverse=True)
        if identity[0] == "published":
            one = {tuple(row[name] for name in _FIGURES): row for row in reversed(members)}
            groups[identity] = list(one.values())
            continue
        groups[identity] = members[:1]
        differ = [row for row in members if any(row[name] != members[0][name] for name in (*_FIGURES, "Seal"))]
        if differ:
            places = ", ".join(sorted({row["Record"] or "no record" for row in members}))
            notes.append(
                f"run {identity[1]} is there {len(members)} times and not the same each time ({places}): "
                f"the longest counts, {members[0]['Record'] or 'that without a record'}"
            )
    return groups, notes


def _weight(row: Row) -> tuple[object, ...]:
    """Rows of one identity from the one that counts least: by length of transcript, then by how much is known."""
    seal = seal_of(row)
    return (seal.lines if seal else 0, sum(map(bool, row.values())), tuple(row[name] for name in NAMES))
