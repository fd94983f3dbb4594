# SPDX-License-Identifier: Apache-2.0
"""The console line of an emulated board, for other programs: a pseudo terminal or a TCP port of this machine."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from typing import Protocol

from mlperf_tiny.errors import PortUnavailable, UsageError
from mlperf_tiny.runners.emulator.transport import EmulatorTransport

# Host seconds that the board runs before the port is looked at again.
SLICE_S = 0.05


class ConsolePort(Protocol):
    """One end of a line: ``name`` is what the other program opens."""

    name: str

    def receive(self, timeout_s: float | None) -> bytes:
        """Bytes from the other program, waiting at most ``timeout_s``, or for ever with None; b"" when none came."""

    def send(self, data: bytes) -> None:
        """Bytes to the other program; dropped when there is none."""

    def close(self) -> None:
        """Take the line away."""


class PseudoTerminal:
    """A pty in raw mode; ``name`` is its path. It stays open while programs come and go."""

    def __init__(self) -> None:
        try:
            import pty
            import tty
        except ImportError:
            raise UsageError("this system has no pseudo terminals; use --tcp PORT.") from None
        self._ours, self._theirs = pty.openpty()
        # We hold the other end too: otherwise reads fail whenever the last program closes it.
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.name = os.ttyname(self._theirs)

    def receive(self, timeout_s: float | None) -> bytes:
        """Return what has come; see ``ConsolePort``."""
        ready, _, _ = select.select([self._ours], [], [], timeout_s)
        return os.read(self._ours, 65536) if ready else b""

    def send(self, data: bytes) -> None:
        """Send to the program that has the terminal open; what does not fit is lost."""
        while data:
            try:
                data = data[os.write(self._ours, data) :]
            except BlockingIOError:
                # No program reads: what does not fit is lost.
                return

    def close(self) -> None:
        """Close both ends."""
        os.close(self._ours)
        os.close(self._theirs)


class TcpPort:
    """A listening port on the loopback address, one program at a time; ``name`` is its pyserial URL."""

    def __init__(self, port: int) -> None:
        try:
            self._listener = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise PortUnavailable(f"socket://127.0.0.1:{port}", error.strerror or str(error)) from None
        self.name = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._peer: socket.socket | None = None

    def receive(self, timeout_s: float | None) -> bytes:
        """Return what has come, or take the next connection; see ``ConsolePort``."""
        ready, _, _ = select.select([self._peer or self._listener], [], [], timeout_s)
        if not ready:
            return b""
        if self._peer is None:
            self._peer, _ = self._listener.accept()
            self._peer.setblocking(False)
            return b""
        try:
            data = self._peer.recv(65536)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        return data

    def send(self, data: bytes) -> None:
        """Send to the program that is connected, if any; what does not fit, as it does not read, is lost."""
        while data and self._peer is not None:
            try:
                data = data[self._peer.send(data) :]
            except BlockingIOError:
                return
            except OSError:
                self._hang_up()

    def close(self) -> None:
        """Hang up and stop listening."""
        self._hang_up()
        self._listener.close()

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None


def bridge(device: EmulatorTransport, port: ConsolePort, keep_running: Callable[[], bool] = lambda: True) -> None:
    """Carry bytes between a device and a port. While the device waits for input this waits too, at no cost.

    Args:
        device: The emulated board.
        port: The end that another program opens.
        keep_running: Called after each time slice; False ends the bridge.

    Raises:
        DeviceCrashed: when the emulated core faults.
    """
    while keep_running():
        output = device.read(SLICE_S)
        if output:
            port.send(output)
        # Silence is final for an emulated device that waits for input, but it may also only be busy.
        idle = not output and device.idle
        data = port.receive(SLICE_S * 4 if idle else 0.0)
        if data:
            device.write(data)
