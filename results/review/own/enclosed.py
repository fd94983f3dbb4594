# SPDX-License-Identifier: Apache-2.0
"""A result that this program submitted, compared with its ``submission.json`` and with the transcript inside it.

Every file is compared with the hash it was submitted with. The runner's files and the manifest are reproduced from the
transcript, so a changed file shows even where its hash was changed as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mlperf_tiny.errors import BenchError, DataError
from mlperf_tiny.file_tree import FileTree
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.results.mlperf.findings import Finding, Kind
from mlperf_tiny.results.mlperf.layout import FoundResult
from mlperf_tiny.results.mlperf.names import DEFAULT_STATUS, NO_SILICON, Names
from mlperf_tiny.results.review.own.own_runs import CODE, OwnRun, digest_of, enclosed_run, read_own_run
from mlperf_tiny.results.submission.description import NO_BOARD
from mlperf_tiny.results.submission.inferences import inferences_of
from mlperf_tiny.results.submission.manifest import (
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    Manifest,
    manifest_text,
    read_manifest,
)
from mlperf_tiny.results.submission.runner_files import WRITTEN_BY, runner_files
from mlperf_tiny.terminal import sanitize_for_terminal

LISTED, REPRODUCED, NAMED, SILICON = "files as submitted", "reproduced from the transcript", "names", "no silicon"
HEAD_LINES = 5
MACOS_FILES = (".DS_Store",)


@dataclass(frozen=True)
class Enclosed:
    """What a submission of this program holds besides the result itself."""

    run: OwnRun | None
    """The enclosed run; None when it cannot be read."""
    findings: tuple[Finding, ...]
    """What does not fit."""


def enclosed(tree: FileTree, found: FoundResult, status: str) -> Enclosed | None:
    """Read and check what belongs to a result of this program.

    Args:
        tree: Where it lies.
        found: The result.
        status: Status in the system description.

    Returns:
        None for a result that is not of this program.
    """
    code = _code_folder(found)
    manifest_path = f"{code}/{MANIFEST_FILE}"
    files = enclosed_run(tree, code)
    if manifest_path not in tree.sizes:
        if files is None and not _is_own(tree, found):
            return None
        text = f"{manifest_path} is missing: it lists the files of this result, which {WRITTEN_BY.split()[-1]} made."
        return Enclosed(None, (Finding(Kind.MISSING, LISTED, text),))
    try:
        content = tree.read(manifest_path, MAX_MANIFEST_BYTES)
        manifest = read_manifest(content, manifest_path)
    except DataError as error:
        return Enclosed(None, (Finding(Kind.MISSING, LISTED, str(error)),))
    findings = [*_names(found, manifest, manifest_path, status), *_files(tree, found, manifest, content)]
    if files is None:
        findings.append(Finding(Kind.MISSING, LISTED, f"{code}/run/transcript.jsonl is missing."))
        return Enclosed(None, tuple(findings))
    run = read_own_run(tree, files)
    findings += run.findings
    if run.record is not None:
        findings += _reproduced(tree, found, run)
        findings += _manifest(run.record, manifest, content, manifest_path)
        findings += _silicon(tree, found, run.record, manifest)
    return Enclosed(run, tuple(findings))


def _base(found: FoundResult) -> str:
    return f"{found.base}/" if found.base else ""


def _code_folder(found: FoundResult) -> str:
    benchmark = found.folder.rpartition("/")[2]
    return f"{_base(found)}{CODE}/{benchmark}/{found.system}"


def _is_own(tree: FileTree, found: FoundResult) -> bool:
    """Whether a log of the result names this program as its writer."""
    logs = [kinds["log"] for kinds in found.files.values() if "log" in kinds]
    return any(line.startswith(WRITTEN_BY) for path in logs for line in _head(tree, path))


def _head(tree: FileTree, path: str) -> Iterator[str]:
    try:
        for number, line in enumerate(tree.lines(path)):
            if number == HEAD_LINES:
                return
            yield line
    except DataError:
        return  # reported where the log is read for its metrics


def _names(found: FoundResult, manifest: Manifest, where: str, status: str) -> list[Finding]:
    """The names in the manifest against the folders it lies in, and against the description."""
    names = manifest.names
    pairs = [
        ("division", names.division, found.division or names.division),
        ("submitter", names.submitter, found.submitter or names.submitter),
        ("system", names.system, found.system),
        ("benchmark", names.benchmark, found.benchmark.name if found.benchmark else ""),
        ("status", names.status, status.lower()),
    ]
    return [
        Finding(
            Kind.DEVIATION,
            NAMED,
            f"{where} is of {what} {sanitize_for_terminal(stated, 80)!r}, it lies in that of {is_in!r}.",
        )
        for what, stated, is_in in pairs
        if stated != is_in
    ]


def _files(tree: FileTree, found: FoundResult, manifest: Manifest, content: bytes) -> list[Finding]:
    """Every listed file against its hash, and the files of the two folders that are not listed."""
    base = _base(found)
    where = f"{base}{manifest.names.code}/{MANIFEST_FILE}"
    findings = []
    lines = _lines_of_files(content)
    for name, wanted in manifest.files.items():
        path = base + name
        listed = f"{where} line {lines.get(json.dumps(name).encode(), 1)} lists it"
        if path not in tree.sizes:
            why = tree.refused.get(path, "is missing")
            findings.append(Finding(Kind.MISSING, LISTED, f"{sanitize_for_terminal(path)} {why}; {listed}."))
            continue
        try:
            got = digest_of(tree, path)
        except DataError as error:
            findings.append(Finding(Kind.MISSING, LISTED, str(error)))
            continue
        if got != wanted:
            name = sanitize_for_terminal(path)
            text = f"{name} was changed: its sha256 is {got[:16]}..., {listed} with {wanted[:16]}...."
            findings.append(Finding(Kind.DEVIATION, LISTED, text))
    names = {base + name for name in manifest.files}
    for folder in (_code_folder(found), found.folder):
        findings += _unlisted(tree, folder, names, where)
    return findings


def _lines_of_files(content: bytes) -> dict[bytes, int]:
    """The member that each line of a manifest begins with, in quotes as it stands there, and the line's number."""
    return {line.partition(b": ")[0].strip(): number for number, line in enumerate(content.split(b"\n"), start=1)}


def _unlisted(tree: FileTree, folder: str, listed: set[str], manifest: str) -> list[Finding]:
    there = [path for path in (*tree.sizes, *tree.refused) if path.startswith(f"{folder}/")]
    return [
        Finding(Kind.DEVIATION, LISTED, f"{sanitize_for_terminal(path)} was added: {manifest} does not list it.")
        for path in there
        if path not in listed and path != manifest and not _is_macos_file(path)
    ]


def _is_macos_file(path: str) -> bool:
    """What macOS writes, which ``layout`` reports."""
    name = path.rpartition("/")[2]
    return name in MACOS_FILES or name.startswith("._")


def _reproduced(tree: FileTree, found: FoundResult, run: OwnRun) -> list[Finding]:
    """The runner's files as the transcript gives them against those in the tree: the first line that differs."""
    assert run.record is not None and run.transcript is not None
    try:
        files = runner_files(run.record, inferences_of(run.transcript))
    except BenchError as error:
        return [Finding(Kind.DEVIATION, REPRODUCED, f"{run.files.transcript}: {error}")]
    findings = []
    for name, wanted in files.items():
        path = f"{found.folder}/{name}"
        if path not in tree.sizes:
            findings.append(Finding(Kind.MISSING, REPRODUCED, f"{path} is missing; the transcript gives it."))
            continue
        try:
            got = tree.read(path, max(2 * len(wanted), 1 << 20))
        except DataError as error:
            findings.append(Finding(Kind.MISSING, REPRODUCED, str(error)))
            continue
        if got != wanted:
            text = f"{path} {_first_difference(got, wanted, run.files.transcript)}"
            findings.append(Finding(Kind.DEVIATION, REPRODUCED, text))
    return findings


def _first_difference(got: bytes, wanted: bytes, source: str) -> str:
    """Where a text differs from the one that ``source`` gives: the line, and of a long line the column."""
    ours, theirs = wanted.split(b"\n"), got.split(b"\n")
    number = next(
        (n for n, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    is_line = theirs[number] if number < len(theirs) else b""
    wanted_line = ours[number] if number < len(ours) else b""
    at = next((n for n, (a, b) in enumerate(zip(is_line, wanted_line, strict=False)) if a != b), 0)
    start = max(0, at - 20)

    def part(line: bytes) -> str:
        return repr(sanitize_for_terminal(line[start : start + 60].decode("utf-8", "replace"), 60))

    column = f" column {start + 1}" if start else ""
    return f"line {number + 1}{column} is {part(is_line)}; {source} gives {part(wanted_line)}."


def _manifest(record: RunRecord, manifest: Manifest, content: bytes, where: str) -> list[Finding]:
    wanted = manifest_text(record, manifest.names, manifest.files)
    if content == wanted:
        return []
    text = f"{where} {_first_difference(content, wanted, 'the run with these names')}"
    return [Finding(Kind.DEVIATION, REPRODUCED, text)]


def _silicon(tree: FileTree, found: FoundResult, record: RunRecord, manifest: Manifest) -> list[Finding]:
    """A run without a board must be marked: in the system's name, its status and its hardware notes."""
    timing, names = record.settings.device.timing, manifest.names
    if timing not in NO_SILICON:
        return []
    wrong = _wrong(names, timing)
    path = _base(found) + names.description
    try:
        notes = tree.read(path, MAX_MANIFEST_BYTES) if path in tree.sizes else b""
    except DataError:
        notes = b""
    if NO_BOARD.encode() not in notes:
        wrong.append(f"{path} lacks {NO_BOARD!r} in its hardware notes")
    return [Finding(Kind.VIOLATION, SILICON, f"{text}: the run's time is {timing}.") for text in wrong]


def _wrong(names: Names, timing: str) -> list[str]:
    wrong = []
    if not names.system.startswith(timing):
        wrong.append(f"system {sanitize_for_terminal(names.system, 80)!r} does not begin with {timing!r}")
    if names.status != DEFAULT_STATUS:
        wrong.append(f"its status is {sanitize_for_terminal(names.status, 40)!r}, wanted {DEFAULT_STATUS!r}")
    return wrong
