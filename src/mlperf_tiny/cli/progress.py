# SPDX-License-Identifier: Apache-2.0
"""Log lines and progress on stderr: one line that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from mlperf_tiny.progress import Listener, Progress
from mlperf_tiny.terminal import printable_lines, sanitize_for_terminal

BAR_CELLS = 24
REDRAW_S = 0.1
"""Shortest time between two redraws on a terminal."""
LINE_S = 15.0
"""Shortest time between two lines elsewhere, in a stage of many steps."""
FEW_STEPS = 10
"""Up to so many steps, each is a line of its own."""
MAX_COLUMNS = 79


class ProgressPrinter:
    """Prints log lines and steps; a context manager that clears its line at the end.

    On a terminal the current step is redrawn in place at most ten times a second. Elsewhere each step of a short stage
    is a line; of a long stage the first and the last step are lines, and one every 15 seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Print to ``stream``.

        Args:
            stream: Where to print; stderr by default.
            clock: Seconds that never run backwards.
        """
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._drawn = 0
        self._stage = ""
        self._last_s = 0.0

    def __enter__(self) -> ProgressPrinter:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    @property
    def listener(self) -> Listener:
        """The two callbacks as a library function takes them."""
        return Listener(self.log, self.progress)

    def log(self, text: str) -> None:
        """Print one sentence on a line of its own."""
        self.clear()
        self._stream.write(f"{printable_lines(text)}\n")
        self._stream.flush()

    def progress(self, progress: Progress) -> None:
        """Show one step, unless the last one was shown a moment ago."""
        now = self._clock()
        changed = progress.stage != self._stage
        ended = progress.done == progress.total
        wait_s = REDRAW_S if self._terminal else LINE_S if progress.total > FEW_STEPS else 0.0
        if not changed and not ended and now - self._last_s < wait_s:
            return
        self._stage, self._last_s = progress.stage, now
        if not self._terminal:
            self.log(f"{progress.stage} {progress.done}/{progress.total}: {sanitize_for_terminal(progress.text)}")
            return
        filled = BAR_CELLS * progress.done // max(progress.total, 1)
        bar = "#" * filled + "." * (BAR_CELLS - filled)
        text = sanitize_for_terminal(progress.text)
        line = f"{progress.stage} [{bar}] {progress.done}/{progress.total} {text}"[: self._columns() - 1]
        self._stream.write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)
        if ended:
            self._stream.write("\n")
            self._drawn = 0
        self._stream.flush()

    def _columns(self) -> int:
        return min(shutil.get_terminal_size().columns, MAX_COLUMNS)

    def clear(self) -> None:
        """Erase the line that is being redrawn."""
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0
