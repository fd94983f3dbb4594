# SPDX-License-Identifier: Apache-2.0
"""From what the user asked for to all that a run needs before its device is opened: rows, model, image and data."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from mlperf_tiny.errors import RecordError, UsageError, WrongRequest
from mlperf_tiny.file_names import plain_text
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.wire import ResultFormat
from mlperf_tiny.harness.image.build import ELF_FILE
from mlperf_tiny.harness.image.engines import DEFAULT_ENGINE, find_engine
from mlperf_tiny.harness.image.parts import ImageParts, resolve_parts
from mlperf_tiny.harness.record.settings import (
    ForeignImage,
    InputInfo,
    ModelInfo,
    Settings,
)
from mlperf_tiny.harness.run.data_choice import choose_data
from mlperf_tiny.harness.run.division import division_of
from mlperf_tiny.harness.run.prepared import PreparedRun, ResumedRun
from mlperf_tiny.harness.run.request import Request, check_baud, check_resume_matches, check_timing, level_of, task_of
from mlperf_tiny.models.catalog.catalog import feature_input_of, find_model
from mlperf_tiny.models.catalog.model import CatalogModel
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.models.data.download.download import file_sha256
from mlperf_tiny.models.tasks import Task, find_task
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL

ON_THE_DEVICE = "on the device"
"""Recorded as engine, and as model where none is named, of a device that holds its firmware already."""

FOREIGN = "foreign image"
"""Recorded as engine of an image that was given as a file."""

FOREIGN_FILE = "firmware"
"""What such an image is called in the run's folder, with its own suffix."""

_UNKNOWN_MODEL = ModelInfo(
    name=ON_THE_DEVICE, sha256="", size_bytes=0, origin="device", training_data="unknown", licence="unknown", url=""
)


def prepare(request: Request, log: Callable[[str], None]) -> PreparedRun:
    """Find the rows, the model and the data, and build the image; with a port nothing is built.

    Args:
        request: What the user asked for; with a port it must name the task or the model.
        log: Takes one sentence for each step.

    Raises:
        UsageError: for what does not exist or does not go together.
        DataError: for a model or data that cannot be read.
        BuildError: for an image that cannot be built.
    """
    engine = find_engine(request.engine or DEFAULT_ENGINE)
    task = task_of(request)
    board = None if request.device is None else find_board(request.device)
    check_timing(request, board)
    engine.toolchain(request.toolchain)
    if request.port is not None:
        return _prepare_port(request, request.port, task, board)
    if board is None:
        raise UsageError("missing option --device (benchmark-devices lists them) or --port.")
    if request.image is not None:
        return _prepare_image(request, request.image, task, board)
    check_baud(board, request.baud)
    engine.check_board(board, os.environ)
    model = find_model(task.default_model if request.model is None else request.model, task.name, data_dir=request.data)
    log(f"model {model.name}, {model.origin}")
    parts = resolve_parts(engine.name, board, model, request.toolchain, request.baud)
    _check_output(parts, task, model.name)
    image = parts.build(cache_folder(), log)
    pipeline = feature_input_of(model.sha256)
    inputs = InputInfo(
        format=parts.input_format, size_bytes=parts.model.input.size_bytes, classes=pipeline.classes if pipeline else ()
    )
    info = _model_info(model, parts.content)
    level = request.timing or DEFAULT_LEVEL
    return PreparedRun(
        request=request,
        task=task,
        engine=engine.name,
        board=board,
        model=info,
        division=division_of(model),
        inputs=inputs,
        data=choose_data(task, info, inputs, request.data, request.synthetic, request.modes, request.limit),
        url=_url(board, image.elf.resolve(), level),
        recorded_url=_url(board, Path(ELF_FILE), level),
        firmware=image.info,
        elf=image.elf,
        content=parts.content,
    )


def _prepare_port(request: Request, port: str, task: Task, board: Board | None) -> PreparedRun:
    """The same for a device that holds its firmware already."""
    model = None if request.model is None else find_model(request.model, task.name, data_dir=request.data)
    content = model.load() if model else None
    info = _UNKNOWN_MODEL if model is None or content is None else _model_info(model, content)
    inputs = _inputs_of(model, task)
    return PreparedRun(
        request=request,
        task=task,
        engine=ON_THE_DEVICE,
        board=board,
        model=info,
        division=division_of(model),
        inputs=inputs,
        data=choose_data(task, info, inputs, request.data, request.synthetic, request.modes, request.limit),
        url=port,
        recorded_url=port,
        content=content,
    )


def _prepare_image(request: Request, image: Path, task: Task, board: Board) -> PreparedRun:
    """The same for an image that was given as a file: the board is emulated, and nothing is built."""
    if not image.is_file():
        raise UsageError(f"cannot read the image {image}: no such file. Name an ELF, HEX or BIN file.")
    run = _prepare_port(request, image_url(board, image.resolve(), request.timing), task, board)
    file = FOREIGN_FILE + image.suffix.lower()
    given = ForeignImage(
        file=file, name=plain_text(image.name), sha256=file_sha256(image), size_bytes=image.stat().st_size
    )
    recorded = image_url(board, Path(file), request.timing)
    return replace(run, engine=FOREIGN, recorded_url=recorded, elf=image, image_file=file, image=given)


def image_url(board: Board, image: Path, timing: str | None) -> str:
    """Return the URL of an emulated board with an image that was not built here.

    Args:
        board: The board's row.
        image: The file.
        timing: The timing level; None: the default.

    Raises:
        UsageError: for the host, which runs no such image.
    """
    if board.is_host:
        raise UsageError("--image is run on an emulated board; name one with --device (benchmark-devices lists them).")
    return f"emu://{board.device}?image={quote(str(image))}&timing={timing or DEFAULT_LEVEL}"


def prepare_resume(settings: Settings, request: Request, folder: Path) -> ResumedRun:
    """Prepare a run that was interrupted: nothing is built, the image is the one kept in its folder.

    Args:
        settings: Settings of the run.
        request: Where the data is, the port and the time-out; anything else must be as it was.
        folder: The run's folder.

    Raises:
        RecordError: when the request, the image or the data are not those of the run.
    """
    check_resume_matches(settings, request, folder)
    url = request.port or settings.device.url
    if settings.firmware is not None:
        elf = _kept(folder / ELF_FILE, settings.firmware.elf_sha256)
        url = _url(find_board(settings.device.device), elf.resolve(), level_of(settings))
    elif settings.image is not None:
        image = _kept(folder / settings.image.file, settings.image.sha256)
        url = image_url(find_board(settings.device.device), image.resolve(), level_of(settings))
    synthetic = request.synthetic or (settings.data.source == "synthetic" and not request.data)
    task = find_task(settings.task)
    data = choose_data(task, settings.model, settings.inputs, request.data, synthetic, settings.modes, settings.limit)
    was, now = settings.data, data.info
    if (was.digest, was.source) != (now.digest, now.source):
        raise WrongRequest(
            f"{folder} belongs to a run on other data: it was {was.summary!r}, is {now.summary!r}. "
            "Give the same data with --data, or start a new run."
        )
    return ResumedRun(data=data, url=url)


def _kept(image: Path, sha256: str) -> Path:
    """The image of a run, which must be the one it had."""
    try:
        got = file_sha256(image)
    except OSError as error:
        raise RecordError(f"{image} cannot be read: {error.strerror}. Restore it or start a new run.") from error
    if got != sha256:
        raise RecordError(f"{image} has sha256 {got}, the run had {sha256}. Restore it or start a new run.")
    return image


def _inputs_of(model: CatalogModel | None, task: Task) -> InputInfo:
    """What a board that came with its model takes: as the catalogue has it, else the benchmark's files."""
    if model is None or model.input_format != "features":
        return InputInfo(format="benchmark", size_bytes=task.window_bytes)
    classes = model.feature_input.classes if model.feature_input else ()
    return InputInfo(format="features", size_bytes=model.input_bytes or task.window_bytes, classes=classes)


def _check_output(parts: ImageParts, task: Task, name: str) -> None:
    """Raise UsageError for a model that takes the task's files and does not answer as the task wants."""
    if parts.input_format != "benchmark":
        return
    # For its one score of a window the device compares the output with the input.
    wanted = parts.model.input.size_bytes if parts.wire.results is ResultFormat.MSE else task.classes
    got = parts.model.output.size_bytes
    if got != wanted:
        raise UsageError(f"model {name} has {got} outputs, task {task.name} needs {wanted}. Name a model of this task.")


def _model_info(model: CatalogModel, content: bytes) -> ModelInfo:
    return ModelInfo(
        name=model.name,
        sha256=model.sha256,
        size_bytes=len(content),
        origin=model.origin,
        training_data=model.training_data,
        licence=model.licence,
        url=model.url,
    )


def _url(board: Board, elf: Path, timing: str) -> str:
    if board.is_host:
        return f"host://{elf}"
    return f"emu://{board.device}?elf={quote(str(elf))}&timing={timing}"
