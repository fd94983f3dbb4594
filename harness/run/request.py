# SPDX-License-Identifier: Apache-2.0
"""What the user asked of a run, and the checks that need nothing but the device's row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlperf_tiny.errors import UsageError, WrongRequest
from mlperf_tiny.file_names import plain_text
from mlperf_tiny.firmware.boards import Board
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.tasks import BY_NAME, Task, find_task, task_names
from mlperf_tiny.runners.emulator.timing.levels import LEVELS, find_level

Mode = Literal["performance", "accuracy"]
MODES: tuple[Mode, ...] = ("performance", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for; None is the default."""

    task: str | None = None
    """Name of the task; None: that of the model, or of the firmware behind ``port``."""
    device: str | None = None
    """Name of the device; of a board behind ``port`` what it is recorded as."""
    model: str | None = None
    """Name of a model or path of a .tflite; with ``port`` what it is recorded as. None: the task's default."""
    modes: tuple[Mode, ...] | None = None
    """None: performance, and accuracy where the data has labels."""
    data: Path | None = None
    """Data folder."""
    synthetic: bool = False
    """Run on synthetic data."""
    port: str | None = None
    """Serial port or URL of a device that holds its firmware already."""
    image: Path | None = None
    """An image that was not built here, for the emulated ``device``."""
    baud: int | None = None
    """Serial rate; None: the board's own."""
    engine: str | None = None
    """Name of the engine."""
    toolchain: str | None = None
    """Name of the compiler; None: the engine's default."""
    limit: int | None = None
    """Cuts an accuracy run to the first samples."""
    iterations: int | None = None
    """Per window; None: calibrated by a trial."""
    timeout_s: float | None = None
    """Host seconds an answer may take."""
    timing: str | None = None
    """Level at which an emulated board's time is modelled."""


def task_of(request: Request) -> Task:
    """Return the task of a request, by its name or by its model's; raises UsageError when it names neither."""
    if request.task is not None:
        return find_task(request.task)
    if request.model is not None:
        model = find_model(request.model, data_dir=request.data)
        if model.task not in BY_NAME:
            raise UsageError(
                f"model {model.name} is for task {model.task}, which cannot be run here; supported: {task_names()}."
            )
        return find_task(model.task)
    raise UsageError(f"missing option --task ({task_names()}), or --model with a known name.")


def check_timing(request: Request, board: Board | None) -> None:
    """Raise UsageError for a timing level that does not exist, or where no board is emulated.

    Args:
        request: What the user asked for.
        board: The row of its device; None when none was named.
    """
    if request.timing is None or (board is None and request.port is None):
        return
    if request.port is not None or board is None or board.is_host:
        raise UsageError(
            "--timing applies to emulated boards only. Omit it for a device behind --port and for the host."
        )
    find_level(request.timing, board)


def check_baud(board: Board, baud: int | None) -> None:
    """Raise UsageError for a rate the board's serial port cannot divide its clock to.

    Args:
        board: The board's row.
        baud: Serial rate; None for the board's own.
    """
    if board.is_host or baud is None:
        return
    fewest, most = board.uart_clocks_per_bit
    lowest, highest = math.ceil(board.uart_clock_hz / most), board.uart_clock_hz // fewest
    if not lowest <= baud <= highest:
        raise UsageError(f"baud rate {baud} not supported by {board.device} ({lowest} to {highest}).")


def level_of(settings: Settings) -> str:
    """Return the timing level of an emulated run."""
    # Runs recorded before there were levels had the fastest.
    return settings.device.timing_level or LEVELS[0]


def check_resume_matches(settings: Settings, request: Request, folder: Path) -> None:
    """Raise RecordError when a request to resume a run asks for anything but what the run had.

    Args:
        settings: Settings of the run.
        request: What the user asked for; None in it matches anything.
        folder: The run's folder.
    """
    model = (
        plain_text(Path(request.model).stem) if request.model and request.model.endswith(".tflite") else request.model
    )
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
        # The same board may be at another port; from an emulated board to a port is another run.
        "port": (request.port, settings.device.url if built or settings.image else request.port),
        "image": (request.image.name if request.image else None, settings.image.name if settings.image else None),
    }
    other = [f"{name} was {before}, is {now}" for name, (now, before) in asked.items() if now not in (None, before)]
    if other:
        raise WrongRequest(f"{folder} belongs to a run with other settings: {'; '.join(other)}. Start a new run.")
