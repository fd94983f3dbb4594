# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: held while C code calls back or a line is written, never lost, and real signals to real commands."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks.interrupted_phases import PHASES, alone, disturbed
from benchmarks.interruptions import WAYS, Moment, interrupt, surroundings, words_of
from mlperf_tiny.cli.errors import reports_errors
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.interruption import HeldInterrupt
from mlperf_tiny.progress import Listener
from tests.fakes.data_sets import kws_folder
from tests.harness.run.test_whole_runs import kws_device, opener, request

pytestmark = pytest.mark.slow

WITHIN_S = 6.0
"""More than the 2 s of a machine that does nothing else: tests run side by side."""
MOMENTS = random.Random(13)
NAMES = ("run", "profile", "fetch", "compare", "run-host")
REAL = [(NAMES[n % 5], WAYS[n % 4], MOMENTS.uniform(0.3, 5.0)) for n in range(10)]


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


def test_sigterm_and_sighup_are_held_where_they_have_a_handler() -> None:
    heard: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with HeldInterrupt():
            signal.raise_signal(signal.SIGTERM)
            assert not heard and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, former)


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


def raise_it() -> None:
    signal.raise_signal(signal.SIGINT)


def break_a_finaliser() -> None:
    """What a library does whose finaliser meets the interruption: it fails in another way."""

    class Finalised:
        def __del__(self) -> None:
            turn_into_another_error()

    Finalised()
    time.sleep(10)


ENDS = {signal.SIGINT: (130, "interrupted\n"), signal.SIGTERM: (143, "interrupted by SIGTERM\n")}


@pytest.mark.parametrize("work", [swallow, turn_into_another_error, break_a_finaliser, raise_it])
def test_an_interrupt_is_not_lost_and_is_not_another_error(
    work: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @reports_errors
    def main() -> None:
        work()

    start_s = time.monotonic()
    result = CliRunner().invoke(main)
    assert (result.exit_code, result.output) == ENDS[signal.SIGINT]
    assert time.monotonic() - start_s < 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert capfd.readouterr().err == ""  # nor "Exception ignored in"


def test_sigterm_is_an_interruption_with_a_status_of_its_own() -> None:
    @click.command()
    @reports_errors
    def main() -> None:
        signal.raise_signal(signal.SIGTERM)

    result = CliRunner().invoke(main)
    assert (result.exit_code, result.output) == ENDS[signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


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
        name, way, after_s = REAL[number]
        folder = tmp_path / str(number)
        folder.mkdir()
        with surroundings(name, folder, cold=False) as environ:
            moment = Moment(after_s=after_s, way=way)
            return interrupt(words_of(name, folder), moment, folder, WITHIN_S, environ).problems

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ended, range(len(REAL))))
    assert not {REAL[number]: problems for number, problems in enumerate(found) if problems}


@pytest.mark.parametrize(("name", "signals"), [("receive", 4), ("unpack", 2), ("build-host", 1), ("translate", 1)])
def test_a_phase_that_is_interrupted_and_started_again_ends_with_the_same_bytes(
    tmp_path: Path, name: str, signals: int
) -> None:
    phase, draw = PHASES[name], random.Random(name)
    if not phase.kind:
        pytest.importorskip("ziglang")
    moments = [
        Moment(after_s=draw.uniform(0, phase.lasts_s), way=WAYS[number % len(WAYS)], began=phase.began)
        for number in range(signals)
    ]
    wanted = alone(phase, tmp_path / "alone") if phase.same_names else {}
    outcomes, wrong = disturbed(phase, tmp_path, moments, WITHIN_S, wanted)
    assert not wrong and not [outcome.problems for outcome in outcomes if outcome.problems]
    assert outcomes


def test_a_run_that_is_interrupted_before_its_first_line_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    kws_folder(tmp_path / "data")
    logged: list[str] = []
    for place in ("TranscriptWriter.event", "TranscriptWriter.__init__"):
        monkeypatch.setattr(f"mlperf_tiny.harness.wire.transcript_writer.{place}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_benchmark(request(tmp_path / "data"), tmp_path / "runs", Listener(logged.append), opener(kws_device()))
        assert not list((tmp_path / "runs").iterdir())
    assert not [text for text in logged if "--resume" in text]
