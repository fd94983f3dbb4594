# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C where an exception may not be raised: within callbacks of C code, and in the middle of writing a file.

Python runs the handler of a signal between any two of its own instructions, also in a callback of the emulated core.
A KeyboardInterrupt raised there is lost, or taken for a fault of the firmware.
"""

from __future__ import annotations

# The functions that ``signal`` wraps: its own turn each handler into a member of an enumeration and back, which takes
# longer than all else that is done for a line of a device's console.
import _signal
import signal
import threading
import time
from collections.abc import Callable

IMPATIENT_S = 1.0
"""A second Ctrl-C so long after the first is carried out at once: what is held has not ended in time."""

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))
"""The signals that interrupt a command: Ctrl-C, the request to end, and the terminal that was closed."""


def _nothing() -> None:
    """The callback of a caller that only waits."""


class HeldInterrupt:
    """A context manager: a signal that interrupts is noted, and the handler that was there before is called on leaving.

    Without effect outside the main thread, which alone gets signals, and for signals that are ignored or have no
    handler of Python's. ``on_signal`` is called from the handler; it must raise nothing.
    """

    came = False
    """Whether a signal came; the block should come to its end."""
    _came_s = 0.0
    _number = 0

    def __init__(self, on_signal: Callable[[], None] = _nothing) -> None:
        self._on_signal = on_signal
        self._handlers: dict[int, Callable[..., object]] = {}

    def __enter__(self) -> HeldInterrupt:
        if threading.current_thread() is threading.main_thread():
            try:
                self._take()
            except BaseException:  # the handler of one that is not taken yet
                self._give_back()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._give_back()
        except BaseException:  # the handler of one, already given back
            self._give_back()
            raise
        if self.came:
            self._handlers[self._number](self._number, None)

    def _take(self) -> None:
        for number in SIGNALS:
            handler = _signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                _signal.signal(number, self._note)

    def _give_back(self) -> None:
        for number, handler in self._handlers.items():
            _signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if self.came and now - self._came_s > IMPATIENT_S:
            self._handlers[number](number, frame)
            return
        if not self.came:
            self.came, self._came_s, self._number = True, now, number
        self._on_signal()
