# SPDX-License-Identifier: Apache-2.0
"""Records to ``leaderboard.csv``: one row a run, ranked only among runs that may be compared.

Rows share a ranking when task, division, timing and the model of emulated time are the same: emulated and measured
time never meet, and neither do two levels or versions of the model. A run on synthetic data, of a part of the data,
unfinished, or breaking a rule has a row and no rank.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.errors import RecordError
from harness.record import RunRecord
from harness.rules import WINDOWS
from harness.settings import UNKNOWN_DEVICE

Row = dict[str, str]

COLUMNS = (
    "rank",
    "task",
    "division",
    "timing",
    "data",
    "device",
    "model",
    "engine",
    "latency_ms",
    "throughput_per_s",
    "energy_uj",
    "energy",
    "iterations",
    "top1_percent",
    "auc",
    "samples",
    "instructions_per_inference",
    "arena_bytes",
    "flash_bytes",
    "ram_bytes",
    "clock_hz",
    "timing_model",
    "compiler",
    "model_sha256",
    "elf_sha256",
    "complete",
    "violations",
    "started",
    "run_id",
)


def row_of(record: RunRecord) -> Row:
    """Return the row of one record, without its rank; a figure it does not have is empty."""
    settings, performance, accuracy = record.settings, record.performance, record.accuracy
    firmware = settings.firmware
    values: dict[str, object] = {
        "rank": "",
        "task": settings.task,
        "division": settings.division,
        "timing": settings.device.timing,
        "data": settings.data.source,
        "device": settings.device.device,
        "model": settings.model.name,
        "engine": settings.engine,
        "latency_ms": _digits(performance.latency_ms if performance else None, 6),
        "throughput_per_s": _digits(performance.throughput_per_s if performance else None, 6),
        "energy_uj": _digits(record.energy.uj_per_inference if record.energy else None, 3),
        "energy": record.energy.kind if record.energy else "",
        "iterations": performance.iterations if performance else "",
        "top1_percent": _digits(accuracy.top1_percent if accuracy else None, 3),
        "auc": _digits(accuracy.auc if accuracy else None, 6),
        "samples": f"{accuracy.samples}/{accuracy.listed}" if accuracy else "",
        "instructions_per_inference": _digits(record.instructions_per_inference, 1),
        "arena_bytes": firmware.arena_bytes if firmware else "",
        "flash_bytes": (firmware and firmware.flash_bytes) or "",
        "ram_bytes": (firmware and firmware.ram_bytes) or "",
        "clock_hz": settings.device.clock_hz or "",
        "timing_model": settings.device.timing_model,
        "compiler": firmware.compiler if firmware else "",
        "model_sha256": settings.model.sha256,
        "elf_sha256": firmware.elf_sha256 if firmware else "",
        "complete": "yes" if _is_whole(record) else "no",
        "violations": "; ".join(record.violations),
        "started": settings.started,
        "run_id": settings.run_id,
    }
    return {name: str(values[name]) for name in COLUMNS}


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Return the rows in order, best first within each group, with ``rank`` 1, 2 ... where a row may be ranked.

    Equal latencies share a rank. Groups are task, division, timing and timing model.
    """

    def group(row: Row) -> tuple[str, ...]:
        return row["task"], row["division"], row["timing"], row["timing_model"]

    def latency(row: Row) -> float:
        return float(row["latency_ms"] or "inf")

    rows = sorted(rows, key=lambda row: (group(row), not may_be_ranked(row), latency(row), row["run_id"]))
    result: list[Row] = []
    for row in rows:
        rank = ""
        if may_be_ranked(row):
            better = sum(
                1
                for other in rows
                if group(other) == group(row) and may_be_ranked(other) and latency(other) < latency(row)
            )
            rank = str(better + 1)
        result.append({**row, "rank": rank})
    return result


def may_be_ranked(row: Row) -> bool:
    """Whether a row counts: finished, whole, on real data, breaking no rule, and of a known model on a known device."""
    known = bool(row["latency_ms"] and row["model_sha256"]) and row["device"] != UNKNOWN_DEVICE
    return known and row["complete"] == "yes" and row["data"] == "real" and not row["violations"]


def merged(rows: Sequence[Row], record: RunRecord) -> list[Row]:
    """Return ``rows`` with that of ``record`` added or, for a run that was resumed, replaced; ranked anew."""
    new = row_of(record)
    return ranked([*(row for row in rows if row["run_id"] != new["run_id"]), new])


def read_leaderboard(path: Path) -> list[Row]:
    """Return the rows of a leaderboard; [] when there is none yet. Raises RecordError for a file of another kind."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            found = tuple(reader.fieldnames or ())
            rows = list(reader) if found == COLUMNS else []
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}. Name another file with --leaderboard.") from error
    except (ValueError, csv.Error) as error:
        raise RecordError(f"{path} is no CSV text ({error}). Name another file with --leaderboard.") from error
    if found != COLUMNS:
        raise RecordError(
            f"{path} is not a leaderboard of this version, it begins with {','.join(found)[:200]!r}. "
            "Name another file with --leaderboard, or move it away."
        )
    for row in rows:
        if None in row or None in row.values():
            raise RecordError(f"{path} has a line with too few or too many columns. Repair it or move it away.")
        if not re.fullmatch(r"(\d+\.\d+)?", row["latency_ms"]):
            raise RecordError(f"{path} has a latency_ms of {row['latency_ms']!r}. Repair it or move it away.")
    return rows


def check_leaderboard(path: Path) -> None:
    """Raise RecordError unless ``path`` is a leaderboard, or free to become one, that this process may write."""
    read_leaderboard(path)
    place = next(folder for folder in path.absolute().parents if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise RecordError(f"{path} cannot be written: {place} takes no file. Name another file with --leaderboard.")


def update_leaderboard(path: Path, record: RunRecord) -> None:
    """Put the row of ``record`` into the file at ``path``, at one stroke: readers see the old file or the new one.

    Runs that end at the same time wait for each other. Raises RecordError when the file is of another kind or cannot
    be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(path):
            rows = merged(read_leaderboard(path), record)
            text = io.StringIO()
            writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            draft = path.with_name(path.name + ".tmp")
            draft.write_text(text.getvalue(), encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written: {error.strerror}. The run is kept; name another file with --leaderboard "
            "and give its folder to --resume."
        ) from error


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold the folder of ``path`` for one writer at a time, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _is_whole(record: RunRecord) -> bool:
    """A leaderboard figure needs both parts of the benchmark, and every sample."""
    performance, accuracy = record.performance, record.accuracy
    if not record.complete or performance is None or accuracy is None:
        return False
    return len(performance.windows) == WINDOWS and accuracy.samples == accuracy.listed


def _digits(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"
