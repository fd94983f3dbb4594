# SPDX-License-Identifier: Apache-2.0
"""The byte pipe to a device, whatever is at its other end.

Exactly three methods. Flashing, power and recording are other objects; a recorder wraps any transport.
"""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A byte pipe to one device.

    ``url`` names it in messages and records. ``timing`` says whose time a device microsecond is:
    ``"hardware"``, ``"emulated"`` or ``"host"`` (a process on this machine).
    """

    url: str
    timing: str

    def write(self, data: bytes) -> None:
        """Send all of ``data``; raises DeviceGone when the other end has closed."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, at least one byte, waiting at most ``timeout_s`` host seconds; b"" when nothing came.

        An emulated device that waits for input with nothing left to say returns b"" at once: silence is then final.
        Raises DeviceGone on end of stream and DeviceCrashed when an emulated core faults.
        """

    def close(self) -> None:
        """Release the port or process; safe to call twice."""
