# SPDX-License-Identifier: Apache-2.0
"""One result reproduced: model, image, run, comparison, in that order, and what came of it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import BenchError, DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.run.run import OpenDevice
from mlperf_tiny.harness.wire.transcript import parse_transcript
from mlperf_tiny.progress import Progress
from mlperf_tiny.results.mlperf.findings import Kind
from mlperf_tiny.results.reproduce.compare import DIFFERS, NOT_COMPARED, SAME, Row, image_row, rows
from mlperf_tiny.results.reproduce.image import code_folder_of, rebuild
from mlperf_tiny.results.reproduce.model import ENCLOSED, choose_model
from mlperf_tiny.results.reproduce.rerun import rerun
from mlperf_tiny.results.review.own.own_runs import MAX_TRANSCRIPT_BYTES
from mlperf_tiny.results.review.own.reviewed import Reviewed

SHORT = 16


class Outcome(Enum):
    """What came of one result, worst last. ``exit_code`` is the command's when no result is worse."""

    SAME = ("reproduced", 0)
    WITHIN = ("reproduced within tolerance", 0)
    PARTLY = ("reproduced in part", 3)
    NOT_HERE = ("cannot be reproduced here", 3)
    DIFFERS = ("differs", 4)

    def __init__(self, text: str, exit_code: int) -> None:
        self.text = text
        self.exit_code = exit_code


@dataclass(frozen=True)
class Reproduced:
    """One result: ``rows`` compare it, ``notes`` say what was done and what could not be."""

    title: str
    folder: str
    run_id: str
    outcome: Outcome
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "folder": self.folder,
            "run_id": self.run_id,
            "outcome": self.outcome.text,
            "rows": [asdict(row) for row in self.rows],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Wish:
    """``work`` is kept and gone on with; None: a folder that is removed. ``limit`` cuts the accuracy part."""

    data: Path | None = None
    limit: int | None = None
    work: Path | None = None


@dataclass(frozen=True)
class Work:
    """What it takes to reproduce one result: where it is from, what is wished for, who is told."""

    tree: FileTree
    result: Reviewed
    title: str
    wish: Wish
    work: str
    say: Callable[[str], None]
    progress: Callable[[Progress], None]
    open_device: OpenDevice | None

    def reproduced(self) -> Reproduced:
        faults = [finding.text for finding in self.result.findings if finding.kind is Kind.DEVIATION]
        found: list[Row] = []
        missing = [finding.text for finding in self.result.findings if finding.kind is Kind.MISSING]
        notes = [f"benchmark-review: {text}" for text in (*faults, *missing)]
        record = self.result.record
        outcome = Outcome.NOT_HERE
        if record is not None:
            try:
                outcome = self._compare(record, found, notes)
            except BenchError as error:
                notes.append(str(error))
                outcome = Outcome.DIFFERS if _bad(found) else Outcome.NOT_HERE
        run_id = record.settings.run_id if record else ""
        outcome = Outcome.DIFFERS if faults else outcome
        return Reproduced(self.title, self.result.folder, run_id, outcome, tuple(found), tuple(notes))

    def _compare(self, record: RunRecord, found: list[Row], notes: list[str]) -> Outcome:
        settings, place = record.settings, self.result.place
        assert place is not None
        transcript = parse_transcript(self.tree.read(place.transcript, MAX_TRANSCRIPT_BYTES), place.transcript)
        if settings.firmware is None:
            notes.append(
                "it was made on a board that held its image already: which one is not recorded, so there is nothing to "
                "build and nothing to run here"
            )
            return Outcome.NOT_HERE
        model = choose_model(settings.model, settings.task, self.tree, place.model, self.wish.data)
        notes.append(f"model {settings.model.name} ({settings.model.sha256[:SHORT]}...) from {model.origin}")
        if model.origin == ENCLOSED:
            notes.append(f"it is not the catalogue's: {model.why}")
        work = Path(self.work) / f"{_key(record)}-{self.wish.limit or 'all'}"
        with tempfile.TemporaryDirectory(prefix="image-", dir=self.work) as fresh:
            code = code_folder_of(place.folder)
            rebuilt = rebuild(settings, model.content, Path(fresh), self.tree, code, self.say)
        found.append(image_row(rebuilt))
        notes += [f"image: {text}" for text in rebuilt.differences]
        if settings.device.timing == "hardware":
            notes.append("it was made on a board; only its image is compared, a run there cannot be made here")
            return Outcome.NOT_HERE
        again = rerun(record, model, work, self.wish.data, self.wish.limit, self.progress, self.open_device)
        compared, allowed = rows(record, transcript, again)
        found += compared
        notes.append(f"tolerance of time: {allowed.why}{_limits(allowed.window_us, allowed.percent)}")
        built = again.record.settings.firmware
        if built is None or built.elf_sha256 != rebuilt.image.info.elf_sha256:
            raise DataError(
                "the image that was run is not the one that was built anew; empty the folder of built images."
            )
        return self._outcome(record, again.record, found, notes)

    def _outcome(self, record: RunRecord, again: RunRecord, found: list[Row], notes: list[str]) -> Outcome:
        if _bad(found):
            return Outcome.DIFFERS
        was, now = record.accuracy, again.accuracy
        if was is not None and (now is None or now.samples < was.samples):
            notes.append(f"partial: {now.samples if now else 0:,} of {was.samples:,} samples were answered again")
            return Outcome.PARTLY
        if not record.complete:
            notes.append("partial: the recorded run is not finished")
            return Outcome.PARTLY
        return Outcome.SAME if all(row.verdict in (SAME, NOT_COMPARED) for row in found) else Outcome.WITHIN


def _bad(found: list[Row]) -> bool:
    """Whether a figure came out otherwise; another image alone is no such thing."""
    return any(row.verdict == DIFFERS and row.name != "image" for row in found)


def _limits(window_us: float | None, percent: float | None) -> str:
    if window_us is not None:
        return f"; a window may be off by {window_us:,.0f} us"
    return f"; the latency may be off by {percent:g} %" if percent is not None else ""


def _key(record: RunRecord) -> str:
    """A name for what was recorded: from its seal, or where it has none from what it calls itself."""
    name = record.chain_digest.value if record.chain_digest else f"{record.settings.run_id} {record.settings.started}"
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:SHORT]
