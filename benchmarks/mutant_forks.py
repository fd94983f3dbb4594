# SPDX-License-Identifier: Apache-2.0
"""Runs tests in forks of this process, and says how far a long row of such runs is.

Time is counted on the processor: on a machine with other work a change would otherwise be found by its tests' slowness.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from enum import Enum

import pytest

TIMES = 5.0
"""The tests of a changed module may take this many times the processor's time that they take without a change."""
SHORTEST_S = 3.0
"""They have at least these seconds of the processor."""
WAITING = 10.0
"""They may take this many times as long by the clock: tests that wait for what never comes use no processor."""
POLL_S = 0.005
REPORT_S = 30.0


class Ended(Enum):
    """How tests ended."""

    PASSED = "passed"
    FAILED = "failed"
    LATE = "late"
    """They did not end in time."""


def run_tests(tests: Sequence[str], limit_s: int) -> Ended:
    """Run tests in a fork.

    Args:
        tests: Paths of tests.
        limit_s: Seconds of the processor they may take; ``WAITING`` times as many by the clock.
    """
    child = os.fork()
    if child == 0:
        _run_in_fork(tests, limit_s)
    try:
        deadline_s = time.monotonic() + limit_s * WAITING
        while time.monotonic() < deadline_s:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                child = 0
                late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
                return Ended.LATE if late else Ended.FAILED if status else Ended.PASSED
            time.sleep(POLL_S)
        return Ended.LATE
    finally:
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _run_in_fork(tests: Sequence[str], limit_s: int) -> None:
    """Run tests, and end the process; its exit status is that of pytest."""
    status = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        status = int(pytest.main(["-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(status)


def limit_of(tests: Sequence[str]) -> int:
    """Return the seconds of the processor that tests may take; they pass without a change.

    Args:
        tests: Paths of tests.
    """
    before_s = _used_s()
    assert run_tests(tests, 600) is Ended.PASSED, f"{' '.join(tests)} fail in a fork without a change"
    return math.ceil(max(SHORTEST_S, TIMES * (_used_s() - before_s)))


def _used_s() -> float:
    """Seconds of the processor that all ended child processes have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Report:
    """Says on stderr how many changes have been tried, and about how long the others will take."""

    def __init__(self, module: str, total: int) -> None:
        self.module, self.total = module, total
        self.alive = self.late = 0
        self._started_s = self._said_s = time.monotonic()

    def add(self, number: int, ended: str | None) -> None:
        """Count a change.

        Args:
            number: How many have been tried with it.
            ended: How its tests ended, a value of ``Ended``; None: there was nothing to change.
        """
        self.alive += ended == Ended.PASSED.value
        self.late += ended == Ended.LATE.value
        now_s = time.monotonic()
        if number == self.total or now_s - self._said_s >= REPORT_S:
            self._said_s = now_s
            print(self.text(number, now_s - self._started_s), file=sys.stderr, flush=True)

    def text(self, number: int, taken_s: float) -> str:
        """Return the line.

        Args:
            number: How many have been tried.
            taken_s: Seconds that they took.
        """
        left_s = (self.total - number) * taken_s / number
        tried = f"{number} of {self.total} changes tried in {taken_s / 60:.0f} min"
        found = f"{self.alive} passed their tests, {self.late} did not end in time"
        return f"{self.module}: {tried}, {found}; about {left_s / 60:.0f} min left"
