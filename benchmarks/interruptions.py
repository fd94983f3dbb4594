# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at seeded moments: real signals to real commands, and what came of each.

    python -m benchmarks.interruptions [--count 50] [--seed 1] [--within 2.0] [--way int] [--cold]

A signal goes to a command at a random moment of its first seconds: SIGINT to the process (``int``), to its whole group
as a terminal sends it (``group``), SIGTERM (``term``), or SIGINT twice within a tenth of a second (``twice``). It ended
right when its exit status is 128 + signal in time, its last words are ``interrupted``, nothing is called a crash, no
process and no unfinished folder is left over, and a run that was begun says that it was interrupted and names
``--resume``. One that was over before its signal is done again with a shorter delay. With ``--cold`` neither compiled
callbacks nor translations nor images are in a cache. ``benchmarks.interrupted_phases`` aims at builds and downloads.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.slow_server import slow_server
from mlperf_tiny.cli.interruption import last_words
from mlperf_tiny.runners.emulator.native.jit_cache import kept_folders

COMMANDS = {
    "run": "run --task ad --device stm32f746 --out {folder}/runs --leaderboard {folder}/board.csv",
    "run-kws": "run --task kws --synthetic --device stm32f446 --out {folder}/runs --leaderboard {folder}/board.csv",
    "run-host": "run --task ad --device host --out {folder}/runs --leaderboard {folder}/board.csv",
    "compare": "compare --task ad --device stm32f746 --device stm32f446",
    "profile": "profile ad-s --device stm32f746 --timing full",
    "fetch": "fetch cifar10",
    "train": "train micronet-ad-s --out {folder}/out --clips 40 --epochs 200 --cache {folder}/training",
    "emulate": "emulate --device stm32f746 --elf {elf} --pty",
    "review": "review {folder_of_runs}",
}
"""Name -> words after ``mlperf-tiny``."""

WAYS = ("int", "group", "term", "twice")
"""How a signal comes."""
PROGRAM = (sys.executable, "-m", "mlperf_tiny")
"""What is started."""
POLL_S = 0.005
"""Between two looks whether a phase has begun."""
TWICE_S = 0.05
"""Between two signals in quick succession."""

CRASH_WORDS = ("Traceback", "HardFault", "crash", "Exception ignored", "UsageFault", "error:", "Aborted")
"""What an interrupted command must not say."""

_MARK = "MLPERF_TINY_INTERRUPTION"
"""Variable by which the processes of one command are found."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When and how a signal comes."""

    after_s: float
    """Seconds from the first line of the process, or from when ``began`` is there."""
    way: str = "int"
    """One of ``WAYS``."""
    began: str = ""
    """Pattern of paths below the command's folder; "": none is waited for."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one signal."""

    seconds: float
    """From the signal to the end of the process."""
    problems: tuple[str, ...]
    """What was wrong; empty: it ended right."""
    early: bool = False
    """The command had ended before its signal."""


def interrupt(
    words: list[str],
    moment: Moment,
    folder: Path,
    within_s: float,
    environ: dict[str, str] | None = None,
    program: Sequence[str] = PROGRAM,
) -> Outcome:
    """Start a command, interrupt it, and judge how it ended.

    Args:
        words: What follows the program.
        moment: When and how the signal comes.
        folder: Where the command puts its ``runs``.
        within_s: How long it may take to end.
        environ: Variables beside those of this process.
        program: What is started.
    """
    log = folder / "stderr.txt"
    variables = {**os.environ, **(environ or {}), _MARK: str(folder)}
    with log.open("wb") as stderr:
        start_s = time.time()
        process = subprocess.Popen(
            [*program, *words], stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True, env=variables
        )
        if _ended_before(process, moment, folder, start_s):
            return Outcome(seconds=0.0, problems=(), early=True)
        sent = time.monotonic()
        number = _send(process, moment.way)
        try:
            process.wait(within_s * 10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    seconds = time.monotonic() - sent
    problems = _problems(process.returncode, number, log, folder / "runs")
    late = (f"{seconds:.1f} s",) if seconds > within_s else ()
    return Outcome(seconds=seconds, problems=(*problems, *late, *_left_over(folder)))


def _ended_before(process: subprocess.Popen[bytes], moment: Moment, folder: Path, start_s: float) -> bool:
    """Wait for a moment; whether the process ended before it."""

    def has_begun() -> bool:
        """Whether there is a path that this process has written; one may be there from an earlier one."""
        with suppress(FileNotFoundError):
            return any(path.stat().st_mtime >= start_s for path in folder.glob(moment.began))
        return False

    while moment.began and not has_begun():
        if process.poll() is not None:
            return True
        time.sleep(POLL_S)
    try:
        process.wait(moment.after_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _send(process: subprocess.Popen[bytes], way: str) -> int:
    number = signal.SIGTERM if way == "term" else signal.SIGINT
    if way == "group":
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    if way == "twice":
        time.sleep(TWICE_S)
        process.send_signal(number)
    return number


def _problems(status: int, number: int, log: Path, runs: Path) -> tuple[str, ...]:
    text = log.read_text(errors="replace")
    found = [f"it says {word!r}" for word in CRASH_WORDS if word in text]
    if status != 128 + number:
        found.append(f"exit status {status}")
    if not text.endswith(f"{last_words(number)}\n"):
        found.append(f"its last line is not {last_words(number)!r}")
    for folder in runs.glob("*"):
        transcript = folder / "transcript.jsonl"
        lines = transcript.read_bytes().splitlines() if transcript.exists() else []
        if f"--resume {transcript.parent}" not in text:
            found.append("--resume is not named")
        last = json.loads(lines[-1]) if lines else {}
        if last.get("e") != "end" and not last.get("s", "").startswith("interrupted by "):
            found.append(f"the transcript ends with {last}")
    return tuple(found)


def _left_over(folder: Path) -> Iterator[str]:
    """What an interrupted command has left: processes (where there is /proc) and unfinished folders of the cache."""
    mark = f"{_MARK}={folder}".encode()
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in place.read_bytes().split(b"\0"):
                words = place.with_name("cmdline").read_bytes().split(b"\0")
                yield f"it has left the process {b' '.join(words[:3]).decode(errors='replace')!r}"
    for unfinished in folder.glob("cache/images/building-*"):
        yield f"it has left {unfinished.name}"
    for held in folder.glob("cache/locks/*"):
        yield f"it has left the lock {held.name}"


def words_of(name: str, folder: Path, elf: Path | None = None, runs: Path | None = None) -> list[str]:
    """The words of a row of ``COMMANDS``.

    Args:
        name: Of the row.
        folder: Where the command writes.
        elf: The image that is emulated.
        runs: Folder of runs that are reviewed.
    """
    values = {"folder": folder, "elf": elf, "folder_of_runs": runs or folder}
    return [word.format(**values) for word in COMMANDS[name].split()]


@contextmanager
def surroundings(name: str, folder: Path, cold: bool) -> Iterator[dict[str, str]]:
    """The variables that a command of ``COMMANDS`` needs: a server that never ends for ``fetch``, an empty cache.

    Args:
        name: Of the row.
        folder: Where the command writes.
        cold: Remove what was compiled before.
    """
    own_cache = {"MLPERF_TINY_CACHE": str(folder / "cache")}
    if cold:
        for kept in kept_folders():
            shutil.rmtree(kept, ignore_errors=True)
            shutil.rmtree(kept.with_name("translated"), ignore_errors=True)
    if name != "fetch":
        yield own_cache if cold else {}
        return
    with slow_server() as proxy:
        yield {**own_cache, "https_proxy": proxy, "http_proxy": proxy, "no_proxy": ""}


@click.command()
@click.option("--count", default=50, show_default=True, help="Signals.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
@click.option("--within", "within_s", default=2.0, show_default=True, help="Seconds a command may take to end.")
@click.option("--longest", default=8.0, show_default=True, help="Latest moment, in seconds from the start.")
@click.option("--command", "names", multiple=True, type=click.Choice(list(COMMANDS)), help="Only these.")
@click.option(
    "--way", "ways", multiple=True, type=click.Choice(WAYS), help="How signals come; in turn.  [default: int]"
)
@click.option("--cold", is_flag=True, help="Compile callbacks and images again each time.")
@click.option("--elf", type=click.Path(path_type=Path), help="An image for stm32f746; without one none is emulated.")
@click.option("--runs", type=click.Path(path_type=Path), help="Runs or submissions; without them none is reviewed.")
def main(
    count: int,
    seed: int,
    within_s: float,
    longest: float,
    names: tuple[str, ...],
    ways: tuple[str, ...],
    cold: bool,
    elf: Path | None,
    runs: Path | None,
) -> None:
    """Interrupt commands and count how many ended right."""
    chosen = names or tuple(
        name for name in COMMANDS if (name != "emulate" or elf is not None) and (name != "review" or runs is not None)
    )
    moments, right, done, ways = random.Random(seed), 0, 0, ways or WAYS[:1]
    latest = dict.fromkeys(chosen, longest)
    while done < count:
        name, way = chosen[done % len(chosen)], ways[done // len(chosen) % len(ways)]
        after_s = moments.uniform(0.2, latest[name])
        with tempfile.TemporaryDirectory() as text, surroundings(name, Path(text), cold) as environ:
            folder = Path(text)
            moment = Moment(after_s=after_s, way=way)
            outcome = interrupt(words_of(name, folder, elf, runs), moment, folder, within_s, environ)
        if outcome.early:
            latest[name] = max(0.5, latest[name] * 0.8)
            continue
        done += 1
        right += not outcome.problems
        problems = "; ".join(outcome.problems) or "right"
        print(f"{name:8} {way:5} after {after_s:5.2f} s: {outcome.seconds:5.2f} s, {problems}", flush=True)
    print(f"{right} of {count} ended right")
    sys.exit(right < count)


if __name__ == "__main__":
    main()
