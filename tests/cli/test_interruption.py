# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: held while C code calls back or a line is written, never lost, and real signals to real commands."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks.interruptions import interrupt, words_of
from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.interruption import HeldInterrupt

pytestmark = pytest.mark.slow

WITHIN_S = 6.0
"""More than the 2 s of a machine that does nothing else: tests run side by side."""
MOMENTS = random.Random(13)
SIGNALS = [(("run", "profile", "compare", "run-kws")[n % 4], MOMENTS.uniform(0.3, 5.0)) for n in range(8)]


def test_an_interrupt_is_held_until_the_block_ends() -> None:
    done, heard = [], []
    with pytest.raises(KeyboardInterrupt), HeldInterrupt(lambda: heard.append(1)) as outer:
        with HeldInterrupt():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        done.append("outer")
        assert outer.came
    assert (done, heard) == (["inner", "outer"], [1])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_is_held_in_another_thread_or_where_sigint_is_ignored() -> None:
    def enter(_: object = None) -> object:
        with HeldInterrupt():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(enter).result() is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert enter() is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def swallow() -> None:
    """What a callback of a C library does with an exception."""

    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    Finalised()
    time.sleep(10)


def turn_into_another_error() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("numpy could not be imported") from None


@pytest.mark.parametrize("work", [swallow, turn_into_another_error, lambda: signal.raise_signal(signal.SIGINT)])
def test_an_interrupt_is_not_lost_and_is_not_another_error(work: object) -> None:
    @click.command()
    @reports_errors
    def main() -> None:
        assert callable(work)
        work()

    start_s = time.monotonic()
    result = CliRunner().invoke(main)
    assert (result.exit_code, result.output) == (130, "interrupted\n")
    assert time.monotonic() - start_s < 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_ends_a_program_that_does_not_wind_down() -> None:
    child = os.fork()
    if child == 0:

        @click.command()
        @reports_errors
        def main() -> None:
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                threading.Timer(1.2, os.kill, (os.getpid(), signal.SIGINT)).start()
                time.sleep(20)

        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        main.main([])
    start_s = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert time.monotonic() - start_s < 10


def test_real_signals_end_commands_as_interrupted(tmp_path: Path) -> None:
    def ended(number: int) -> tuple[str, ...]:
        name, after_s = SIGNALS[number]
        folder = tmp_path / str(number)
        folder.mkdir()
        return interrupt(words_of(name, folder), after_s, folder, WITHIN_S).problems

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ended, range(len(SIGNALS))))
    assert not {SIGNALS[number]: problems for number, problems in enumerate(found) if problems}
