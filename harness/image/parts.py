# SPDX-License-Identifier: Apache-2.0
"""From engine, device and model to all that an image is built from; runs, comparisons, profiles and reviews use it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlperf_tiny.errors import RecordError
from mlperf_tiny.firmware import wire as wire_formats
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.build import lay_out
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.toolchain import Toolchain
from mlperf_tiny.firmware.wire import ResultFormat, WireFormat, tensor_format
from mlperf_tiny.harness.image.build import BuiltImage, build_image
from mlperf_tiny.harness.image.engines import Engine, find_engine
from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.models.catalog.model import benchmark_format
from mlperf_tiny.models.catalog.official import InputFormat
from mlperf_tiny.models.tasks import BY_NAME, find_task


class ModelSource(Protocol):
    """A model that can be loaded: a row of the catalogue, or the file a run kept."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def task(self) -> str:
        """Name of its task, which may be one that cannot be run here."""

    @property
    def input_format(self) -> InputFormat | None:
        """What its firmware takes; None: decided by its input tensor."""

    @property
    def load(self) -> Callable[[], bytes]:
        """Returns the .tflite file; may download it."""


@dataclass(frozen=True, kw_only=True)
class RecordedModel:
    """The .tflite of a recorded run, which is a ``ModelSource``."""

    name: str
    """What messages call it."""
    task: str
    """Name of the run's task."""
    input_format: InputFormat
    """As the run recorded it."""
    content: bytes
    """The file."""

    @property
    def load(self) -> Callable[[], bytes]:
        """Returns the file."""
        return lambda: self.content


@dataclass(frozen=True, kw_only=True)
class ImageParts:
    """All that decides an image."""

    engine: Engine[Any]
    """The row of the engine."""
    model: EngineModel
    """The model, ready to be compiled."""
    content: bytes
    """The .tflite it was made from."""
    input_format: InputFormat
    """What the firmware takes: the task's files, or the model's own int8 input tensor."""
    wire: WireFormat
    """What the device takes and answers."""
    board: Board
    """The board's row."""
    toolchain: Toolchain
    """The compiler."""
    baud: int | None
    """Serial rate; None for the board's own."""

    def build(self, cache: Path, log: Callable[[str], None] = lambda text: None) -> BuiltImage:
        """Build the image, or take it from the cache.

        Args:
            cache: The user's cache folder.
            log: Takes one sentence for each step.

        Raises:
            BuildError: when the image does not fit, does not compile, or the interpreter refuses the model.
        """
        return build_image(self.model, self.wire, self.board, self.toolchain, self.baud, cache, log)

    def sources(self) -> dict[str, bytes]:
        """Return every file the image is compiled from: path to content."""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            rate = self.baud or self.board.baud
            names = lay_out(self.model, self.wire, self.board, folder, rate, False, self.model.stack_bytes)
            return {name: (folder / name).read_bytes() for name in names}


def resolve_parts(
    engine: str,
    board: Board,
    model: ModelSource,
    toolchain: str | None = None,
    baud: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ImageParts:
    """Return the parts of the image of a model; the model is loaded after everything else is known to exist.

    Args:
        engine: Name of the engine.
        board: The device's row.
        model: The model; its ``input_format`` None is decided by its input tensor.
        toolchain: Name of the compiler; None for the engine's default.
        baud: Serial rate; None for the board's own.
        environ: Names the library of an engine that has one.

    Raises:
        UsageError: for an engine or compiler that does not exist or does not go with the other.
        DataError: for a model that cannot be loaded.
        BuildError: for a model that cannot be compiled, and for a library that cannot be used.
    """
    row = find_engine(engine)
    compiler = row.toolchain(toolchain)
    row.check_board(board, environ)
    content = model.load()
    made: EngineModel = row.make_model(board, content, model.name, environ)
    tensor = made.input
    input_format = model.input_format or benchmark_format(
        model.task, tensor.size_bytes, tensor.scale, tensor.zero_point
    )
    return ImageParts(
        engine=row,
        model=made,
        content=content,
        input_format=input_format,
        wire=wire_of(model.task, input_format),
        board=board,
        toolchain=compiler,
        baud=baud,
    )


def wire_of(task: str, input_format: InputFormat) -> WireFormat:
    """Return what the firmware of a model takes and answers.

    Args:
        task: Name of its task. For one that cannot be run here, the input tensor is taken as it is.
        input_format: What the model takes.
    """
    known = BY_NAME.get(task)
    if known is None:
        return WireFormat(model_id=task, input=wire_formats.InputFormat.INT8, results=ResultFormat.FINE)
    row = wire_format(known)
    return row if input_format == "benchmark" else tensor_format(row)


def recorded_parts(settings: Settings, content: bytes, name: str) -> ImageParts:
    """Return the parts of the image that a recorded run had.

    Args:
        settings: Settings of the run.
        content: The .tflite it had.
        name: What messages call the model.

    Raises:
        RecordError: for a run that built no image.
        UsageError: for a device, engine, task or compiler that does not exist here.
        BuildError: for a model that cannot be compiled.
    """
    firmware = settings.firmware
    if firmware is None:
        raise RecordError(f"run {settings.run_id} built no image: its device held one already.")
    board = find_board(settings.device.device)
    input_format: InputFormat = "benchmark" if settings.inputs.format == "benchmark" else "features"
    model = RecordedModel(name=name, task=find_task(settings.task).name, input_format=input_format, content=content)
    return resolve_parts(settings.engine, board, model, firmware.toolchain, None if board.is_host else firmware.baud)
