# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at seeded moments: real signals to real commands, and what came of each.

    python -m benchmarks.interruptions [--count 50] [--seed 1] [--within 2.0]

A signal goes to a command at a random moment of its first seconds. It ended right when its exit status is 130 in time,
its last words are ``interrupted``, nothing is called a crash, and a run that was begun says that it was interrupted and
names ``--resume``. One that was over before its signal is done again with a shorter delay.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

from mlperf_tiny.cli.interruption import INTERRUPTED

COMMANDS = {
    "run": "run --task ad --device stm32f746 --out {folder}/runs --leaderboard {folder}/board.csv",
    "run-kws": "run --task kws --synthetic --device stm32f446 --out {folder}/runs --leaderboard {folder}/board.csv",
    "compare": "compare --task ad --device stm32f746 --device stm32f446",
    "profile": "profile ad-s --device stm32f746 --timing full",
    "emulate": "emulate --device stm32f746 --elf {elf} --pty",
    "review": "review {folder_of_runs}",
}
"""Name -> words after ``mlperf-tiny``."""

CRASH_WORDS = ("Traceback", "HardFault", "crash", "Exception ignored", "UsageFault", "error:", "Aborted")
"""What an interrupted command must not say."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one signal."""

    seconds: float
    """From the signal to the end of the process."""
    problems: tuple[str, ...]
    """What was wrong; empty: it ended right."""
    early: bool = False
    """The command had ended before its signal."""


def interrupt(words: list[str], after_s: float, folder: Path, within_s: float) -> Outcome:
    """Start a command, interrupt it, and judge how it ended.

    Args:
        words: What follows ``python -m mlperf_tiny``.
        after_s: When the signal comes, in seconds from the first line of the process.
        folder: Where the command puts its ``runs``.
        within_s: How long it may take to end.
    """
    log = folder / "stderr.txt"
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "mlperf_tiny", *words]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)
        try:
            process.wait(after_s)
            return Outcome(seconds=0.0, problems=(), early=True)
        except subprocess.TimeoutExpired:
            pass
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(within_s * 10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    seconds = time.monotonic() - sent
    return Outcome(seconds=seconds, problems=_problems(process.returncode, seconds, within_s, log, folder / "runs"))


def _problems(status: int, seconds: float, within_s: float, log: Path, runs: Path) -> tuple[str, ...]:
    text = log.read_text(errors="replace")
    found = [f"it says {word!r}" for word in CRASH_WORDS if word in text]
    if status != INTERRUPTED:
        found.append(f"exit status {status}")
    if seconds > within_s:
        found.append(f"{seconds:.1f} s")
    if not text.endswith("interrupted\n"):
        found.append("its last line is not 'interrupted'")
    for transcript in runs.glob("*/transcript.jsonl"):
        lines = transcript.read_bytes().splitlines()
        if f"--resume {transcript.parent}" not in text:
            found.append("--resume is not named")
        last = json.loads(lines[-1]) if lines else {}
        if last.get("e") != "end" and last.get("s") != "interrupted by the user":
            found.append(f"the transcript ends with {last}")
    return tuple(found)


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


@click.command()
@click.option("--count", default=50, show_default=True, help="Signals.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
@click.option("--within", "within_s", default=2.0, show_default=True, help="Seconds a command may take to end.")
@click.option("--longest", default=8.0, show_default=True, help="Latest moment, in seconds from the start.")
@click.option("--command", "names", multiple=True, type=click.Choice(list(COMMANDS)), help="Only these.")
@click.option("--elf", type=click.Path(path_type=Path), help="An image for stm32f746; without one none is emulated.")
@click.option("--runs", type=click.Path(path_type=Path), help="Runs or submissions; without them none is reviewed.")
def main(
    count: int,
    seed: int,
    within_s: float,
    longest: float,
    names: tuple[str, ...],
    elf: Path | None,
    runs: Path | None,
) -> None:
    """Interrupt commands and count how many ended right."""
    chosen = names or tuple(
        name for name in COMMANDS if (name != "emulate" or elf is not None) and (name != "review" or runs is not None)
    )
    moments, right, done = random.Random(seed), 0, 0
    while done < count:
        name, after_s = chosen[done % len(chosen)], moments.uniform(0.2, longest)
        with tempfile.TemporaryDirectory() as folder:
            outcome = interrupt(words_of(name, Path(folder), elf, runs), after_s, Path(folder), within_s)
        if outcome.early:
            longest = max(1.0, longest * 0.8)
            continue
        done += 1
        right += not outcome.problems
        problems = "; ".join(outcome.problems) or "right"
        print(f"{name:8} after {after_s:5.2f} s: {outcome.seconds:5.2f} s, {problems}", flush=True)
    print(f"{right} of {count} ended right")
    sys.exit(right < count)


if __name__ == "__main__":
    main()
