# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C where an exception may not be raised: within callbacks of C code, and in the middle of writing a file.

Python runs the handler of a signal between any two of its own instructions, also in a callback of the emulated core.
A KeyboardInterrupt raised there is lost, or taken for a fault of the firmware.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

IMPATIENT_S = 1.0
"""A second Ctrl-C so long after the first is carried out at once: what is held has not ended in time."""


def _nothing() -> None:
    """The callback of a caller that only waits."""


class HeldInterrupt:
    """A context manager: Ctrl-C is noted, and the handler that was there before is called on leaving.

    Without effect outside the main thread, which alone gets signals, and where SIGINT is ignored or has no handler of
    Python's. ``on_signal`` is called from the handler; it must raise nothing.
    """

    def __init__(self, on_signal: Callable[[], None] = _nothing) -> None:
        self._on_signal = on_signal
        self._handler: Callable[..., object] | None = None
        self._came_s = 0.0
        self.came = False
        """Whether there was a Ctrl-C; the block should come to its end."""

    def __enter__(self) -> HeldInterrupt:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            if self.came:
                self._handler(signal.SIGINT, None)

    def _note(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if self.came and self._handler is not None and now - self._came_s > IMPATIENT_S:
            self._handler(number, frame)
            return
        if not self.came:
            self.came, self._came_s = True, now
        self._on_signal()
