# SPDX-License-Identifier: Apache-2.0
"""A finished run into a submission tree: whether it may be submitted, its files, their places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlperf_tiny.errors import BenchError, DataError, RecordError, WrongRequest
from mlperf_tiny.harness.record.compute import compute_record
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.record.record_file import stated_digest
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.run.prepare import prepare
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run_folder import MODEL_FILE
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, parse_transcript, read_transcript
from mlperf_tiny.models.catalog.catalog import find_model, model_names
from mlperf_tiny.models.catalog.model import read_model
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.results.mlperf.names import Entry, names_of
from mlperf_tiny.results.submission.description import check_overrides
from mlperf_tiny.results.submission.eligible import reasons_after_run, reasons_before_run
from mlperf_tiny.results.submission.files import ResultFiles, result_files
from mlperf_tiny.results.submission.inferences import inferences_of
from mlperf_tiny.results.submission.manifest import sha256
from mlperf_tiny.results.submission.runner_files import quality_of
from mlperf_tiny.results.submission.write import Written, check_place, write_result
from mlperf_tiny.runners.transports.transport import DeviceInfo


def check_request(
    request: Request, entry: Entry, root: Path, replace: bool = False, log: Callable[[str], None] = lambda text: None
) -> None:
    """Raise before a run what would otherwise be raised after it; of a device behind a port only the run itself can.

    Args:
        request: The run.
        entry: What the submitter entered.
        root: The submission tree.
        replace: Whether a result that exists already is replaced.
        log: Takes one sentence for each step.

    Raises:
        UsageError: Options do not go together, or the result exists already.
        DataError: The run may not be submitted.
        BenchError: As the run itself, where it cannot be prepared.
    """
    check_place(root)
    if request.port is not None and request.task is None:
        return
    prepared = prepare(request, log)
    timing = "" if request.port is not None else "host" if request.device == "host" else "emulated"
    settings = prepared.settings(DeviceInfo(timing=timing))
    if timing:
        check_place(root, names_of(settings, entry), replace)
        check_overrides(timing, entry.overrides)
    if reasons := reasons_before_run(settings):
        raise WrongRequest(_refusal("such a run", reasons))


def check_folder(folder: Path, entry: Entry, root: Path, replace: bool = False) -> None:
    """Raise before a run is resumed what would otherwise be raised after it; a complete one is checked by ``submit``.

    Args:
        folder: The run folder.
        entry: What the submitter entered.
        root: The submission tree.
        replace: Whether a result that exists already is replaced.

    Raises:
        UsageError: Options do not go together, or the result exists already.
        DataError: The run may not be submitted.
    """
    transcript = read_transcript(folder / TRANSCRIPT_FILE, stated_digest(folder))
    settings = Settings.from_event(transcript[0])
    names = names_of(settings, entry)
    check_overrides(settings.device.timing, entry.overrides)
    check_place(root, None if measure(transcript).ended else names, replace)
    if reasons := reasons_before_run(settings):
        raise DataError(_refusal(str(folder), reasons))


def submit(folder: Path, entry: Entry, root: Path, replace: bool = False, request: Request | None = None) -> Written:
    """Put a run into a submission tree.

    Args:
        folder: The run folder.
        entry: What the submitter entered.
        root: The submission tree.
        replace: Whether a result that exists already is replaced.
        request: May name the data folder and the model.

    Raises:
        DataError: The run may not be submitted, for the reasons given, or the disk is full.
        RecordError: The run folder is damaged.
        UsageError: Another result exists already.
    """
    return write_result(root, files_of_run(folder, entry, request), replace)


def files_of_run(folder: Path, entry: Entry, request: Request | None = None) -> ResultFiles:
    """Return the files of the result of a run.

    Args:
        folder: The run folder.
        entry: What the submitter entered.
        request: May name the data folder and the model.

    Raises:
        DataError: The run may not be submitted, for the reasons given.
        RecordError: The run folder is damaged.
    """
    path = folder / TRANSCRIPT_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}. Name the folder of a run.") from error
    transcript = parse_transcript(content, str(path), stated_digest(folder))
    record, inferences = compute_record(transcript), inferences_of(transcript)
    names = names_of(record.settings, entry)
    quality = quality_of(inferences.accuracy, find_task(record.settings.task))
    if reasons := reasons_after_run(record, quality):
        raise DataError(_refusal(str(folder), reasons))
    model = _model(folder, record.settings, request or Request())
    return result_files(record, inferences, names, model, content, entry.overrides)


def _model(folder: Path, settings: Settings, request: Request) -> bytes:
    """The .tflite the run had, found by its hash: from the run's folder, the file that was named, or the catalogue."""
    wanted = settings.model
    named = [Path(request.model)] if request.model and request.model.endswith(".tflite") else []
    places = [folder / MODEL_FILE, *named]
    found = [read_model(path) for path in places if path.is_file()]
    if wanted.origin != "path" and wanted.name in model_names():
        try:
            found.append(find_model(wanted.name, data_dir=request.data).load())
        except BenchError as error:
            if not found:
                raise error
    for content in found:
        if sha256(content) == wanted.sha256:
            return content
    raise DataError(
        f"the model {wanted.name} of {folder} (sha256 {wanted.sha256}) is not found. Name its file with --model."
    )


def _refusal(what: str, reasons: tuple[str, ...]) -> str:
    return f"{what} may not be submitted: {'; '.join(reasons)}."
