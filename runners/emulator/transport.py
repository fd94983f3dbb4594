# SPDX-License-Identifier: Apache-2.0
"""An emulated board as a byte pipe."""

from __future__ import annotations

from mlperf_tiny.errors import DeviceGone
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.transports.transport import DeviceInfo


class EmulatorTransport:
    """The console line of an emulated board; the board runs only while ``read`` waits for it."""

    def __init__(self, board: EmulatedBoard, url: str = "") -> None:
        """Connect to ``board``.

        Args:
            board: The board; it is closed with the transport.
            url: Name in messages and records. [default: emu://DEVICE]
        """
        self.board = board
        self.url = url or f"emu://{board.board.device}"
        level = board.level
        self.device_info = DeviceInfo(
            timing="emulated",
            timing_level=level.name,
            timing_model=level.model,
            timing_generation=level.generation,
            just_started=True,
        )
        self._open = True

    @property
    def idle(self) -> bool:
        """The firmware waits for input, and all that was sent has arrived."""
        return self.board.idle

    def write(self, data: bytes) -> None:
        """Queue ``data`` on the line to the board."""
        self._check_open()
        self.board.send(data)

    def read(self, timeout_s: float) -> bytes:
        """Run the board until it sends something; b"" at once when it waits for input and has nothing to send."""
        self._check_open()
        return self.board.run(timeout_s)

    def counters(self) -> dict[str, int]:
        """Instructions (exact) and core cycles (by the cycle model) since power-on."""
        return {"instructions": self.board.instructions, "cycles": self.board.cycles}

    def unmodelled(self) -> dict[str, int]:
        """What an image that was not built here did that is not emulated, and how often."""
        return self.board.unmodelled

    def close(self) -> None:
        """Switch the board off."""
        if self._open:
            self._open = False
            self.board.close()

    def _check_open(self) -> None:
        if not self._open:
            raise DeviceGone(self.url, "the emulated board has been switched off")
