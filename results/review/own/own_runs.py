# SPDX-License-Identifier: Apache-2.0
"""Runs of this program in a tree, read without trusting them: folders of their own, and those inside a submission.

The transcript's chain is checked line by line, every metric is recomputed from it, and the other files of the folder
are compared with that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mlperf_tiny.errors import BenchError, DataError, WrongRequest
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.image.build import ELF_FILE
from mlperf_tiny.harness.record.compute import compute_record
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import COMPARED_FORMATS, RECORD_FILE, differences_from, digest_entry
from mlperf_tiny.harness.run.run_folder import MODEL_FILE
from mlperf_tiny.harness.wire.hash_chain import ChainDigest
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, Transcript, parse_transcript
from mlperf_tiny.models.catalog import catalog
from mlperf_tiny.results.mlperf.findings import UNEXPECTED, Finding, Kind
from mlperf_tiny.results.mlperf.json_text import MAX_JSON_BYTES, parse_json
from mlperf_tiny.results.mlperf.rule_sections import SECTION_OF_RULE_ID

MAX_TRANSCRIPT_BYTES = 96 << 20
"""The largest there is, of anomaly detection's 48,608 inferences, has about 60 MB."""

MAX_TRANSCRIPT_LINES = 2_000_000
MAX_TRANSCRIPT_VALUES = 8_000_000
"""Members and items of all lines: each takes memory. The largest transcript has less than half of both."""

CODE, RUN = "code", "run"
CHAIN, RECORD, RULES, FILES = "chain of the transcript", "record", "rules of the run", "files of the run"
MODEL_RULE = "closed model"


@dataclass(frozen=True, kw_only=True)
class OwnRunFiles:
    """The files of a run: paths in the tree, None for one that is missing."""

    folder: str
    """The run folder, or the submission's code folder."""
    transcript: str
    """``transcript.jsonl``."""
    record: str | None
    """``record.json``."""
    model: str | None
    """``model.tflite``."""
    elf: str | None = None
    """``firmware.elf``; no submission has one."""

    def path(self, name: str) -> str:
        """Return the path that a file of this name has, or would have, beside the transcript."""
        return name if self.folder == "." else f"{self.folder}/{name}"


@dataclass(frozen=True, kw_only=True)
class OwnRun:
    """A run of this program as it was read."""

    files: OwnRunFiles
    """Where it lies."""
    record: RunRecord | None
    """Its record, recomputed; None when the transcript cannot be used."""
    transcript: Transcript | None
    """Its transcript; None when it cannot be used."""
    stated: dict[str, Any] | None
    """The content of ``record.json``; None when it cannot be used."""
    findings: tuple[Finding, ...]
    """What does not fit."""


def find_run_folders(tree: FileTree) -> list[OwnRunFiles]:
    """Return the run folders of a tree in order of path, without those inside a submission's ``code``."""
    found = []
    for path in tree.sizes:
        folder, _, name = path.rpartition("/")
        if name == TRANSCRIPT_FILE and not _is_enclosed(folder):
            prefix = f"{folder}/" if folder else ""
            there = {name: prefix + name for name in (RECORD_FILE, MODEL_FILE, ELF_FILE) if prefix + name in tree.sizes}
            found.append(
                OwnRunFiles(
                    folder=folder or ".",
                    transcript=path,
                    record=there.get(RECORD_FILE),
                    model=there.get(MODEL_FILE),
                    elf=there.get(ELF_FILE),
                )
            )
    return found


def enclosed_run(tree: FileTree, code: str) -> OwnRunFiles | None:
    """Return the run inside a submission.

    Args:
        tree: The submission.
        code: Its folder ``code/<benchmark>/<system>``.

    Returns:
        None when there is no transcript.
    """
    paths = {name: f"{code}/{RUN}/{name}" for name in (TRANSCRIPT_FILE, RECORD_FILE)}
    paths[MODEL_FILE] = f"{code}/{MODEL_FILE}"
    there = {name: path for name, path in paths.items() if path in tree.sizes}
    if TRANSCRIPT_FILE not in there:
        return None
    return OwnRunFiles(
        folder=code,
        transcript=there[TRANSCRIPT_FILE],
        record=there.get(RECORD_FILE),
        model=there.get(MODEL_FILE),
    )


def _is_enclosed(folder: str) -> bool:
    parts = folder.split("/")
    return parts[-1] == RUN and CODE in parts[:-1]


def read_own_run(tree: FileTree, files: OwnRunFiles) -> OwnRun:
    """Read a run and check what belongs to it; damaged files become findings, never exceptions.

    Args:
        tree: Where it lies.
        files: Its files.
    """
    findings: list[Finding] = []
    stated = _stated(tree, files, findings)
    try:
        content = tree.read(files.transcript, MAX_TRANSCRIPT_BYTES)
        _check_size(content, files.transcript)
        transcript = parse_transcript(content, files.transcript, _chain_digest(stated))
        record = compute_record(transcript)
    except (BenchError, *UNEXPECTED) as error:
        text = str(error) if isinstance(error, BenchError) else f"it holds unusable values: {str(error)[:200]}"
        where = "" if files.transcript in text else f"{files.transcript}: "
        kind = Kind.MISSING if isinstance(error, WrongRequest) else Kind.DEVIATION  # a pointer is not the file
        findings.append(Finding(kind, CHAIN, where + text))
        return OwnRun(files=files, record=None, transcript=None, stated=stated, findings=tuple(findings))
    if not content.endswith(b"\n"):
        findings.append(Finding(Kind.DEVIATION, CHAIN, f"{files.transcript} ends in a torn line."))
    findings += _chain(files, record)
    findings += _record(files, record, stated)
    findings += _rules(files, record)
    findings += _files(tree, files, record)
    return OwnRun(files=files, record=record, transcript=transcript, stated=stated, findings=tuple(findings))


def _check_size(content: bytes, where: str) -> None:
    """Raise DataError for a transcript whose values would fill the memory."""
    lines, values = content.count(b"\n"), sum(map(content.count, (b",", b"[", b"{")))
    if lines > MAX_TRANSCRIPT_LINES or values > MAX_TRANSCRIPT_VALUES:
        raise DataError(
            f"{where} was not read: it holds {lines:,} lines and {values:,} values, the limits are "
            f"{MAX_TRANSCRIPT_LINES:,} and {MAX_TRANSCRIPT_VALUES:,}."
        )


def _stated(tree: FileTree, files: OwnRunFiles, findings: list[Finding]) -> dict[str, Any] | None:
    if files.record is None:
        findings.append(Finding(Kind.MISSING, RECORD, f"{files.path(RECORD_FILE)} is missing."))
        return None
    try:
        value = parse_json(tree.read(files.record, MAX_JSON_BYTES), files.record)
        if not isinstance(value, dict):
            raise DataError(f"{files.record} is not a record: wanted one JSON object.")
    except DataError as error:
        kind = Kind.MISSING if isinstance(error, WrongRequest) else Kind.DEVIATION
        findings.append(Finding(kind, RECORD, str(error)))
        return None
    form = value.get("format")
    if form not in COMPARED_FORMATS:
        findings.append(
            Finding(
                Kind.MISSING,
                RECORD,
                f"{files.record} is of format {str(form)[:40]}, this program compares format "
                f"{' and '.join(map(str, COMPARED_FORMATS))}.",
            )
        )
    return value


def _chain_digest(stated: dict[str, Any] | None) -> ChainDigest | None:
    """The chain digest that a ``record.json`` states, if it is one."""
    return ChainDigest.from_json(digest_entry(stated)) if stated else None


def _chain(files: OwnRunFiles, record: RunRecord) -> list[Finding]:
    if record.chain_digest is not None:
        return []
    text = f"{files.transcript} is of a format without a hash chain: a changed line would not show."
    return [Finding(Kind.MISSING, CHAIN, text)]


def _record(files: OwnRunFiles, record: RunRecord, stated: dict[str, Any] | None) -> list[Finding]:
    differences = differences_from(record, stated) if stated else ()
    return [Finding(Kind.DEVIATION, RECORD, f"{files.record}: {text}") for text in differences]


def _rules(files: OwnRunFiles, record: RunRecord) -> list[Finding]:
    found = [
        Finding(Kind.VIOLATION, RULES, violation.text, SECTION_OF_RULE_ID[violation.rule])
        for violation in record.violations
    ]
    if not record.complete:
        found.append(Finding(Kind.MISSING, RULES, f"{files.transcript} is not finished: it has no 'end'."))
    found += [Finding(Kind.MISSING, MODEL_RULE, text) for text in _closed_model(record)]
    parts = {"performance": record.performance, "accuracy": record.accuracy}
    found += [Finding(Kind.MISSING, RULES, f"the run has no {name} part") for name, part in parts.items() if not part]
    return found


def _closed_model(record: RunRecord) -> list[str]:
    """Whether a run of the closed division had the benchmark's own file; whether another one is equivalent, no review
    can decide."""
    settings = record.settings
    references = [
        row.sha256 for row in catalog.OFFICIAL if (row.task, row.input_format) == (settings.task, "benchmark")
    ]
    if settings.division != "closed" or settings.model.sha256 in references:
        return []
    return [f"the model (sha256 {settings.model.sha256[:16]}...) is not the reference file of {settings.task}"]


def _files(tree: FileTree, files: OwnRunFiles, record: RunRecord) -> list[Finding]:
    """The model and the image beside the transcript against the hashes in it."""
    firmware = record.settings.firmware
    wanted = [(files.model, MODEL_FILE, record.settings.model.sha256)]
    if not _is_enclosed(files.transcript.rpartition("/")[0]):
        wanted.append((files.elf, ELF_FILE, firmware.elf_sha256 if firmware else ""))
    found = []
    for path, name, digest in wanted:
        if not digest:
            continue
        if path is None:
            found.append(Finding(Kind.NOTE, FILES, f"{files.path(name)} is not there"))
            continue
        try:
            got = digest_of(tree, path)
        except DataError as error:
            found.append(Finding(Kind.MISSING, FILES, str(error)))
            continue
        if got != digest:
            found.append(Finding(Kind.DEVIATION, FILES, f"{path} has sha256 {got}, the run had {digest}."))
    return found


def digest_of(tree: FileTree, path: str) -> str:
    """Return the sha256 (hex) of a file.

    Args:
        tree: Where it lies.
        path: Its path there.

    Raises:
        DataError: It cannot be read.
    """
    digest = hashlib.sha256()
    for chunk in tree.chunks(path):
        digest.update(chunk)
    return digest.hexdigest()
