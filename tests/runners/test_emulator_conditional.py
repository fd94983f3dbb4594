# SPDX-License-Identifier: Apache-2.0
"""Conditional loads and stores while accesses are watched: the condition ends with its IT block."""

from __future__ import annotations

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.decode.thumb import may_hold_it
from tests.runners.emulator_images import build_image


@pytest.mark.parametrize("level", ["pipeline", "full"])
@pytest.mark.parametrize("device", ["stm32f446", "stm32f746"])
def test_block_after_a_conditional_access_runs_unconditionally(device: str, level: str) -> None:
    board = EmulatedBoard(find_board(device), build_image("conditional_access.c", device), level)
    board.send(b"g")
    output = b""
    while not board.idle:
        output += board.run(5.0)
    assert output == b"+"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (bytes.fromhex("08bf"), True),  # it eq
        (bytes.fromhex("00bf"), False),  # nop
        (bytes.fromhex("7047"), False),  # bx lr
        (bytes.fromhex("704718bf0868"), True),  # bx lr; it ne; ldr
    ],
)
def test_may_hold_it(code: bytes, found: bool) -> None:
    assert may_hold_it(code) is found
