# SPDX-License-Identifier: Apache-2.0
"""The ports' console on the emulated boards: what reaches the monitor when the receiver is overrun."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import BOARDS, Board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from tests.fakes.compiled import KWS
from tests.fakes.wire_formats import WIRE_FORMATS

CHIPS = [board for board in BOARDS if not board.is_host]
DAMAGED = b"e-[Characters lost, command dropped]\r\nm-ready\r\n"


def talk(board: EmulatedBoard, data: bytes = b"") -> bytes:
    board.send(data)
    output = b""
    while not board.idle:
        output += board.run(1.0)
    return output


@pytest.mark.parametrize("chip", CHIPS, ids=lambda board: board.device)
def test_a_lost_byte_drops_only_its_command(chip: Board, tmp_path: Path) -> None:
    board = EmulatedBoard(chip, build_firmware(KWS, WIRE_FORMATS["kws01"], chip, tmp_path).elf)
    assert talk(board).endswith(b"m-ready\r\n")
    answer = talk(board, b"name%")
    # The second byte came between the reads of status and data: the flag stands and no byte waits.
    board._state.uart.overrun = 1
    assert talk(board, b"%") == DAMAGED
    assert talk(board, b"name%") == answer
