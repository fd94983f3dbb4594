# SPDX-License-Identifier: Apache-2.0
"""The firmware built for this machine, as a process that reads its standard input and writes its standard output."""

from __future__ import annotations

import os
import selectors
import subprocess
from pathlib import Path

from mlperf_tiny.child_process import how_it_ended
from mlperf_tiny.errors import DeviceGone, WrongPort
from mlperf_tiny.runners.transports.transport import DeviceInfo

PIECE_BYTES = 64 * 1024
END_S = 2.0
CLOSE_S = 0.5
"""How long a process that is not needed any more may take to end by itself; it may be in the middle of a window."""


class HostTransport:
    """A process with two pipes. Its microseconds are this machine's."""

    device_info = DeviceInfo(timing="host", just_started=True)

    def __init__(self, executable: Path) -> None:
        """Start ``executable``; raises PortUnavailable when that cannot be done."""
        self.url = f"host://{executable}"
        try:
            self._process = subprocess.Popen(
                [str(executable.resolve())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C in a terminal is for this program alone
            )
        except OSError as error:
            advice = "Name the firmware.elf of a run on device host."
            raise WrongPort(self.url, error.strerror or str(error), advice) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._open = True

    def write(self, data: bytes) -> None:
        """Send ``data``; raises DeviceGone when the process has ended."""
        try:
            while data:
                data = data[self._in.write(data) :]
        except (OSError, ValueError) as error:
            raise DeviceGone(self.url, self._ending()) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what the process has written, waiting at most ``timeout_s``."""
        if not self._open:
            raise DeviceGone(self.url, "it was closed")
        if not self._selector.select(max(timeout_s, 0.0)):
            return b""
        data = os.read(self._out.fileno(), PIECE_BYTES)
        if not data:
            raise DeviceGone(self.url, self._ending())
        return data

    def close(self) -> None:
        """Close the pipes, which ends the firmware; one that stays is ended."""
        if not self._open:
            return
        self._open = False
        self._selector.close()
        for pipe in (self._in, self._out):
            pipe.close()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ending(self) -> str:
        try:
            status = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return "the process closed its output"
        return f"the process ended {'by' if status < 0 else 'with'} {how_it_ended(status)}"
