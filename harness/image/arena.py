# SPDX-License-Identifier: Apache-2.0
"""How large an interpreter's arena must be: found out on the emulated board, not guessed.

An image is built for a board of the same chip with ample RAM and an ample arena, and booted; what the interpreter took
is read from its memory. Planning the tensors takes memory for a moment which that figure leaves out, so the same image
is booted with that limit, and if need be with others, until the least that does is known. The image for the real board
is then built with exactly that, and booted once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlperf_tiny.errors import DeviceCrashed, UnsupportedOperator
from mlperf_tiny.firmware.boards import MIB, Board, Memory
from mlperf_tiny.firmware.build import Firmware, build_firmware
from mlperf_tiny.firmware.elf import with_constant
from mlperf_tiny.firmware.tflm.model import ARENA_ALIGNMENT_BYTES, TflmModel
from mlperf_tiny.firmware.toolchain import Toolchain
from mlperf_tiny.firmware.wire import WireFormat

if TYPE_CHECKING:
    from mlperf_tiny.runners.emulator.board import EmulatedBoard

AMPLE_RAM_BYTES = 16 * MIB
AMPLE_ARENA_BYTES = 12 * MIB
USED_SYMBOL, LIMIT_SYMBOL = "tflm_arena_used_bytes", "tflm_arena_limit_bytes"
BOOT_S = 120.0


def build_with_least_arena(
    model: TflmModel,
    wire: WireFormat,
    board: Board,
    out: Path,
    toolchain: Toolchain,
    baud: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[TflmModel, Firmware]:
    """Build ``model`` for ``board`` in folders under ``out`` with the smallest arena it boots with; return both.

    Raises DoesNotFit with that arena's numbers, UnsupportedOperator when the interpreter refuses the model however
    large its arena is, and CompilerFailed.
    """

    roomy = _with_ample_ram(board)
    ample = build_firmware(
        model.with_arena(AMPLE_ARENA_BYTES), wire, roomy, out / "ample", toolchain, baud=baud, progress=say
    )
    used = _used_bytes(model, ample, roomy)
    say(f"the interpreter takes {used:,} bytes of its arena")
    sized = _least_that_boots(
        model.with_arena(used),
        lambda trial: _boots(with_constant(ample.elf, LIMIT_SYMBOL, trial.arena_bytes), roomy),
    )
    if sized.arena_bytes > model.with_arena(used).arena_bytes:
        say(f"setting it up takes {sized.arena_bytes:,} bytes")
    firmware = build_firmware(sized, wire, board, out / "exact", toolchain, baud=baud, progress=say)
    if not _boots(firmware.elf, board):
        raise UnsupportedOperator(
            "MODEL", model.source, f"it does not set up in the {sized.arena_bytes:,} bytes of arena that did in a trial"
        )
    return sized, firmware


def _with_ample_ram(board: Board) -> Board:
    memories = (replace(row, size_bytes=AMPLE_RAM_BYTES) if row.name == "ram" else row for row in board.memories)
    return replace(board, memories=tuple[Memory, ...](memories))


def _switch_on(board: Board, elf: Path | bytes) -> EmulatedBoard:
    # Imported when it is needed: it takes a second, and a command that only prints its help does not need it.
    from mlperf_tiny.runners.emulator.board import EmulatedBoard

    return EmulatedBoard(board, elf)


def _used_bytes(model: TflmModel, firmware: Firmware, board: Board) -> int:
    emulated = _switch_on(board, firmware.elf)
    try:
        refusal = _refusal(emulated)
        if refusal:
            raise UnsupportedOperator("MODEL", model.source, f"TensorFlow Lite Micro does not take it: {refusal}")
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
    """What the firmware says is wrong when it has booted; "" when it is ready."""
    said = b""
    while not said.endswith(b"m-ready\r\n") and not emulated.idle:
        said += emulated.run(BOOT_S)
    errors = [line[3:-1] for line in said.decode("latin-1").splitlines() if line.startswith("e-[")]
    return "; ".join(errors)


def _least_that_boots(model: TflmModel, boots: Callable[[TflmModel], bool]) -> TflmModel:
    """The smallest arena that does, at least ``model``'s own; known that an ample one does."""
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
