# SPDX-License-Identifier: Apache-2.0
"""What a run is doing, on stderr: one line that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from mlperf_tiny.progress import Progress

BAR_CELLS = 24
REDRAW_S = 0.1
LINE_S = 15.0
FEW_STEPS = 10
WIDEST = 79


class ProgressPrinter:
    """Prints sentences and steps. On a terminal the present step is redrawn in place at most ten times a second;
    elsewhere each step of a short stage is a line, and of a long one its first, its last and one every quarter of a
    minute."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._drawn = 0
        self._stage = ""
        self._last_s = 0.0

    def say(self, text: str) -> None:
        """Print one sentence on a line of its own."""
        self.clear()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def step(self, progress: Progress) -> None:
        """Show where the run is."""
        now = self._clock()
        changed = progress.stage != self._stage
        ended = progress.done == progress.total
        wait_s = REDRAW_S if self._terminal else LINE_S if progress.total > FEW_STEPS else 0.0
        if not changed and not ended and now - self._last_s < wait_s:
            return
        self._stage, self._last_s = progress.stage, now
        if not self._terminal:
            self.say(f"{progress.stage} {progress.done}/{progress.total}: {progress.text}")
            return
        filled = BAR_CELLS * progress.done // max(progress.total, 1)
        bar = "#" * filled + "." * (BAR_CELLS - filled)
        line = f"{progress.stage} [{bar}] {progress.done}/{progress.total} {progress.text}"[: self._columns() - 1]
        self._stream.write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)
        if ended:
            self._stream.write("\n")
            self._drawn = 0
        self._stream.flush()

    def _columns(self) -> int:
        return min(shutil.get_terminal_size().columns, WIDEST)

    def clear(self) -> None:
        """Wipe the line that is being redrawn."""
        if self._drawn:
            self._stream.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0
