# SPDX-License-Identifier: Apache-2.0
"""Exceptions against the architecture's rules (DDI 0403, B1.5): nesting, tail-chaining, stacks, timers."""

from __future__ import annotations

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from tests.runners.emulator_images import build_image


@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
@pytest.mark.parametrize(
    ("case", "log"),
    [
        pytest.param(0, b"aH3b.", id="a higher priority interrupts a handler; ICSR shows exception 23"),
        pytest.param(1, b"abH3.", id="one of the same group waits for its end"),
        pytest.param(2, b"stp.", id="PendSV comes after the handler of SVC"),
        pytest.param(3, b"1x2y3.", id="threads on the process stack"),
        pytest.param(4, b"1111111111.", id="ten updates of 100 us in a millisecond"),
        pytest.param(5, b"242.", id="compares at 30 and 60 us of a millisecond, and again"),
        pytest.param(6, b"1111.", id="a source that stays pending comes again"),
    ],
)
def test_order_of_handlers(device: str, case: int, log: bytes) -> None:
    board = EmulatedBoard(find_board(device), build_image("exceptions.c", device, f"CASE={case}"))
    assert board.run(5.0) == log + b"\r\n"
