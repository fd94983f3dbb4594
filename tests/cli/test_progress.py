# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal and in a file."""

from __future__ import annotations

import io

import pytest

from mlperf_tiny.cli.progress import ProgressPrinter
from mlperf_tiny.progress import Progress


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_terminal_redraws_one_line() -> None:
    now = [0.0]
    screen = Screen()
    printer = ProgressPrinter(screen, lambda: now[0])
    printer.log("building")
    for done in range(1001):
        now[0] += 0.01
        printer.progress(Progress("accuracy", done, 1000, f"file {done}"))
    printer.log("over")
    text = screen.getvalue()
    assert text.startswith("building\n\raccuracy [........................] 0/1000 file 0")
    assert "[############............] 5" in text
    assert text.endswith("[########################] 1000/1000 file 1000\nover\n")
    assert 90 <= text.count("\r") <= 110
    assert all(len(part) < 80 for line in text.split("\n") for part in line.split("\r"))


def test_clear_erases_the_redrawn_line() -> None:
    screen = Screen()
    printer = ProgressPrinter(screen, lambda: 0.0)
    printer.progress(Progress("trial", 0, 1, "one"))
    printer.clear()
    printer.clear()
    assert screen.getvalue().count("\r") == 3
    assert screen.getvalue().endswith(" \r")


@pytest.mark.parametrize(("total", "lines"), [(5, 6), (1000, 3)])
def test_file_gets_few_lines(total: int, lines: int) -> None:
    file = io.StringIO()
    now = [0.0]
    printer = ProgressPrinter(file, lambda: now[0])
    for done in range(total + 1):
        now[0] += 20.0 / total
        printer.progress(Progress("stage", done, total, "x"))
    assert file.getvalue().count("\n") == lines
    assert "\r" not in file.getvalue()


def test_line_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    ProgressPrinter(screen, lambda: 0.0).progress(Progress("accuracy", 1, 1000, "a file with a rather long name"))
    assert len(screen.getvalue().lstrip("\r")) == 39
