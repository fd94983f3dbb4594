# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in a command: it ends with status 130, whatever the program is doing at that moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlperf_tiny.interruption import IMPATIENT_S

INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended, as shells report it: 128 + SIGINT."""

AGAIN_S = 0.2
"""Host seconds after which an interruption that was swallowed is raised again."""

_PROGRAMS = ("benchmark-", "micronet-", "mlperf-tiny")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. Of a class of its own, because KeyboardInterrupt has no weak references."""


def end_at_once(*_: object) -> None:
    """Handle SIGINT while nothing has been done yet, or all is done: no exception, which libraries would report."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def end_at_once_while_loading() -> None:
    """Install ``end_at_once`` when a command of this project starts; not when its modules are only imported."""
    program = Path(sys.argv[0]) if sys.argv else Path()
    ours = program.name.startswith(_PROGRAMS) or program.parts[-2:] == ("mlperf_tiny", "__main__.py")
    main_thread = threading.current_thread() is threading.main_thread()
    if ours and main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end_at_once)


class CtrlC:
    """A context manager around a command: Ctrl-C raises ``Interrupted``, again if that was swallowed.

    Callbacks of C libraries, finalisers and ``except`` clauses of other people swallow exceptions. An exception that
    is on its way lives; a weak reference tells when it has been lost. While it lives the program is winding down, and
    a second Ctrl-C, ``IMPATIENT_S`` after the first, ends it without that.
    """

    def __init__(self) -> None:
        self.came = False
        """Whether there was a Ctrl-C: whatever exception the command ends with follows from it."""
        self._came_s = 0.0
        self._raised: Callable[[], Interrupted | None] = lambda: None
        self._former: tuple[Any, Any] | None = None
        self._report = sys.unraisablehook

    def __enter__(self) -> CtrlC:
        handler = signal.getsignal(signal.SIGINT)
        # SIGINT stays ignored where it is: in the background of a shell script.
        if threading.current_thread() is threading.main_thread() and callable(handler) and hasattr(signal, "setitimer"):
            self._former = handler, signal.getsignal(signal.SIGALRM)
            self._report, sys.unraisablehook = sys.unraisablehook, self._ignore_own
            signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self._former is not None:
            if self.came:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, self._former[1])
            signal.signal(signal.SIGINT, self._former[0])
            sys.unraisablehook = self._report

    def _on_interrupt(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if self._raised() is not None:
            if now - self._came_s > IMPATIENT_S:
                end_at_once()
            return
        if not self.came:
            self.came, self._came_s = True, now
            signal.signal(signal.SIGALRM, self._on_alarm)
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        raise self._new()  # without a variable: the frame of a traceback would keep it alive

    def _on_alarm(self, number: int, frame: object) -> None:
        if self._raised() is None:
            signal.raise_signal(signal.SIGINT)  # to the handler of this moment, which may hold it

    def _new(self) -> Interrupted:
        error = Interrupted()
        self._raised = weakref.ref(error)
        return error

    def _ignore_own(self, unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            self._report(unraisable)
