# SPDX-License-Identifier: Apache-2.0
"""The devices there are: one file of facts per device and the table of them. A new device is a file and a line here."""

from __future__ import annotations

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.firmware.boards import host, stm32f446, stm32f746
from mlperf_tiny.firmware.boards.board import (
    KIB,
    MIB,
    Board,
    Cache,
    Chip,
    ChipIdentity,
    ClockTree,
    Console,
    FlashAccelerator,
    Memory,
    MemorySystem,
    Power,
)

__all__ = [
    "BOARDS",
    "DEVICES",
    "KIB",
    "MIB",
    "Board",
    "Cache",
    "Chip",
    "ChipIdentity",
    "ClockTree",
    "Console",
    "FlashAccelerator",
    "Memory",
    "MemorySystem",
    "Power",
    "find_board",
]

BOARDS: tuple[Board, ...] = (host.BOARD, stm32f446.BOARD, stm32f746.BOARD)

DEVICES: dict[str, Board] = {board.device: board for board in BOARDS}


def find_board(device: str) -> Board:
    """Return the row of ``device``; raises UsageError naming the devices there are."""
    try:
        return DEVICES[device]
    except KeyError:
        raise UsageError(
            f"there is no device {device!r}; choose one of {', '.join(sorted(DEVICES))}.{did_you_mean(device, DEVICES)}"
        ) from None
