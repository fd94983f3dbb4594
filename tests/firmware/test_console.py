# SPDX-License-Identifier: Apache-2.0
"""The ports' console on the emulated boards: an overrun receiver, and a UART on the other bus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from tests.fakes.compiled import KWS
from tests.fakes.emulated_console import talk
from tests.fakes.wire_formats import WIRE_FORMATS

CHIPS = [board for board in BOARDS if not board.is_host]
DAMAGED = b"e-[Characters lost, command dropped]\r\nm-ready\r\n"


@pytest.mark.parametrize("chip", CHIPS, ids=lambda board: board.device)
def test_a_lost_byte_drops_only_its_command(chip: Board, tmp_path: Path) -> None:
    board = EmulatedBoard(chip, build_firmware(KWS, WIRE_FORMATS["kws01"], chip, tmp_path).elf)
    assert talk(board).endswith(b"m-ready\r\n")
    answer = talk(board, b"name%")
    # The second byte came between the reads of status and data: the flag stands and no byte waits.
    board._state.uart.overrun = 1
    assert talk(board, b"%") == DAMAGED
    assert talk(board, b"name%") == answer


def test_a_console_on_the_other_bus_is_a_row(tmp_path: Path) -> None:
    """USART1 is on APB2, which has another clock and another enable register."""
    row = find_board("stm32f746")
    assert row.chip is not None
    usart1 = replace(row.chip.console, uart="USART1", tx_pin="PA9", rx_pin="PA10")
    row = replace(row, chip=replace(row.chip, console=usart1))
    board = EmulatedBoard(row, build_firmware(KWS, WIRE_FORMATS["kws01"], row, tmp_path).elf, baud=row.baud)
    assert talk(board).endswith(b"m-ready\r\n")
    assert row.uart_clock_hz == row.clock_hz // 2
