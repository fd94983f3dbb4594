# SPDX-License-Identifier: Apache-2.0
"""A transport that wraps another one and reports every byte that passes, unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mlperf_tiny.runners.transports.transport import DeviceInfo, Transport

Direction = Literal["out", "in"]


class RecordingTransport:
    """``listen`` is called with "out" before bytes are sent and with "in" after bytes have come."""

    def __init__(self, transport: Transport, listen: Callable[[Direction, bytes], None]) -> None:
        """Wrap ``transport``.

        Args:
            transport: Carries the bytes.
            listen: Called with the direction and the bytes.
        """
        self._transport, self._listen = transport, listen
        self.url = transport.url

    @property
    def device_info(self) -> DeviceInfo:
        """That of the wrapped transport."""
        return self._transport.device_info

    def write(self, data: bytes) -> None:
        """Send ``data``. It is reported first: what broke the pipe belongs in the record."""
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
