# SPDX-License-Identifier: Apache-2.0
"""The smallest arena an interpreter boots with, measured on the emulated board.

An image is built for a board of the same chip with ample RAM and an ample arena, and booted; the bytes the interpreter
used are read from its memory. Planning the tensors needs more memory for a moment, which that number leaves out. So the
same image is booted with that limit, and with larger ones, until the smallest that boots is known. The image for the
real board is then built with exactly that, and booted once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mlperf_tiny.errors import DeviceCrashed, UnsupportedOperator
from mlperf_tiny.firmware.boards import MIB, Board, Memory
from mlperf_tiny.firmware.build import Firmware, build_firmware
from mlperf_tiny.firmware.elf import with_constant
from mlperf_tiny.firmware.engine_model import EngineModel
from mlperf_tiny.firmware.tflm.model import ARENA_ALIGNMENT_BYTES, TflmModel
from mlperf_tiny.firmware.toolchain import Toolchain
from mlperf_tiny.firmware.wire import WireFormat

if TYPE_CHECKING:
    from mlperf_tiny.runners.emulator.board import EmulatedBoard

AMPLE_RAM_BYTES = 16 * MIB
AMPLE_ARENA_BYTES = 12 * MIB
USED_SYMBOL, LIMIT_SYMBOL = "tflm_arena_used_bytes", "tflm_arena_limit_bytes"
BOOT_S = 120.0


Log = Callable[[str], None]
M = TypeVar("M", bound=EngineModel)


class BuildWithArena(Protocol[M]):
    """Links a model; returns it with the arena that its image has."""

    def __call__(
        self,
        model: M,
        wire: WireFormat,
        board: Board,
        out: Path,
        toolchain: Toolchain,
        baud: int | None = None,
        log: Log = lambda text: None,
        objects: Path | None = None,
    ) -> tuple[M, Firmware]:
        """Build in a folder under ``out``, with the objects kept in ``objects``; raises BuildError."""


def build_planned(
    model: M,
    wire: WireFormat,
    board: Board,
    out: Path,
    toolchain: Toolchain,
    baud: int | None = None,
    log: Log = lambda text: None,
    objects: Path | None = None,
) -> tuple[M, Firmware]:
    """Build a model whose arena was planned when its code was generated.

    Args:
        model: The model; it is returned as it is.
        wire: What the device takes and answers.
        board: The board it is built for.
        out: A folder is made below it.
        toolchain: The compiler.
        baud: Serial rate; None for the board's own.
        log: Takes one sentence for each step.
        objects: Folder in which the objects of this project's sources are kept; None: all are compiled.

    Raises:
        DoesNotFit: when flash or RAM are too small.
        CompilerFailed: with the compiler's message.
    """
    firmware = build_firmware(model, wire, board, out / "build", toolchain, baud=baud, objects=objects, log=log)
    return model, firmware


def build_with_least_arena(
    model: TflmModel,
    wire: WireFormat,
    board: Board,
    out: Path,
    toolchain: Toolchain,
    baud: int | None = None,
    log: Log = lambda text: None,
    objects: Path | None = None,
) -> tuple[TflmModel, Firmware]:
    """Build a model with the smallest arena its interpreter boots with, where its arena is not known (0 bytes).

    Args:
        model: The model; it is returned with that arena.
        wire: What the device takes and answers.
        board: The board it is built for.
        out: Folders are made below it.
        toolchain: The compiler.
        baud: Serial rate; None for the board's own.
        log: Takes one sentence for each step.
        objects: Folder in which the objects of this project's sources are kept; None: all are compiled.

    Raises:
        DoesNotFit: with the numbers of that arena.
        UnsupportedOperator: when the interpreter refuses the model however large its arena is.
        CompilerFailed: with the compiler's message.
    """
    if model.arena_bytes:
        return build_planned(model, wire, board, out, toolchain, baud, log, objects)
    roomy = _with_ample_ram(board)
    build = partial(build_firmware, toolchain=toolchain, baud=baud, objects=objects, log=log)
    ample = build(model.with_arena(AMPLE_ARENA_BYTES), wire, roomy, out / "ample")
    used = _used_bytes(model, ample, roomy)
    log(f"the interpreter uses {used:,} bytes of its arena")
    sized = _least_that_boots(
        model.with_arena(used),
        lambda trial: _boots(with_constant(ample.elf, LIMIT_SYMBOL, trial.arena_bytes), roomy),
    )
    if sized.arena_bytes > model.with_arena(used).arena_bytes:
        log(f"setting it up needs {sized.arena_bytes:,} bytes")
    firmware = build(sized, wire, board, out / "exact")
    if not _boots(firmware.elf, board):
        raise UnsupportedOperator(
            "MODEL",
            model.source,
            f"it does not set up in {sized.arena_bytes:,} bytes of arena, which sufficed in a trial",
        )
    return sized, firmware


def _with_ample_ram(board: Board) -> Board:
    memories = (replace(row, size_bytes=AMPLE_RAM_BYTES) if row.name == "ram" else row for row in board.memories)
    return replace(board, memories=tuple[Memory, ...](memories))


def _switch_on(board: Board, elf: Path | bytes) -> EmulatedBoard:
    # Imported here: it takes a second, which a command that only prints its help does not need.
    from mlperf_tiny.runners.emulator.board import EmulatedBoard

    return EmulatedBoard(board, elf)


def _used_bytes(model: TflmModel, firmware: Firmware, board: Board) -> int:
    emulated = _switch_on(board, firmware.elf)
    try:
        refusal = _refusal(emulated)
        if refusal:
            raise UnsupportedOperator("MODEL", model.source, f"TensorFlow Lite Micro refused it: {refusal}")
        address = emulated.image.symbols[USED_SYMBOL]
        return int.from_bytes(emulated.read_memory(address, 4), "little")
    finally:
        emulated.close()


def _boots(elf: Path | bytes, board: Board) -> bool:
    emulated = _switch_on(board, elf)
    try:
        return not _refusal(emulated)
    except DeviceCrashed:
        return False
    finally:
        emulated.close()


def _refusal(emulated: EmulatedBoard) -> str:
    """The error lines the firmware prints while it boots; "" when it is ready."""
    printed = b""
    while not printed.endswith(b"m-ready\r\n") and not emulated.idle:
        printed += emulated.run(BOOT_S)
    errors = [line[3:-1] for line in printed.decode("latin-1").splitlines() if line.startswith("e-[")]
    return "; ".join(errors)


def _least_that_boots(model: TflmModel, boots: Callable[[TflmModel], bool]) -> TflmModel:
    """The model with the smallest arena that boots, at least its own; an ample one is known to boot."""
    if boots(model):
        return model
    fails, step = model.arena_bytes, ARENA_ALIGNMENT_BYTES
    while not boots(model.with_arena(fails + step)):
        fails, step = fails + step, 2 * step
    works = fails + step
    while works - fails > ARENA_ALIGNMENT_BYTES:
        middle = fails + (works - fails) // 2 // ARENA_ALIGNMENT_BYTES * ARENA_ALIGNMENT_BYTES
        works, fails = (middle, fails) if boots(model.with_arena(middle)) else (works, middle)
    return model.with_arena(works)
