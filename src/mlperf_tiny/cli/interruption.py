# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM and SIGHUP in a command: it ends as interrupted, whatever the program is doing at that moment."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mlperf_tiny.interruption import IMPATIENT_S, SIGNALS

INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended, as shells report it: 128 + SIGINT."""

AGAIN_S = 0.2
"""Host seconds after which an interruption that was swallowed is raised again."""

_PROGRAMS = ("benchmark-", "micronet-", "mlperf-tiny")


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command. Of a class of its own: KeyboardInterrupt has no weak references."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        self.number = number
        super().__init__(*([] if number == signal.SIGINT else [f"interrupted by {signal.Signals(number).name}"]))


def last_words(number: int) -> str:
    """Return what a command says at the end when a signal with this number ended it."""
    return "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"


def end_at_once(number: int = signal.SIGINT, *_: object) -> None:
    """Handle a signal while nothing has been done yet, or all is done: no exception, which libraries would report."""
    if not _is_worker():  # Ctrl-C reaches workers too; their command reports it
        with suppress(OSError):  # the terminal is gone
            os.write(2, f"{last_words(number)}\n".encode())
    os._exit(128 + number)


def _is_worker() -> bool:
    """Whether multiprocessing has started this process; it then has the name of the command that did."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def is_program() -> bool:
    """Return whether this process is a command of this project, and not a program that imports it."""
    program = Path(sys.argv[0]) if sys.argv else Path()
    return program.name.startswith(_PROGRAMS) or program.parts[-2:] == ("mlperf_tiny", "__main__.py")


def end_at_once_while_loading() -> None:
    """Install ``end_at_once`` when a command of this project starts; not when its modules are only imported."""
    if is_program() and threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
                signal.signal(number, end_at_once)


class Interruption:
    """A context manager around a command: a signal that ends it raises ``Interrupted``, again if that was swallowed.

    Callbacks of C libraries, finalisers and ``except`` clauses of other people swallow exceptions. An exception that
    is on its way lives; a weak reference tells when it has been lost. While it lives the program is winding down, and
    a second Ctrl-C, ``IMPATIENT_S`` after the first, ends it without that.
    """

    def __init__(self) -> None:
        self.number = 0
        """The signal that came, 0: none; whatever exception the command ends with follows from it."""
        self._came_s = 0.0
        self._raised: Callable[[], Interrupted | None] = lambda: None
        self._former: dict[int, Any] = {}
        self._report = sys.unraisablehook

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
            handlers = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)}
            # A signal stays ignored where it is: SIGINT in the background of a shell script, SIGHUP under nohup.
            taken = [number for number in SIGNALS if handlers[number] not in (signal.SIG_IGN, None)]
            self._former = {number: handlers[number] for number in (*taken, signal.SIGALRM)}
            self._report, sys.unraisablehook = sys.unraisablehook, self._report_others
            for number in taken:
                signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._give_back()
        finally:
            self._give_back()  # again where a signal has come in the middle of it

    def _give_back(self) -> None:
        if self._former:
            if self.number:
                signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in self._former.items():
                signal.signal(number, handler)
            sys.unraisablehook = self._report

    def _on_signal(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if self._raised() is not None:
            if now - self._came_s > IMPATIENT_S:
                end_at_once(self.number)
            return
        if not self.number:
            self.number, self._came_s = number, now
            signal.signal(signal.SIGALRM, self._on_alarm)
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        raise self._new()  # without a variable: the frame of a traceback would keep it alive

    def _on_alarm(self, number: int, frame: object) -> None:
        if self._raised() is None:
            signal.raise_signal(self.number)  # to the handler of this moment, which may hold it

    def _new(self) -> Interrupted:
        error = Interrupted(self.number)
        self._raised = weakref.ref(error)
        return error

    def _report_others(self, unraisable: Any) -> None:
        """Report what a finaliser or a callback raised, unless it follows from the signal."""
        if not self.number:
            self._report(unraisable)


def leave(status: int) -> NoReturn:
    """End the process with a status; that of a command without the finalisers of its libraries, which take seconds."""
    if is_program():
        gc.collect()  # what a suspended generator holds is let go
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)
