# SPDX-License-Identifier: Apache-2.0
"""The host's end of the console line: bytes on their way to the firmware, and those that it has sent."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import RX_BYTES, State

_LAST_LINE_BYTES = 200


class HostConsole:
    """Carries bytes between the host and the native receiver and transmitter."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rx, self._tx = memoryview(state.rx).cast("B"), memoryview(state.tx).cast("B")
        self._unsent = b""
        self.output = b""
        """What the firmware has sent and the host has not read."""
        self._recent = bytearray()

    @property
    def has_input(self) -> bool:
        """Bytes wait that the firmware has not received."""
        uart = self._state.uart
        return bool(self._unsent or uart.rx_head != uart.rx_tail)

    @property
    def last_line(self) -> str:
        """The last line that the firmware sent; "" for none."""
        lines = self._recent[-_LAST_LINE_BYTES:].decode("ascii", "replace").split("\n")
        return next((line.strip("\r") for line in reversed(lines) if line.strip()), "")

    def send(self, data: bytes) -> None:
        """Queue bytes on the line; they start to arrive when the firmware next waits for them."""
        self._unsent += data
        self.feed()

    def feed(self) -> None:
        """Move queued bytes into the ring that the native receiver reads."""
        uart = self._state.uart
        while self._unsent and (room := RX_BYTES - (uart.rx_tail - uart.rx_head)):
            place = uart.rx_tail % RX_BYTES
            piece = self._unsent[: min(room, RX_BYTES - place)]
            self._rx[place : place + len(piece)] = piece
            uart.rx_tail += len(piece)
            self._unsent = self._unsent[len(piece) :]

    def collect(self) -> None:
        """Take what the native transmitter has sent."""
        uart = self._state.uart
        count = uart.tx_count
        if not count:
            return
        output = bytes(self._tx[:count])
        # A byte still in the data register may yet be replaced; it is sent all the same.
        uart.tx_count = 0
        self.output += output
        self._recent += output
        if len(self._recent) > 2 * _LAST_LINE_BYTES:
            del self._recent[:-_LAST_LINE_BYTES]

    def take_output(self) -> bytes:
        """Return what the firmware has sent since the last call."""
        output, self.output = self.output, b""
        return output
