# SPDX-License-Identifier: Apache-2.0
"""One validation image on the emulated board: the cycles of one inference by the cycle model.

A validation image is an ordinary firmware image with a protocol of its own on the board's console:

* it sends ``ready 0`` once it is set up;
* ``g`` makes it run one inference; it answers ``cycles N``, the difference of two readings of DWT_CYCCNT around it;
* ``o`` makes it list ``NAME N`` for each operator of the last inference, in order, then ``end``. It may list none.

The second inference is taken: caches, accelerator and branch predictor are then as they are in a benchmark's loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.timing_validation_rows import ValidationImage
from mlperf_tiny.errors import BenchError
from mlperf_tiny.firmware.boards import KIB, MIB, Board, Cache, Memory, find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard

SLICE_S = 5.0


class ImageFailed(BenchError):
    """A validation image did not answer as it should."""

    def __init__(self, image: ValidationImage, output: str) -> None:
        super().__init__(
            f"{image.path.name} answered {output[-200:]!r} on {image.row.device}; a validation image sends "
            "'ready 0', and 'cycles N' when sent a 'g'."
        )


@dataclass(frozen=True)
class Prediction:
    """One image's second inference by the cycle model."""

    image: ValidationImage
    """The image."""
    cycles: int
    """Core cycles."""
    instructions: int
    """Executed; exact."""
    operators: tuple[tuple[str, int], ...]
    """(name, cycles) in order of execution; may be empty."""

    @property
    def predicted_ms(self) -> float:
        """Milliseconds at the clock of the published row."""
        return self.cycles / self.image.row.clock_hz * 1e3

    @property
    def error(self) -> float:
        """Signed relative error: predicted over published, less one."""
        return self.cycles / self.image.row.cycles - 1.0


def board_of(device: str) -> Board:
    """The board an image of a published row runs on."""
    stand_ins = {"stm32l4r5": _l4r5_core, "stm32f767": _f767_core}
    return stand_ins[device]() if device in stand_ins else find_board(device)


def predict(image: ValidationImage, level: str) -> Prediction:
    """Run the image at a timing level; raises ImageFailed, and what the emulator raises."""
    board = EmulatedBoard(board_of(image.row.device), image.path, level)
    try:
        hello = _talk(board, b"")
        if "ready 0" not in hello:
            raise ImageFailed(image, hello)
        _cycles(image, _talk(board, b"g"))
        before = board.instructions
        cycles = _cycles(image, _talk(board, b"g"))
        instructions = board.instructions - before
        return Prediction(image, cycles, instructions, _operators(_talk(board, b"o")))
    finally:
        board.close()


def _talk(board: EmulatedBoard, text: bytes) -> str:
    """Send, and collect what comes until the firmware waits for input again."""
    if text:
        board.send(text)
    output = bytearray()
    while True:
        more = board.run(SLICE_S)
        output += more
        if board.idle and not more:
            return output.decode("ascii", "replace")


def _cycles(image: ValidationImage, output: str) -> int:
    for line in output.splitlines():
        name, _, value = line.partition(" ")
        if name == "cycles" and value.isdigit():
            return int(value)
    raise ImageFailed(image, output)


def _operators(output: str) -> tuple[tuple[str, int], ...]:
    pairs = (line.rpartition(" ") for line in output.splitlines() if line.strip() != "end")
    return tuple((name, int(value)) for name, _, value in pairs if name and value.isdigit())


def _l4r5_core() -> Board:
    """An STM32L4R5's core, memories and flash, on the clock tree and console of the F446.

    Both have five wait states at their highest clock, so that a figure in cycles does not depend on the clock.
    """
    l4r5 = find_board("stm32l4r5")
    return replace(
        find_board("stm32f446"),
        boards=("NUCLEO-L4R5ZI (core and memories)",),
        memories=l4r5.memories,
        memory_system=l4r5.memory_system,
    )


def _f767_core() -> Board:
    """An STM32F767's caches and memories on the F746's clock tree and console; images of the F746 run on it."""
    board = find_board("stm32f746")
    assert board.memory_system is not None
    return replace(
        board,
        boards=("NUCLEO-F767ZI (caches and memories)",),
        memories=(
            Memory(name="flash", base=0x0800_0000, size_bytes=2 * MIB, aliases=(0x0020_0000,)),
            Memory(name="ram", base=0x2000_0000, size_bytes=512 * KIB),
            Memory(name="itcm", base=0x0000_0000, size_bytes=16 * KIB),
        ),
        memory_system=replace(
            board.memory_system,
            instruction_cache=Cache(size_bytes=16 * KIB, ways=2),
            data_cache=Cache(size_bytes=16 * KIB, ways=4),
            tightly_coupled=((0x2000_0000, 128 * KIB), (0x0000_0000, 16 * KIB)),
        ),
    )
