# SPDX-License-Identifier: Apache-2.0
"""The page table of the engine: conditions survive first touches, overwritten code is noticed."""

from __future__ import annotations

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.levels import LEVELS
from tests.runners.emulator_images import build_image


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
def test_page_permissions_and_code_in_ram(device: str, level: str) -> None:
    board = EmulatedBoard(find_board(device), build_image("pages.c", device), level)
    output = b""
    while not board.idle:
        output += board.run(1.0)
    assert output == b"64 1 2 3 4\r\n"
