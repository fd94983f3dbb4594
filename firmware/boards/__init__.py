# SPDX-License-Identifier: Apache-2.0
"""The devices there are: one file of facts each in ``devices/``. A new device of a known family is one more file."""

from __future__ import annotations

import importlib
import pkgutil

from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.firmware.boards import devices
from mlperf_tiny.firmware.boards.facts.board import (
    KIB,
    MIB,
    Board,
    Cache,
    Chip,
    ChipIdentity,
    Console,
    FlashAccelerator,
    Memory,
    MemorySystem,
    Power,
)
from mlperf_tiny.firmware.boards.facts.clocks import ClockTree
from mlperf_tiny.firmware.boards.facts.family import Family, Timer, Uart

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
    "Family",
    "FlashAccelerator",
    "Memory",
    "MemorySystem",
    "Power",
    "Timer",
    "Uart",
    "find_board",
]


def _boards() -> tuple[Board, ...]:
    found = []
    for module in pkgutil.iter_modules(devices.__path__):
        board = importlib.import_module(f"{devices.__name__}.{module.name}").BOARD
        assert isinstance(board, Board)
        found.append(board)
    return tuple(sorted(found, key=lambda board: (not board.is_host, board.device)))


BOARDS: tuple[Board, ...] = _boards()
"""All devices, the host first."""

DEVICES: dict[str, Board] = {board.device: board for board in BOARDS}


def find_board(device: str) -> Board:
    """Return the row of ``device``; raises UsageError naming the devices there are."""
    try:
        return DEVICES[device]
    except KeyError:
        raise UsageError(
            f"there is no device {device!r}; choose one of {', '.join(sorted(DEVICES))}.{did_you_mean(device, DEVICES)}"
        ) from None
