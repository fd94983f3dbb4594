# SPDX-License-Identifier: Apache-2.0
"""The host's end of the console line: bytes on their way to the firmware, and those that it has sent."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.state import RX_BYTES, State

_LAST_LINE_BYTES = 200


class HostConsole:
    """Carries bytes between the host and the native receiver and transmitter."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._unsent = bytearray()
        self._output = bytearray()
        self._recent = bytearray()
        self.last_output_at = 0
        """Instructions executed when the firmware last sent something."""

    @property
    def has_output(self) -> bool:
        """The firmware has sent bytes that were not taken yet."""
        return bool(self._output)

    @property
    def has_input(self) -> bool:
        """Bytes wait that the firmware has not received."""
        uart = self._state.uart
        return bool(uart.rx_head != uart.rx_tail or self._unsent)

    @property
    def last_line(self) -> str:
        """The last line that the firmware sent; "" for none."""
        lines = self._recent.decode("ascii", "replace").split("\n")
        return next((line.strip("\r") for line in reversed(lines) if line.strip()), "")

    def send(self, data: bytes) -> None:
        """Queue bytes on the line; they start to arrive when the firmware next waits for them."""
        self._unsent += data
        self.feed()

    def feed(self) -> None:
        """Move queued bytes into the ring that the native receiver reads."""
        uart, rx = self._state.uart, self._state.rx
        tail = uart.rx_tail
        room = RX_BYTES - (tail - uart.rx_head)
        for byte in self._unsent[:room]:
            rx[tail % RX_BYTES] = byte
            tail += 1
        uart.rx_tail = tail
        del self._unsent[:room]

    def collect(self) -> None:
        """Take what the native transmitter has sent."""
        state = self._state
        count = state.uart.tx_count
        if not count:
            return
        output = bytes(state.tx[:count])
        # A byte still in the data register may yet be replaced; it is sent all the same.
        state.uart.tx_count = 0
        self._output += output
        self._recent = (self._recent + output)[-_LAST_LINE_BYTES:]
        self.last_output_at = state.core.instructions

    def take_output(self) -> bytes:
        """Return what the firmware has sent since the last call."""
        output = bytes(self._output)
        self._output.clear()
        return output
