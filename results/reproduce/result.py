# SPDX-License-Identifier: Apache-2.0
"""One result reproduced: model, image, run, comparison, in that order, and the outcome."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from mlperf_tiny.errors import BenchError, DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.run.run import OpenDevice
from mlperf_tiny.harness.wire.transcript import parse_transcript
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.mlperf.findings import Kind
from mlperf_tiny.results.reproduce.differences import (
    DIFFERS,
    NOT_COMPARED,
    SAME,
    Difference,
    image_difference,
    run_differences,
)
from mlperf_tiny.results.reproduce.model import ENCLOSED, choose_model
from mlperf_tiny.results.reproduce.rebuilt_image import RebuiltImage, rebuild
from mlperf_tiny.results.reproduce.rerun import rerun
from mlperf_tiny.results.reproduce.tolerance import Tolerance, tolerance
from mlperf_tiny.results.review.own.own_runs import MAX_TRANSCRIPT_BYTES, OwnRunFiles
from mlperf_tiny.results.review.own.reviewed import Reviewed

SHORT = 16


class Outcome(Enum):
    """The outcome of one result, worst last. ``exit_code`` is the command's when no result is worse."""

    SAME = ("reproduced", 0)
    WITHIN = ("reproduced within tolerance", 0)
    PARTLY = ("reproduced in part", 3)
    NOT_HERE = ("cannot be reproduced here", 3)
    DIFFERS = ("differs", 4)

    def __init__(self, text: str, exit_code: int) -> None:
        self.text = text
        self.exit_code = exit_code


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """One result beside its reproduction."""

    title: str
    """Division, submitter, system and benchmark."""
    folder: str
    """Where it lies in the tree."""
    run_id: str
    """Id of the recorded run; "" for an unusable one."""
    outcome: Outcome
    """What came of it."""
    rows: tuple[Difference, ...] = ()
    """The comparison."""
    notes: tuple[str, ...] = ()
    """What was done, and what could not be."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values; docs/formats.md describes the format."""
        return {
            "title": self.title,
            "folder": self.folder,
            "run_id": self.run_id,
            "outcome": self.outcome.text,
            "rows": [asdict(row) for row in self.rows],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """What a user may choose."""

    data: Path | None = None
    """The data folder."""
    limit: int | None = None
    """Number of samples of the accuracy part; None: all."""
    work: Path | None = None
    """Folder that keeps the runs, so that an interrupted one goes on; None: a folder that is removed."""


@dataclass(frozen=True, kw_only=True)
class Reproducer:
    """Reproduces one result."""

    tree: FileTree
    """Where the result is from."""
    result: Reviewed
    """Its review."""
    title: str
    """What messages call it."""
    options: ReproduceOptions
    """The user's choices."""
    work: Path
    """An existing folder for image and run."""
    listener: Listener
    """Where it reports to."""
    open_device: OpenDevice | None
    """Opens the device instead of the usual function."""
    rows: list[Difference] = field(default_factory=list, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def run(self) -> Reproduced:
        """Reproduce the result; what prevents it is a note."""
        deviations = [finding.text for finding in self.result.findings if finding.kind is Kind.DEVIATION]
        missing = [finding.text for finding in self.result.findings if finding.kind is Kind.MISSING]
        self.notes.extend(f"benchmark-review: {text}" for text in (*deviations, *missing))
        record, files = self.result.record, self.result.files
        outcome = Outcome.NOT_HERE
        if record is not None and files is not None:
            try:
                outcome = self._reproduce(record, files)
            except BenchError as error:
                self.notes.append(str(error))
                outcome = Outcome.DIFFERS if _differ(self.rows) else Outcome.NOT_HERE
        return Reproduced(
            title=self.title,
            folder=self.result.folder,
            run_id=record.settings.run_id if record else "",
            outcome=Outcome.DIFFERS if deviations else outcome,
            rows=tuple(self.rows),
            notes=tuple(self.notes),
        )

    def _reproduce(self, record: RunRecord, files: OwnRunFiles) -> Outcome:
        settings = record.settings
        if settings.firmware is None:
            self.notes.append(
                "it was made on a board that held its image already: which one is not recorded, so there is nothing to "
                "build and nothing to run here"
            )
            return Outcome.NOT_HERE
        model = choose_model(settings.model, settings.task, self.tree, files.model, self.options.data)
        self.notes.append(f"model {settings.model.name} ({settings.model.sha256[:SHORT]}...) from {model.origin}")
        if model.origin == ENCLOSED:
            self.notes.append(f"it is not the catalogue's: {model.why}")
        rebuilt = self._rebuild(record, files, model.content)
        if settings.device.timing == "hardware":
            self.notes.append("it was made on a board; only its image is compared, a run there cannot be made here")
            return Outcome.NOT_HERE
        transcript = parse_transcript(self.tree.read(files.transcript, MAX_TRANSCRIPT_BYTES), files.transcript)
        again = rerun(
            record,
            model,
            self.work / f"{_key(record)}-{self.options.limit or 'all'}",
            self.options.data,
            self.options.limit,
            self.listener,
            self.open_device,
        )
        allowed = tolerance(record, again.record, rebuilt.same)
        self.rows.extend(run_differences(record, transcript, again, allowed))
        self.notes.append(f"tolerance of time: {allowed.why}{_limits(allowed)}")
        built = again.record.settings.firmware
        if built is None or built.elf_sha256 != rebuilt.image.info.elf_sha256:
            raise DataError("the image that was run is not the one that was rebuilt. Empty the folder of built images.")
        return self._outcome(record, again.record)

    def _rebuild(self, record: RunRecord, files: OwnRunFiles, model: bytes) -> RebuiltImage:
        with tempfile.TemporaryDirectory(prefix="image-", dir=self.work) as folder:
            rebuilt = rebuild(record.settings, model, Path(folder), self.tree, files, self.listener.log)
        self.rows.append(image_difference(rebuilt))
        self.notes.extend(f"image: {text}" for text in rebuilt.differences)
        return rebuilt

    def _outcome(self, record: RunRecord, again: RunRecord) -> Outcome:
        if _differ(self.rows):
            return Outcome.DIFFERS
        was, now = record.accuracy, again.accuracy
        if was is not None and (now is None or now.samples < was.samples):
            self.notes.append(f"partial: {now.samples if now else 0:,} of {was.samples:,} samples were answered again")
            return Outcome.PARTLY
        if not record.complete:
            self.notes.append("partial: the recorded run is not finished")
            return Outcome.PARTLY
        return Outcome.SAME if all(row.verdict in (SAME, NOT_COMPARED) for row in self.rows) else Outcome.WITHIN


def _differ(rows: Sequence[Difference]) -> bool:
    """Whether a figure differs; another image alone is no fault."""
    return any(row.verdict == DIFFERS and row.name != "image" for row in rows)


def _limits(allowed: Tolerance) -> str:
    if allowed.window_us is not None:
        return f"; a window may be off by {allowed.window_us:,.0f} us"
    return f"; the latency may be off by {allowed.percent:g} %" if allowed.percent is not None else ""


def _key(record: RunRecord) -> str:
    """A folder name for a record: from its hash chain, or where it has none from its id."""
    name = record.chain_digest.value if record.chain_digest else f"{record.settings.run_id} {record.settings.started}"
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:SHORT]
