# SPDX-License-Identifier: Apache-2.0
"""A leaderboard of runs, published trees and other leaderboards: a pure function of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.disk import cannot_write
from mlperf_tiny.errors import BenchError, RecordError, WrongRequest
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import read_record, record_differences
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.progress import Progress
from mlperf_tiny.results.leaderboard.file import check_row, only_writer, read_leaderboard, write_leaderboard
from mlperf_tiny.results.leaderboard.merge import contradicted, identity_of, merged, submitted_digests
from mlperf_tiny.results.leaderboard.places import moved, place_of
from mlperf_tiny.results.leaderboard.ranking import ranked
from mlperf_tiny.results.leaderboard.rows.columns import Row
from mlperf_tiny.results.leaderboard.rows.record_rows import row_of_record
from mlperf_tiny.results.leaderboard.rows.review_rows import is_damaged_run, row_of_review
from mlperf_tiny.results.leaderboard.sources import FoundSources, find_sources
from mlperf_tiny.results.mlperf.findings import UNEXPECTED
from mlperf_tiny.results.review.review import review_path
from mlperf_tiny.terminal import sanitize_for_terminal

ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Leaderboard:
    """What ``build_leaderboard`` returns."""

    rows: tuple[Row, ...]
    """Ranked, in order."""
    problems: tuple[str, ...] = ()
    """What was left out, and why."""
    wrong_request: bool = False
    """Whether each of the problems is a path of another kind, or one that holds no result."""
    notes: tuple[str, ...] = ()
    """What a reader should know about the rows, e.g. runs found twice with different values."""


def build_leaderboard(
    paths: Sequence[Path], base: Path, data_folder: Path | None = None, progress: ProgressCallback | None = None
) -> Leaderboard:
    """Return the leaderboard of everything at ``paths``; their order does not matter.

    What cannot be read becomes a problem, not an exception.

    Args:
        paths: Run folders, submissions, folders of either, leaderboard files.
        base: Folder of the leaderboard's file: the column Record is relative to it.
        data_folder: Folder with the official label lists, for reviews.
        progress: Called for each run and each reviewed result.

    Raises:
        WrongRequest: One of the paths does not exist.
    """
    problems: list[str] = []
    wrong: list[str] = []
    found = _found(paths, problems)
    fresh: list[Row] = []
    kept: list[Row] = []
    for path in found.files:
        try:
            kept += [{**row, "Record": moved(row["Record"], path.parent, base)} for row in read_leaderboard(path)]
        except RecordError as error:
            (wrong if isinstance(error, WrongRequest) else problems).append(str(error))
    for number, folder in enumerate(found.runs, start=1):
        if progress:
            progress(Progress("runs", number, len(found.runs), folder.name))
        try:
            row = _run_row(folder, base, kept)
            check_row(row)
            fresh.append(row)
        except (BenchError, *UNEXPECTED) as error:
            problems.append(_left_out(folder, error))
    for tree in found.trees:
        try:
            review = review_path(tree, data_folder, progress)
        except BenchError as error:
            (wrong if isinstance(error, WrongRequest) else problems).append(str(error))
            continue
        for result in review.results:
            if is_damaged_run(result):
                text = "; ".join(sanitize_for_terminal(finding.text) for finding in result.findings)
                problems.append(f"{tree}: {result.folder}: {text}")
                continue
            place = tree / result.folder if tree.is_dir() else tree
            try:
                row = row_of_review(result, place_of(place, base))
                check_row(row)
                fresh.append(row)
            except (RecordError, *UNEXPECTED) as error:
                problems.append(_left_out(place, error))
    both = merged(fresh, kept)
    everything = tuple(sorted({*problems, *wrong}))
    return Leaderboard(
        tuple(ranked(both.rows)), everything, notes=both.notes, wrong_request=bool(wrong) and not problems
    )


def lost_rows(former: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Return the rows of ``former`` whose run or result is not among ``rows``, nor, of a run, its submission.

    Args:
        former: Rows of an existing file.
        rows: Rows that are to replace them.
    """
    there = {identity_of(row) for row in rows}
    submitted = submitted_digests(rows)
    return [
        row
        for row in former
        if identity_of(row) not in there and not (row["Source"] == "run" and row["ChainDigest"] in submitted)
    ]


def update_leaderboard(path: Path, record: RunRecord, folder: Path) -> None:
    """Add the row of a finished run to a leaderboard file, atomically; a resumed run replaces its row.

    The file is then equal to one rebuilt from the same records. Runs that end at the same time wait for each other.

    Args:
        path: The CSV file; it is created if it does not exist.
        record: The run's record.
        folder: The run's folder.

    Raises:
        RecordError: The file is of another kind or cannot be written.
    """
    try:
        with only_writer(path):
            kept = _still_a_leaderboard(path)
            row = row_of_record(record, place_of(folder, path.parent), record_differences(record, folder))
            write_leaderboard(path, ranked(merged([row], kept).rows))
    except OSError as error:
        raise RecordError(
            cannot_write(error, path, f"or name another with --leaderboard; the run is kept, add --resume {folder}")
        ) from error


def _still_a_leaderboard(path: Path) -> list[Row]:
    """The rows of a file that was checked before the run; what has become of it since is no fault of the request."""
    try:
        return read_leaderboard(path)
    except RecordError as error:
        raise RecordError(str(error)) from error


def _found(paths: Sequence[Path], problems: list[str]) -> FoundSources:
    runs: set[Path] = set()
    trees: set[Path] = set()
    files: set[Path] = set()
    for path in paths:
        try:
            found = find_sources(path)
        except WrongRequest:
            raise
        except BenchError as error:
            problems.append(str(error))
            continue
        runs |= set(found.runs)
        trees |= set(found.trees)
        files |= set(found.files)
    return FoundSources(tuple(sorted(runs)), tuple(sorted(trees)), tuple(sorted(files)))


def _run_row(folder: Path, base: Path, kept: Sequence[Row]) -> Row:
    record = read_record(folder)
    _check_digest(folder, record, kept)
    return row_of_record(record, place_of(folder, base), record_differences(record, folder))


def _check_digest(folder: Path, record: RunRecord, kept: Sequence[Row]) -> None:
    """Raise RecordError when a leaderboard has a chain digest of this run that contradicts its transcript."""
    digest = contradicted(record, kept)
    if digest is not None:
        try:
            read_transcript(folder / TRANSCRIPT_FILE, digest)
        except RecordError as error:
            raise RecordError(f"{error} That chain digest is in the leaderboard, whose row stays as it was.") from error


def _left_out(folder: Path, error: Exception) -> str:
    text = str(error) if isinstance(error, BenchError) else f"it holds unusable values: {error}"
    return text if str(folder) in text else f"{folder}: {sanitize_for_terminal(text)}"
