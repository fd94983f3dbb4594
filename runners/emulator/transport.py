# SPDX-License-Identifier: Apache-2.0
"""An emulated board as a byte pipe."""

from __future__ import annotations

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.emulator.board import EmulatedBoard


class EmulatorTransport:
    """The console line of an emulated board; the board runs only while ``read`` waits for it."""

    timing = "emulated"

    def __init__(self, board: EmulatedBoard, url: str = "") -> None:
        self.board = board
        self.url = url or f"emu://{board.board.device}"
        self.timing_level, self.timing_model = board.level.name, board.level.model
        self._open = True

    def write(self, data: bytes) -> None:
        """Queue ``data`` on the line to the board."""
        self._check_open()
        self.board.send(data)

    def read(self, timeout_s: float) -> bytes:
        """Run the board until it has said something; b"" at once when it waits for input and has nothing to say."""
        self._check_open()
        return self.board.run(timeout_s)

    def counters(self) -> dict[str, int]:
        """Instructions (exact) and core cycles (by the cycle model) since power-on."""
        return {"instructions": self.board.instructions, "cycles": self.board.cycles}

    def close(self) -> None:
        """Switch the board off."""
        if self._open:
            self._open = False
            self.board.close()

    def _check_open(self) -> None:
        if not self._open:
            raise DeviceGone(self.url, "the emulated board has been switched off")
