# SPDX-License-Identifier: Apache-2.0
"""A transport that tells a listener every byte that passes; it wraps any other and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from mlperf_tiny.runners.transports.transport import Transport

Direction = Literal["out", "in"]


class RecordingTransport:
    """``listen`` is called with "out" before bytes are sent and with "in" after bytes have come.

    Whatever else the wrapped transport offers (an emulated device's counters) is reached through this one.
    """

    def __init__(self, transport: Transport, listen: Callable[[Direction, bytes], None]) -> None:
        self._transport, self._listen = transport, listen
        self.url, self.timing = transport.url, transport.timing

    def write(self, data: bytes) -> None:
        """Send ``data``. It is told first: what broke the pipe belongs into the record."""
        self._listen("out", data)
        self._transport.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Read as the wrapped transport does."""
        data = self._transport.read(timeout_s)
        if data:
            self._listen("in", data)
        return data

    def close(self) -> None:
        """Close the wrapped transport."""
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
