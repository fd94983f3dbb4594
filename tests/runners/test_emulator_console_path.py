# SPDX-License-Identifier: Apache-2.0
"""The way of a line from the host to the emulated core and back: short, and it loses no byte."""

from __future__ import annotations

import sys

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.host_console import HostConsole
from mlperf_tiny.runners.emulator.native.state import RX_BYTES, State
from mlperf_tiny.runners.emulator.timing.levels import LEVELS
from tests.fakes.emulated_console import talk
from tests.runners.emulator_images import build_image


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
def test_a_line_takes_few_calls_of_python_however_long_it_is(device: str, level: str) -> None:
    board = EmulatedBoard(find_board(device), build_image("echo.c", device), level)
    assert talk(board) == b"ready\r\n"
    # Blocks are costed, in Python, when they are first seen.
    lines = [b"a%", b"abcdefghijklmnopqrstuvwxyz%"]
    for line in lines * 2:
        talk(board, line)
    calls: list[str] = []
    for line in lines:
        entered: list[str] = []
        sys.setprofile(lambda frame, event, _, names=entered: names.append(frame.f_code.co_name))  # type: ignore[misc]
        try:
            output = board.send(line) or board.run(1.0)
        finally:
            sys.setprofile(None)
        assert output == b"[" + line[:-1] + b"]\r\n"
        calls.append(f"{len(entered)}: {entered}")
    short, long = (int(text.partition(":")[0]) for text in calls)
    assert short == long <= 80, calls


def test_bytes_wait_for_room_in_the_receiver_and_keep_their_order() -> None:
    state = State()
    console = HostConsole(state)
    sent = bytes(number * 7 & 0xFF for number in range(3 * RX_BYTES))
    received = b""
    for first in range(0, len(sent), 50_001):
        console.send(sent[first : first + 50_001])
    while console.has_input:
        console.feed()
        assert state.uart.rx_tail - state.uart.rx_head <= RX_BYTES
        for _ in range(min(12_345, state.uart.rx_tail - state.uart.rx_head)):
            received += bytes((state.rx[state.uart.rx_head % RX_BYTES],))
            state.uart.rx_head += 1
    assert received == sent
