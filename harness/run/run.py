# SPDX-License-Identifier: Apache-2.0
"""One benchmark run from a request to a record.

A run folder holds ``transcript.jsonl``, ``record.json``, the model as ``model.tflite`` and, where an image was built,
``firmware.elf``. That is all that is needed to resume the run, to recompute every metric and to rebuild the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from mlperf_tiny.errors import BenchError, RecordError, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.harness.record.compute import compute_record
from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import RECORD_FILE, record_differences, stated_digest, write_record
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.run import modes
from mlperf_tiny.harness.run.data_choice import DataChoice
from mlperf_tiny.harness.run.prepare import image_url, prepare, prepare_resume
from mlperf_tiny.harness.run.request import Request, check_resume_matches
from mlperf_tiny.harness.run.run_folder import (
    is_begun,
    make_run_folder,
    only_run,
    remove_run_folder,
    removed_unless_begun,
)
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.harness.wire.transcript_writer import TranscriptWriter
from mlperf_tiny.models.tasks import TASKS, find_task
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.emulator.timing.levels import model_of_core
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.recording import RecordingTransport
from mlperf_tiny.runners.transports.serial_port import is_local_program
from mlperf_tiny.runners.transports.transport import DeviceInfo, Transport, clock_of, counters_of, unmodelled_of

FOREIGN_TIMEOUT_S = 600.0
"""For an answer of an emulated board that takes its input by interrupt, on a busy host. One that is silent is found at
once: it waits for input."""


class OpenDevice(Protocol):
    """Opens the byte pipe a URL names; tests put a fake device here."""

    def __call__(self, url: str, *, baud: int | None = None) -> Transport: ...


def run_benchmark(
    request: Request, out: Path, listener: Listener, open_device: OpenDevice = open_transport
) -> tuple[RunRecord, Path]:
    """Make a new run; return its record and its folder.

    Args:
        request: What the user asked for.
        out: The run gets a folder of its own below it.
        listener: Takes log and progress.
        open_device: Opens the device.

    Raises:
        UsageError: for a request that cannot be fulfilled.
        DataError: for a model or data that cannot be read.
        BuildError: for an image that cannot be built.
        TransportError, ProtocolError: when the device fails; what was measured until then is kept.
    """
    holder = _holder(request)
    if holder is not None and request.task is None:
        request = replace(request, task=_task_on(holder, request, listener, open_device))
    prepared = prepare(request, listener.log)
    if prepared.data.unused:
        listener.log(prepared.data.unused)
    listener.log(f"opening {prepared.url}")
    transport = open_device(prepared.url, baud=request.baud)
    try:
        settings = prepared.settings(_device_info(transport))
        folder = out / settings.run_id
        make_run_folder(folder, prepared)
        with only_run(folder), removed_unless_begun(folder), _resume_named(folder, listener):
            run = _Run(settings, prepared.data, folder, transport, _timeouts(request), listener)
            return run.measure(Measured()), folder
    finally:
        transport.close()


def resume_benchmark(
    folder: Path, request: Request, listener: Listener, open_device: OpenDevice = open_transport
) -> tuple[RunRecord, Path]:
    """Resume an interrupted run; what is measured already is not measured again.

    Of a complete run the record is recomputed from the transcript and ``record.json`` is written; no device is needed.

    Args:
        folder: The run's folder.
        request: Where the data is, the port and the time-out; anything else must be as it was.
        listener: Takes log and progress.
        open_device: Opens the device.

    Raises:
        RecordError: when the request or the data are not the run's, and for a transcript that was changed.
        HeldElsewhere: when another process writes this run.
        BenchError: as ``run_benchmark`` does.
    """
    with only_run(folder), _resume_named(folder, listener):
        return _resume(folder, request, listener, open_device), folder


def _resume(folder: Path, request: Request, listener: Listener, open_device: OpenDevice) -> RunRecord:
    transcript = read_transcript(folder / TRANSCRIPT_FILE, stated_digest(folder))
    done = measure(transcript)
    settings = Settings.from_event(transcript[0])
    if done.ended:
        check_resume_matches(settings, request, folder)
        listener.log(f"{folder} is complete; its record is recomputed from its transcript")
        for difference in record_differences(compute_record(transcript), folder):
            listener.log(f"{RECORD_FILE} was changed and is rewritten: {difference}")
        return _record(folder)
    prepared = prepare_resume(settings, request, folder)
    listener.log(f"opening {prepared.url}")
    transport = open_device(prepared.url, baud=request.baud)
    try:
        _check_same_time(settings, _device_info(transport), folder, prepared.url)
        run = _Run(settings, prepared.data, folder, transport, _timeouts(request), listener)
        return run.measure(done, resuming=True)
    finally:
        transport.close()


def _check_same_time(settings: Settings, info: DeviceInfo, folder: Path, url: str) -> None:
    """Raise RecordError when the device of a resumed run has another kind or model of time than the run."""
    was = settings.device
    if info.timing != was.timing:
        raise RecordError(
            f"{folder} was measured in {was.timing} time, {url} runs in {info.timing} time. Start a new run."
        )
    if model_of_core(info.timing_model, was.cpu) != model_of_core(was.timing_model, was.cpu):
        raise RecordError(
            f"{folder} was measured with timing model {was.timing_model!r}, this program has "
            f"{info.timing_model!r}. Start a new run."
        )


@dataclass(frozen=True)
class _Run:
    """A run with its device."""

    settings: Settings
    data: DataChoice
    folder: Path
    transport: Transport
    timeouts: Timeouts
    listener: Listener

    def measure(self, done: Measured, resuming: bool = False) -> RunRecord:
        """Run the modes, write the transcript and, however that ends, the record."""
        transport, folder = self.transport, self.folder
        clock = clock_of(transport)
        started_s = clock()
        transcript = TranscriptWriter(folder / TRANSCRIPT_FILE, lambda: clock() - started_s)
        try:
            with _reason_kept(transcript, self.settings, folder, self.listener, resuming):
                self._first_event(transcript, resuming)
                session = Session(
                    RecordingTransport(transport, transcript.listen),
                    self.timeouts,
                    clock,
                    note=lambda text: transcript.event("note", s=text),
                    result_values=self.settings.result_values,
                    line_dropped=transcript.drop_line,
                )
                bench = modes.Bench(session, transcript.event, self.listener.progress, clock, counters_of(transport))
                self._run_modes(bench, done)
                for what, times in unmodelled_of(transport).items():
                    transcript.event("note", s=f"not emulated: {what} ({times:,} times)")
            transcript.event("end")
        finally:
            transcript.close()
            if _is_silent_port(self.settings, transcript, resuming):
                remove_run_folder(folder)
        return _record(folder)

    def _first_event(self, transcript: TranscriptWriter, resuming: bool) -> None:
        if resuming:
            transcript.event("resume")
        else:
            transcript.event("meta", **self.settings.to_event())

    def _run_modes(self, bench: modes.Bench, done: Measured) -> None:
        settings, data, log = self.settings, self.data, self.listener.log
        log("waiting for the device")
        identity = bench.session.start()
        wanted = find_task(settings.task).model_id  # never what an earlier try found: it may have been refused
        if identity.model_id != wanted:
            raise UsageError(
                f"the device holds firmware for {identity.model_id!r}, this run is for {wanted!r}. "
                "Flash the right firmware or name its task with --task."
            )
        log(f"the device answers: {identity.vendor or 'no name'}, {identity.model_id}")
        if "performance" in settings.modes:
            modes.performance(bench, data.performance, done, settings.iterations)
        if "accuracy" in settings.modes:
            modes.accuracy(bench, data.dataset, data.accuracy, done)


def _record(folder: Path) -> RunRecord:
    record = compute_record(read_transcript(folder / TRANSCRIPT_FILE))
    write_record(record, folder)
    return record


def _holder(request: Request) -> str | None:
    """The URL of a device that comes with its firmware; None where an image is built."""
    if request.image is None:
        return request.port
    if request.device is None:
        return None
    return image_url(find_board(request.device), request.image.resolve(), request.timing)


def _task_on(port: str, request: Request, listener: Listener, open_device: OpenDevice) -> str:
    """Ask the device behind ``port`` which benchmark it holds."""
    listener.log(f"asking {port} what it holds")
    transport = open_device(port, baud=request.baud)
    try:
        model_id = Session(transport, _timeouts(request), clock_of(transport)).start().model_id
    finally:
        transport.close()
    for task in TASKS:
        if task.model_id == model_id:
            return task.name
    known = ", ".join(task.model_id for task in TASKS)
    raise UsageError(f"{port} holds firmware for {model_id!r}; known are {known}.")


def _device_info(transport: Transport) -> DeviceInfo:
    info = transport.device_info
    return replace(info, timing="emulated") if is_local_program(transport.url) else info


def _timeouts(request: Request) -> Timeouts:
    given_s = request.timeout_s
    if given_s is None and request.image is not None:
        given_s = FOREIGN_TIMEOUT_S
    return Timeouts() if given_s is None else Timeouts(command_s=given_s, infer_s=given_s, name_s=given_s)


def _is_silent_port(settings: Settings, transcript: TranscriptWriter, resuming: bool) -> bool:
    """Whether nothing ever came from a device that holds its own firmware: there is no run to keep or to resume."""
    return settings.firmware is None and not resuming and not transcript.heard


@contextmanager
def _resume_named(folder: Path, listener: Listener) -> Iterator[None]:
    """When Ctrl-C ends a run that has begun, log how to resume it."""
    try:
        yield
    except KeyboardInterrupt:
        if is_begun(folder):
            with suppress(OSError):
                listener.log(f"what was measured is kept; resume it with --resume {folder}")
        raise


@contextmanager
def _reason_kept(
    transcript: TranscriptWriter, settings: Settings, folder: Path, listener: Listener, resuming: bool
) -> Iterator[None]:
    """When a run stops before its end, write the reason into the transcript, and the record; log how to resume.

    How to resume after Ctrl-C is logged by ``_resume_named``, which also sees what comes after the last measurement.
    """
    try:
        yield
    except (BenchError, OSError, KeyboardInterrupt) as error:
        if not transcript.begun:  # nothing in this folder can be resumed
            raise
        if _is_silent_port(settings, transcript, resuming):
            with suppress(OSError):
                listener.log(f"nothing came from {settings.device.url}: no run folder is kept")
            raise
        # A full disk, a record that cannot be computed or a closed terminal must not hide why the run stopped.
        with suppress(BenchError, OSError):
            transcript.event("stop", s=str(error) or "interrupted by the user")
        with suppress(BenchError, OSError):
            _record(folder)
        if isinstance(error, UsageError | KeyboardInterrupt):  # the former again would end the same way
            raise
        with suppress(OSError):
            listener.log(f"what was measured is kept; resume it with --resume {folder}")
        raise
