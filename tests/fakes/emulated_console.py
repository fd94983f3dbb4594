# SPDX-License-Identifier: Apache-2.0
"""The console of an emulated board, without a session."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.board import EmulatedBoard


def talk(board: EmulatedBoard, data: bytes = b"") -> bytes:
    """Send ``data`` and return everything the board sends until it waits again."""
    board.send(data)
    output = b""
    while not board.idle:
        output += board.run(1.0)
    return output
