# SPDX-License-Identifier: Apache-2.0
"""How a child process ended, in one phrase: its exit status or signal, and the line of its messages that says why."""

from __future__ import annotations

import signal

MAX_LINE = 200

# A line with all parts of a row says why; the earlier row counts, and of its lines the first. What follows (frames of
# a stack, lists of modules, advice) is no reason, and "Aborted" only says that the program called abort.
_REASONS = (
    ("Fatal Python error: ",),
    ("ERROR: ", "Sanitizer: "),
    ("terminate called ",),
    ("LLVM ERROR: ",),
    ("Assertion ", " failed"),
    ("*** ", " ***"),
    ("free(): ",),
    ("malloc(): ",),
    ("realloc(): ",),
    ("munmap_chunk(): ",),
    ("thread '", " panicked at "),
)
_ABORTED = "Fatal Python error: Aborted"
_GOES_ON = ("terminate called ", "thread '")
"""Beginnings of reasons whose next line belongs to them."""
_TRACEBACK = "Traceback (most recent call last):"
_NO_REASON = (
    *(" ", "\t", "Current thread ", "Thread 0x", "Extension modules: ", "Stack (most recent call"),
    *("Python runtime state:", "note: ", _TRACEBACK),
)
"""Beginnings of lines that say no reason."""


def how_it_ended(status: int, messages: str = "") -> str:
    """Return how a child process ended.

    Args:
        status: Its exit status as ``subprocess`` gives it: negative for a signal.
        messages: What it wrote to standard error.

    Examples:
        >>> how_it_ended(-9)
        'signal 9 (SIGKILL)'
        >>> how_it_ended(1, "Traceback (most recent call last):\\n  File 'a.py'\\nKeyError: 'x'\\n")
        "status 1: KeyError: 'x'"
    """
    line = telling_line(messages)
    return f"{_by_what(status)}: {line}" if line else _by_what(status)


def telling_line(messages: str) -> str:
    """Return the line of a program's messages that says why it ended; "" where none does.

    It is not always the last one: after it come the stack of a crash, the modules that were loaded, and advice.
    """
    lines = [line.rstrip() for line in messages.split("\n")]
    line = _reason(lines) or _exception(lines) or _last(lines)
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 3] + "..."


def _by_what(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


def _reason(lines: list[str]) -> str:
    for parts in _REASONS:
        for number, line in enumerate(lines):
            if line != _ABORTED and all(part in line for part in parts):
                more = lines[number + 1 : number + 2] if line.startswith(_GOES_ON) else []
                return " ".join(" ".join((line, *more)).split())
    return ""


def _exception(lines: list[str]) -> str:
    """The first line of the exception that Python reports last."""
    if _TRACEBACK not in lines:
        return ""
    last = len(lines) - 1 - lines[::-1].index(_TRACEBACK)
    return next((line for line in lines[last + 1 :] if line and not line[0].isspace()), "")


def _last(lines: list[str]) -> str:
    """The last line that may be a reason; a program that calls abort has said before why."""
    said = [line for line in lines if line and not line.startswith(_NO_REASON)]
    return said[-2] if said[1:] and said[-1] == _ABORTED else "".join(said[-1:])
