# SPDX-License-Identifier: Apache-2.0
"""A recorded run repeated on the emulated board, in a folder where an interrupted reproduction goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from mlperf_tiny.disk import write_error
from mlperf_tiny.errors import BenchError, DataError
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.harness.run.prepare import prepare
from mlperf_tiny.harness.run.request import MODES, Mode, Request, level_of
from mlperf_tiny.harness.run.run import OpenDevice, resume_benchmark, run_benchmark
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, Transcript, read_transcript
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.reproduce.model import CATALOGUE, ChosenModel


@dataclass(frozen=True)
class Rerun:
    """The repeated run."""

    record: RunRecord
    """Its record."""
    transcript: Transcript
    """Its transcript."""


def rerun(
    recorded: RunRecord,
    model: ChosenModel,
    work: Path,
    data: Path | None,
    limit: int | None,
    listener: Listener,
    open_device: OpenDevice | None = None,
) -> Rerun:
    """Repeat a run with the same model, device, engine, iterations and inputs.

    Args:
        recorded: The recorded run.
        model: Its model.
        work: Folder of the repeated run. An interrupted run there goes on, a complete one is taken.
        data: The data folder.
        limit: Number of samples of the accuracy part; None: as recorded.
        listener: Takes each step.
        open_device: Opens devices instead of the usual function.

    Raises:
        DataError: The inputs are not found.
        BenchError: As ``run_benchmark``.
    """
    request = _request(recorded, _model_argument(recorded.settings, model, work), data, limit)
    request, image = _with_same_data(recorded.settings, request)
    listener = Listener(progress=listener.progress)
    opened = {} if open_device is None else {"open_device": open_device}
    folder = _started(work, image)
    if folder is not None:
        record, folder = resume_benchmark(folder, _data_only(request), listener, **opened)
    else:
        record, folder = run_benchmark(request, work, listener, **opened)
    return Rerun(record, read_transcript(folder / TRANSCRIPT_FILE))


def _request(recorded: RunRecord, model: str, data: Path | None, limit: int | None) -> Request:
    settings = recorded.settings
    firmware = settings.firmware
    limits = [number for number in (settings.limit, limit) if number is not None]
    is_emulated = settings.device.timing == "emulated"
    return Request(
        task=settings.task,
        device=settings.device.device,
        model=model,
        modes=cast(tuple[Mode, ...], tuple(mode for mode in MODES if mode in settings.modes)),
        data=data,
        synthetic=settings.data.source == "synthetic",
        engine=settings.engine,
        toolchain=firmware.toolchain if firmware else None,
        baud=firmware.baud if firmware and is_emulated else None,
        limit=min(limits, default=None),
        iterations=recorded.performance.iterations if recorded.performance else None,
        timing=level_of(settings) if is_emulated else None,
    )


def _model_argument(settings: Settings, model: ChosenModel, work: Path) -> str:
    """What ``--model`` would be: the catalogue's name, or a file in ``work`` under a name of our own."""
    if model.origin == CATALOGUE:
        return settings.model.name
    path = work / "enclosed.tflite"
    try:
        work.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.content)
    except OSError as error:
        raise write_error(error, path, "or name another folder with --work", DataError) from error
    return str(path)


def _with_same_data(settings: Settings, request: Request) -> tuple[Request, str]:
    """The request with which the recorded inputs are found, and the hash of the image it gets."""
    found = ""
    # Random values of a model's input tensor are called synthetic, whatever data was asked for.
    for synthetic in dict.fromkeys((request.synthetic, False)):
        asked = replace(request, synthetic=synthetic, data=None if synthetic else request.data)
        prepared = prepare(asked, lambda text: None)
        data = prepared.data.info
        if (data.digest, data.source) == (settings.data.digest, settings.data.source):
            return asked, prepared.firmware.elf_sha256 if prepared.firmware else ""
        found = found or data.summary
    raise DataError(
        f"its inputs are not found: the run had {settings.data.summary[:200]!r}, here is {found!r}. Name the data "
        "folder with --data or MLPERF_TINY_DATA."
    )


def _started(work: Path, image: str) -> Path | None:
    """A run in ``work`` that was made with this image, complete or not."""
    for path in _run_folders(work):
        try:
            firmware = read_record(path).settings.firmware
        except BenchError:
            continue  # a damaged one stays, and another one is started
        if firmware is not None and firmware.elf_sha256 == image:
            return path
    return None


def _run_folders(work: Path) -> Iterable[Path]:
    return (path.parent for path in sorted(work.glob(f"*/{TRANSCRIPT_FILE}")))


def _data_only(request: Request) -> Request:
    """What a resumed run takes of a request: where the data is."""
    return Request(data=request.data, synthetic=request.synthetic)
