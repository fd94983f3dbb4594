# SPDX-License-Identifier: Apache-2.0
"""One benchmark run from a request to a record.

A run folder holds ``transcript.jsonl``, ``record.json``, the model as ``model.tflite`` and, where an image was built,
``firmware.elf``: all that is needed to go on after an interruption, for anybody to compute every figure again, and to
build the image again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mlperf_tiny.errors import BenchError, RecordError, UsageError
from mlperf_tiny.firmware.boards import DEVICES
from mlperf_tiny.harness.image.build import ELF_FILE
from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import (
    RECORD_FILE,
    RunRecord,
    compute_record,
    record_differences,
    stated_seal,
    write_record,
)
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.run import modes
from mlperf_tiny.harness.run.prepare import Prepared, Request, prepare, prepare_again, refuse_other_wishes
from mlperf_tiny.harness.wire.session import Session, Timeouts
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, TranscriptWriter, read_transcript
from mlperf_tiny.models.tasks import TASKS, find_task
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.recording import RecordingTransport
from mlperf_tiny.runners.transports.serial_port import is_local_program
from mlperf_tiny.runners.transports.transport import Transport

MODEL_FILE = "model.tflite"


class OpenDevice(Protocol):
    """Opens the byte pipe a URL names; tests put a fake device here."""

    def __call__(self, url: str, *, baud: int | None = None) -> Transport: ...


def run_benchmark(
    request: Request, out: Path, listener: Listener, open_device: OpenDevice = open_transport
) -> tuple[RunRecord, Path]:
    """Make a new run in a folder of its own under ``out``; return its record and that folder.

    Raises UsageError, DataError, BuildError, TransportError or ProtocolError; what was measured until then is kept.
    """
    if request.port is not None and request.task is None:
        request = replace(request, task=_task_on(request.port, request, listener, open_device))
    prepared = prepare(request, listener.log)
    folder = out / prepared.settings.run_id
    listener.log(f"opening {prepared.url}")
    transport = open_device(prepared.url, baud=request.baud)
    try:
        _make_folder(folder, prepared)
        return _measure(prepared, folder, Measured(), transport, _timeouts(request), listener), folder
    finally:
        transport.close()


def resume_benchmark(
    folder: Path, request: Request, listener: Listener, open_device: OpenDevice = open_transport
) -> tuple[RunRecord, Path]:
    """Go on with the interrupted run in ``folder``; what is measured already is not measured again.

    Of a complete run the figures are computed again from the transcript, and ``record.json`` is written anew: no
    device is needed. ``request`` may say where the data is, the port and the time-out; anything else in it must be as
    it was. Raises RecordError when it is not, when the transcript is not as the run left it, and what run_benchmark
    raises.
    """
    transcript = read_transcript(folder / TRANSCRIPT_FILE, stated_seal(folder))
    done = measure(transcript)
    settings = Settings.from_event(transcript[0])
    if done.ended:
        refuse_other_wishes(settings, request, folder)
        listener.log(f"{folder} is complete; its figures are computed again from its transcript")
        for difference in record_differences(compute_record(transcript), folder):
            listener.log(f"{RECORD_FILE} was changed and is written anew: {difference}")
        return _record(folder), folder
    prepared = prepare_again(settings, request, folder)
    listener.log(f"opening {prepared.url}")
    transport = open_device(prepared.url, baud=request.baud)
    try:
        return _measure(prepared, folder, done, transport, _timeouts(request), listener, resuming=True), folder
    finally:
        transport.close()


def _make_folder(folder: Path, prepared: Prepared) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise RecordError(f"{folder} cannot be made: {error.strerror}. Name another folder with --out.") from error
    if prepared.elf is not None:
        shutil.copy(prepared.elf, folder / ELF_FILE)  # with its mode: the host's image is started from here
    if prepared.model is not None:
        (folder / MODEL_FILE).write_bytes(prepared.model)


def _measure(
    prepared: Prepared,
    folder: Path,
    done: Measured,
    transport: Transport,
    timeouts: Timeouts,
    listener: Listener,
    resuming: bool = False,
) -> RunRecord:
    """Run the modes, write the transcript and, however that ends, the record."""
    settings = _with_timing(prepared.settings, transport)
    if resuming and settings.device.timing != prepared.settings.device.timing:
        raise RecordError(
            f"{folder} was measured in {prepared.settings.device.timing} time, {prepared.url} runs in "
            f"{settings.device.timing} time. Start a new run."
        )
    if resuming and settings.device.timing_model != prepared.settings.device.timing_model:
        raise RecordError(
            f"{folder} was measured with timing model {prepared.settings.device.timing_model!r}, this program has "
            f"{settings.device.timing_model!r}. Start a new run."
        )
    clock: Callable[[], float] = getattr(transport, "clock", time.monotonic)
    started_s = clock()
    transcript = TranscriptWriter(folder / TRANSCRIPT_FILE, lambda: clock() - started_s)
    try:
        if resuming:
            transcript.event("resume")
        else:
            transcript.event("meta", **settings.to_event())
        with _reason_kept(transcript, folder, listener):
            session = Session(
                RecordingTransport(transport, transcript.listen),
                timeouts,
                clock,
                note=lambda text: transcript.event("note", s=text),
            )
            bench = modes.Bench(session, transcript.event, listener.progress, clock, counters_of(transport))
            _run_modes(bench, prepared, done, listener)
            transcript.event("end")
    finally:
        transcript.close()
    return _record(folder)


def _record(folder: Path) -> RunRecord:
    record = compute_record(read_transcript(folder / TRANSCRIPT_FILE))
    write_record(record, folder)
    return record


def _run_modes(bench: modes.Bench, prepared: Prepared, done: Measured, listener: Listener) -> None:
    settings = prepared.settings
    listener.log("waiting for the device")
    identity = bench.session.start()
    wanted = done.identity.model_id if done.identity else find_task(settings.task).model_id
    if identity.model_id != wanted:
        raise UsageError(
            f"the device holds firmware for {identity.model_id!r}, this run is for {wanted!r}. "
            "Flash the right firmware or name its task with --task."
        )
    listener.log(f"the device answers: {identity.vendor or 'no name'}, {identity.model_id}")
    if "performance" in settings.modes:
        modes.performance(bench, prepared.performance, done, settings.iterations)
    if "accuracy" in settings.modes:
        modes.accuracy(bench, prepared.dataset, prepared.accuracy, done)


def counters_of(transport: Transport) -> Callable[[], dict[str, int]] | None:
    """Return a function giving an emulated device's counters since power-on; None for devices that have none."""
    found: Callable[[], dict[str, int]] | None = getattr(transport, "counters", None)
    return found


def _task_on(port: str, request: Request, listener: Listener, open_device: OpenDevice) -> str:
    """Ask the device behind ``port`` which benchmark it holds."""
    listener.log(f"asking {port} what it holds")
    transport = open_device(port, baud=request.baud)
    try:
        clock: Callable[[], float] = getattr(transport, "clock", time.monotonic)
        model_id = Session(transport, _timeouts(request), clock).start().model_id
    finally:
        transport.close()
    for task in TASKS:
        if task.model_id == model_id:
            return task.name
    known = ", ".join(task.model_id for task in TASKS)
    raise UsageError(f"{port} holds firmware for {model_id!r}; known are {known}.")


def _with_timing(settings: Settings, transport: Transport) -> Settings:
    model: str = getattr(transport, "timing_model", "")
    level: str = getattr(transport, "timing_level", "")
    timing = "emulated" if is_local_program(transport.url) else transport.timing
    device = replace(settings.device, timing=timing, timing_model=model, timing_level=level)
    board = DEVICES.get(device.device)
    if timing == "emulated" and board is not None and board.power is not None:
        power = board.power
        device = replace(
            device,
            active_power_w=power.active_w,
            lowest_power_w=power.lowest_w,
            highest_power_w=power.highest_w,
            power_source=power.source,
        )
    return replace(settings, device=device)


def _timeouts(request: Request) -> Timeouts:
    wished_s = request.timeout_s
    return Timeouts() if wished_s is None else Timeouts(command_s=wished_s, infer_s=wished_s, name_s=wished_s)


@contextmanager
def _reason_kept(transcript: TranscriptWriter, folder: Path, listener: Listener) -> Iterator[None]:
    """Write into the transcript why a run ended before its end, what it measured into the record, and say where."""
    try:
        yield
    except (BenchError, OSError, KeyboardInterrupt) as error:
        # A full disk, a record that cannot be computed or a closed terminal must not hide why the run ended.
        with suppress(BenchError, OSError):
            transcript.event("stop", s=str(error) or "interrupted by the user")
        with suppress(BenchError, OSError):
            _record(folder)
        if isinstance(error, UsageError):  # the same again would end the same way
            raise
        with suppress(OSError):
            listener.log(f"what was measured is kept; go on with --resume {folder}")
        raise
