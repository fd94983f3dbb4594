# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while the emulated core calls back into Python: no fault of the firmware, and the board can go on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from tests.fakes.emulated_console import talk
from tests.runners.emulator_images import build_image

# What holds the function that is called from within the core, and its name.
CALLED_WITHIN = [("_bus", "read"), ("_bus", "write"), ("_block_costs", "add")]


@pytest.mark.parametrize(("holder", "name"), CALLED_WITHIN)
def test_ctrl_c_in_a_callback_is_raised_when_the_core_has_stopped(
    holder: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = EmulatedBoard(find_board("stm32f746"), build_image("echo.c", "stm32f746"))
    owner = getattr(board, holder)
    original: Callable[..., Any] = getattr(owner, name)
    left = [1]

    def interrupted(*args: Any) -> Any:
        if left.pop() if left else 0:
            signal.raise_signal(signal.SIGINT)
        return original(*args)

    monkeypatch.setattr(owner, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            board.run(1.0)
    assert talk(board) == b"ready\r\n"
    assert talk(board, b"hello%") == b"[hello]\r\n"
