# SPDX-License-Identifier: Apache-2.0
"""From what a record says of its image to the parts it is built from: the same engine, rows and compiler once more."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlperf_tiny.errors import RecordError
from mlperf_tiny.firmware.boards import Board, find_board
from mlperf_tiny.firmware.build import lay_out
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.toolchain import Toolchain
from mlperf_tiny.firmware.wire import WireFormat, own_format
from mlperf_tiny.harness.image.build import Image, build_image
from mlperf_tiny.harness.image.engines import ENGINES, check_engine, toolchain_for
from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.harness.record.settings import Settings
from mlperf_tiny.models.tasks import find_task


@dataclass(frozen=True)
class ImageParts:
    """What ``build_image`` takes."""

    model: EngineModel
    wire: WireFormat
    board: Board
    toolchain: Toolchain
    baud: int | None

    def build(self, cache: Path, say: Callable[[str], None] = lambda text: None) -> Image:
        """Build the image in ``cache``; raises BuildError."""
        return build_image(self.model, self.wire, self.board, self.toolchain, self.baud, cache, say)

    def sources(self) -> dict[str, bytes]:
        """Every file the image is compiled from: path to content."""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            rate = self.baud or self.board.baud
            names = lay_out(self.model, self.wire, self.board, folder, rate, False, self.model.stack_bytes)
            return {name: (folder / name).read_bytes() for name in names}


def image_parts(settings: Settings, model: bytes, name: str) -> ImageParts:
    """Return the parts of the image that a run with ``settings`` had, of the .tflite ``model`` called ``name``.

    Raises RecordError for a run that had none, UsageError for a device, engine or compiler there is not here, and
    BuildError for a model that cannot be compiled.
    """
    firmware = settings.firmware
    if firmware is None:
        raise RecordError(f"run {settings.run_id} built no image: its device held one already.")
    board = find_board(settings.device.device)
    engine = check_engine(settings.engine)
    wire = wire_format(find_task(settings.task))
    return ImageParts(
        ENGINES[engine](board, model, name),
        wire if settings.inputs.format == "benchmark" else own_format(wire),
        board,
        toolchain_for(engine, firmware.toolchain),
        None if board.is_host else firmware.baud,
    )
