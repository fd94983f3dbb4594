# SPDX-License-Identifier: Apache-2.0
"""From what the user asked for to all that a run needs: rows, inputs, an image, and the settings to record."""

from __future__ import annotations

import datetime
import math
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from mlperf_tiny.errors import RecordError, UsageError
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.wire import ResultFormat, WireFormat
from mlperf_tiny.harness.image.build import ELF_FILE
from mlperf_tiny.harness.image.engines import DEFAULT_ENGINE, find_engine
from mlperf_tiny.harness.image.parts import resolve_parts
from mlperf_tiny.harness.record.settings import (
    UNKNOWN_DEVICE,
    DatasetInfo,
    InputInfo,
    ModelInfo,
    RunDevice,
    Settings,
    versions,
)
from mlperf_tiny.models.catalog.catalog import CatalogModel, InputFormat, find_model, own_input_of
from mlperf_tiny.models.data.download.cache import cache_folder, data_folder
from mlperf_tiny.models.data.download.download import file_sha256
from mlperf_tiny.models.data.formats.dataset import Dataset, Sample
from mlperf_tiny.models.data.formats.labels import Listed, list_digest
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.inputs.feature_inputs import own_dataset
from mlperf_tiny.models.inputs.select import accuracy_inputs, performance_inputs
from mlperf_tiny.models.tasks import BY_NAME, Task, find_task, task_names
from mlperf_tiny.runners.emulator.timing.levels import DEFAULT_LEVEL, LEVELS, find_level

Mode = Literal["performance", "accuracy"]
MODES: tuple[Mode, ...] = ("performance", "accuracy")
UART_DIVISOR = (16, 0xFFFF)  # of the STM32 USART's clock, least and largest

_NAMES = ", ".join(sorted(BY_NAME))


@dataclass(frozen=True)
class Request:
    """What the user asked for; None is "as usual".

    ``modes`` None: performance, and accuracy where the data can tell right from wrong. ``port`` is a serial port or
    URL of a device that holds its firmware already; ``device`` and ``model`` are then what it is recorded under.
    ``limit`` cuts an accuracy run to the first samples. ``timeout_s`` is how long an answer may take, in host seconds.
    ``timing`` is the level at which an emulated board's time is modelled.
    """

    task: str | None = None
    device: str | None = None
    model: str | None = None
    modes: tuple[Mode, ...] | None = None
    data: Path | None = None
    synthetic: bool = False
    port: str | None = None
    baud: int | None = None
    engine: str | None = None
    toolchain: str | None = None
    limit: int | None = None
    iterations: int | None = None
    timeout_s: float | None = None
    timing: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A run that only needs its device. ``elf`` is the image to keep with the record, if one was built.

    ``performance`` are samples of one inference each, ``accuracy`` whole files. ``model`` is the .tflite, to be kept
    as well; None where the device came with a model that was not named.
    """

    settings: Settings
    url: str
    dataset: Dataset
    performance: tuple[Sample, ...]
    accuracy: tuple[Sample, ...]
    elf: Path | None
    model: bytes | None = None


def prepare(request: Request, say: Callable[[str], None]) -> Prepared:
    """Find the rows, the model and the data, and build the image.

    With a port nothing is built: ``request.task`` must then be known. Raises UsageError, DataError or BuildError.
    """
    engine = find_engine(request.engine or DEFAULT_ENGINE)
    task = _task_of(request)
    board = None if request.device is None else find_board(request.device)
    _check_timing(request, board)
    engine.toolchain(request.toolchain)
    if request.port is not None:
        model = None if request.model is None else find_model(request.model, task.name, data_dir=request.data)
        facts = _model_facts(model) if model else _UNKNOWN_MODEL
        inputs = _inputs_on(model, task)
        settings = _settings(request, task, board, facts, inputs, model, request.port, engine="on the device")
        prepared = _with_data(replace(settings, firmware=None), request, request.port, None)
        return replace(prepared, model=model.load() if model else None)
    if board is None:
        raise UsageError("say what to run on: --device (benchmark-devices lists them), or the --port of a board.")
    _check_baud(board, request.baud)
    engine.check_board(board, os.environ)
    wanted = task.default_model if request.model is None else request.model
    model = find_model(wanted, task.name, data_dir=request.data)
    say(f"model {model.name}, {model.origin}")
    parts = resolve_parts(engine.name, board, model, request.toolchain, request.baud)
    engine_model, input_format = parts.model, parts.input_format
    if input_format == "benchmark":
        _check_output(engine_model, task, parts.wire, model.name)
    image = parts.build(cache_folder(), say)
    own_input = own_input_of(model.sha256)
    inputs = InputInfo(input_format, engine_model.input.size_bytes, own_input.classes if own_input else ())
    level = request.timing or DEFAULT_LEVEL
    # What is recorded names the image as it lies beside the record: where it was built is nobody's business.
    recorded = _url(board, Path(ELF_FILE), level)
    settings = _settings(request, task, board, _model_facts(model), inputs, model, recorded, engine.name)
    url = _url(board, image.elf.resolve(), level)
    return replace(_with_data(replace(settings, firmware=image.info), request, url, image.elf), model=model.load())


def prepare_again(settings: Settings, request: Request, folder: Path) -> Prepared:
    """The same for a run that was interrupted: nothing is built, the image is the one kept in ``folder``.

    Raises RecordError when the request, the image or the data are not those of the run that is to go on.
    """
    refuse_other_wishes(settings, request, folder)
    elf, url = None, request.port or settings.device.url
    if settings.firmware is not None:
        elf = folder / ELF_FILE
        try:
            got = file_sha256(elf)
        except OSError as error:
            raise RecordError(f"{elf} cannot be read: {error.strerror}. Put it back or start a new run.") from error
        if got != settings.firmware.elf_sha256:
            raise RecordError(
                f"{elf} has sha256 {got}, the run had {settings.firmware.elf_sha256}. Put it back or start a new run."
            )
        url = _url(find_board(settings.device.device), elf.resolve(), level_of(settings))
    again = replace(request, synthetic=request.synthetic or (settings.data.source == "synthetic" and not request.data))
    prepared = _with_data(settings, again, url, elf, modes=settings.modes, limit=settings.limit)
    was, now = settings.data, prepared.settings.data
    if (was.digest, was.source) != (now.digest, now.source):
        raise RecordError(
            f"{folder} belongs to a run on other data: it was {was.summary!r}, is {now.summary!r}. "
            "Give the same data, with --data if need be, or start a new run."
        )
    return prepared


def refuse_other_wishes(settings: Settings, request: Request, folder: Path) -> None:
    """Raise RecordError when ``request`` asks for anything but what the run in ``folder`` had."""
    model = Path(request.model).stem if request.model and request.model.endswith(".tflite") else request.model
    built = settings.firmware
    asked = {
        "task": (request.task, settings.task),
        "device": (request.device, settings.device.device),
        "model": (model, settings.model.name),
        "engine": (request.engine, settings.engine),
        "modes": (request.modes, settings.modes),
        "limit": (request.limit, settings.limit),
        "iterations": (request.iterations, settings.iterations),
        "toolchain": (request.toolchain, built.toolchain if built else None),
        "timing": (request.timing, level_of(settings)),
        # Another port to the same board is no other run; from an emulated board to a port is.
        "port": (request.port, settings.device.url if built else request.port),
    }
    other = [f"{name} was {before}, is {now}" for name, (now, before) in asked.items() if now not in (None, before)]
    if other:
        raise RecordError(f"{folder} belongs to a run with other settings: {'; '.join(other)}. Start a new run.")


_UNKNOWN_MODEL = ModelInfo("on the device", "", 0, "device", "unknown", "unknown", "")


def _task_of(request: Request) -> Task:
    if request.task is not None:
        return find_task(request.task)
    if request.model is not None:
        model = find_model(request.model, data_dir=request.data)
        if model.task not in BY_NAME:
            raise UsageError(f"model {model.name} is for {model.task}, which is no task here; there are {_NAMES}.")
        return find_task(model.task)
    raise UsageError(f"say what to run: --task {task_names()}, or --model of a known name.")


def _inputs_on(model: CatalogModel | None, task: Task) -> InputInfo:
    """What a board that came with its model takes: what the catalogue says of it, else the benchmark's files."""
    if model is None or model.input_format != "own":
        return InputInfo("benchmark", task.window_bytes)
    classes = model.own_input.classes if model.own_input else ()
    return InputInfo("own", model.input_bytes or task.window_bytes, classes)


def _check_baud(board: Board, baud: int | None) -> None:
    """Raise UsageError for a rate the board's serial port cannot divide its clock to."""
    if board.is_host or baud is None:
        return
    lowest, highest = math.ceil(board.uart_clock_hz / UART_DIVISOR[1]), board.uart_clock_hz // UART_DIVISOR[0]
    if not lowest <= baud <= highest:
        raise UsageError(f"{board.device} cannot talk at {baud} baud; give --baud {lowest} to {highest}.")


def _check_output(model: EngineModel, task: Task, wire: WireFormat, name: str) -> None:
    """Raise UsageError for a model that takes the task's files and gives something else than its answers."""
    # For its one figure of a window the device compares the output with the input.
    wanted = model.input.size_bytes if wire.results is ResultFormat.MSE else task.classes
    got = model.output.size_bytes
    if got != wanted:
        raise UsageError(f"model {name} gives {got} values, task {task.name} wants {wanted}. Is it for this task?")


def _model_facts(model: CatalogModel) -> ModelInfo:
    content = model.load()
    return ModelInfo(
        model.name, model.sha256, len(content), model.origin, model.training_data, model.licence, model.url
    )


def _division(model: CatalogModel | None) -> str:
    # The closed division is the reference weights behind the reference inputs; everything else is open.
    reference = model is not None and model.origin == "official" and model.input_format == "benchmark"
    return "closed" if reference else "open"


def _url(board: Board, elf: Path, timing: str) -> str:
    if board.is_host:
        return f"host://{elf}"
    return f"emu://{board.device}?elf={quote(str(elf))}&timing={timing}"


def level_of(settings: Settings) -> str:
    """The timing level of an emulated run."""
    # Runs from before there were levels had the cheapest.
    return settings.device.timing_level or LEVELS[0]


def _check_timing(request: Request, board: Board | None) -> None:
    """Raise UsageError for a timing level where no board is emulated, or that there is not."""
    if request.timing is None or (board is None and request.port is None):
        return
    if request.port is not None or board is None or board.is_host:
        raise UsageError(
            "--timing is for boards that are emulated here; a device behind --port and the host have their own time."
        )
    find_level(request.timing, board)


def _settings(
    request: Request,
    task: Task,
    board: Board | None,
    model_facts: ModelInfo,
    inputs: InputInfo,
    model: CatalogModel | None,
    url: str,
    engine: str,
) -> Settings:
    now = datetime.datetime.now(datetime.timezone.utc)
    device = board.device if board else UNKNOWN_DEVICE
    return Settings(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{task.name}-{device}-{secrets.token_hex(2)}",
        started=now.isoformat(timespec="seconds"),
        task=task.name,
        engine=engine,
        division=_division(model),
        modes=(),
        limit=request.limit,
        iterations=request.iterations,
        inputs=inputs,
        device=RunDevice(
            device=device,
            boards=board.boards if board else (),
            cpu=board.cpu if board else "",
            clock_hz=board.clock_hz if board else 0,
            url=url,
            timing="",
        ),
        model=model_facts,
        firmware=None,
        data=_NO_DATA,
        versions=versions(),
    )


_NO_DATA = DatasetInfo("", "", "", "", False, False, "", ())


def _within_data(text: str, request: Request) -> str:
    """``text`` with places named as seen from the data folder or the cache: a record is for other machines, too."""
    for folder in (data_folder(request.data), cache_folder()):
        text = text if folder is None else text.replace(f"{folder}{os.sep}", "")
    return text


def _made_for(sha256: str, task: Task, request: Request) -> Dataset | None:
    """The task's raw data through the front end of a known model; None for another model, or without such data."""
    own_input = own_input_of(sha256)
    return None if own_input is None else own_dataset(own_input, task, request.data, synthetic=request.synthetic)


def _with_data(
    settings: Settings,
    request: Request,
    url: str,
    elf: Path | None,
    modes: tuple[Mode, ...] | tuple[str, ...] | None = None,
    limit: int | None = None,
) -> Prepared:
    """Choose the inputs, and with them the modes that make sense."""
    task, inputs = find_task(settings.task), settings.inputs
    made = _made_for(settings.model.sha256, task, request) if inputs.format != "benchmark" else None
    dataset = made or load_dataset(task, request.data, synthetic=request.synthetic)
    input_format: InputFormat = "benchmark" if made or inputs.format == "benchmark" else "own"
    own = input_format == "own"
    chosen = modes or request.modes or (MODES if dataset.labelled and not own else ("performance",))
    accuracy = accuracy_inputs(dataset, input_format, settings.model.name) if "accuracy" in chosen else ()
    performance = performance_inputs(dataset, input_format, inputs.size_bytes)
    listed = () if own else tuple(Listed(sample.name, sample.label) for sample in dataset.samples)
    facts = DatasetInfo(
        name=dataset.name,
        source="synthetic" if own else dataset.source,
        origin="made-up values of the model's own input" if own else _within_data(dataset.origin, request),
        summary=f"synthetic: made-up values, {inputs.size_bytes} bytes each"
        if own
        else _within_data(dataset.summary, request),
        complete=dataset.complete and not own,
        labelled=dataset.labelled and not own,
        digest=list_digest(listed),
        listed=tuple(row.file for row in listed),
    )
    settings = replace(settings, modes=tuple(chosen), data=facts)
    return Prepared(settings, url, dataset, performance, accuracy[: limit or request.limit], elf)
