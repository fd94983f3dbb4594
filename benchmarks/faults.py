# SPDX-License-Identifier: Apache-2.0
"""Whole runs with one fault each, on the fake device, the host build and an emulated board: what came of them.

    python -m benchmarks.faults [--count 1000] [--seed 1] [--kill 50] [--foreign]

A run that stops with a typed error is resumed without the fault. ``right``: the run ended, with the figures that the
device sent. ``resumed``: it stopped with a typed error, lost nothing and ended with the right figures when resumed.
``WRONG``: it ended with another figure. ``LOST``: a measured sample was gone after the resumption, or it could not be
resumed. ``UNTYPED``: it ended with an exception that is no ``BenchError``. ``HANG``: it took longer than its deadline.
Kinds marked ``*`` make a reply that could have been right: only the checksums that our firmware offers find them. With
``--foreign`` all runs are on a fake device without checksums, as firmware made elsewhere is, and these may go wrong.
With ``--kill`` runs of the host build are ended by SIGKILL at seeded moments, as processes, and resumed.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from mlperf_tiny.errors import BenchError, RecordError, UsageError
from mlperf_tiny.harness.record.measured import Measured, measure
from mlperf_tiny.harness.record.record import RunRecord
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import resume_benchmark, run_benchmark
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, read_transcript
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.open import open_transport
from mlperf_tiny.runners.transports.faults import FAULTS, Fault, FaultyTransport, Moment, word_of
from mlperf_tiny.runners.transports.transport import Transport
from tests.fakes.data_sets import kws_folder, one_hot
from tests.fakes.device import FakeDevice
from tests.fakes.tiny_models import tiny_kws

OUTCOMES = ("right", "resumed", "WRONG", "LOST", "UNTYPED", "HANG")
SAMPLES = 3
ITERATIONS = 4
RESUMES = 3
DEADLINE_TIMEOUTS = 40
"""A run has this many time-outs, beside what it takes without a fault."""


class PastDeadline(BaseException):
    """A run took longer than it may."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the runs are made on."""

    name: str
    """``fake``, ``host`` or ``emulated``."""
    request: Request
    """Asks for a short run on it."""
    open: Callable[[str], Transport]
    """Opens it."""
    other: Callable[[], Transport]
    """Opens another device that may be there instead."""
    timeout_s: float
    """Host seconds that a reply may take."""
    offers_crc: bool = True
    """Whether it gives checksums, so that no kind of fault may go unseen."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run with a fault."""

    target: Target
    """What it was made on."""
    fault: Fault
    """What went wrong."""
    moment: Moment
    """When."""
    seed: int
    """Of the fault."""
    outcome: str
    """One of ``OUTCOMES``."""
    text: str
    """The error, if there was one."""

    @property
    def bad(self) -> bool:
        """Whether the outcome is one that may not be."""
        return self.outcome not in ("right", "resumed") and (self.fault.detectable or self.target.offers_crc)


class _Deadline(FaultyTransport):
    """Ends a run that uses its device for too long."""

    end_s = float("inf")

    def read(self, timeout_s: float) -> bytes:
        if self.clock() > self.end_s:
            raise PastDeadline
        return super().read(timeout_s)


def fake_target(folder: Path, offers_crc: bool = True) -> Target:
    """The fake device, on a clock of its own.

    Args:
        folder: Has the data.
        offers_crc: Whether it gives checksums, as our firmware does.
    """

    def device(model_id: str = "kws01") -> FakeDevice:
        answer = one_hot if model_id == "kws01" else lambda data: ["0.500"] * 12
        return FakeDevice(model_id=model_id, infer=answer, latency_us=20_000, offers_crc=offers_crc)

    return Target(
        name="fake" if offers_crc else "foreign",
        request=_request(folder, 5.0, device="stm32f746", port="fake://"),
        open=lambda url: device(),
        other=lambda: device("vww01"),
        timeout_s=5.0,
        offers_crc=offers_crc,
    )


def program_target(name: str, folder: Path) -> Target:
    """The host build or an emulated board, with a tiny network.

    Args:
        name: ``host`` or ``emulated``.
        folder: Has the data and the model.
    """
    model = folder / "tiny.tflite"
    if not model.exists():
        model.write_bytes(tiny_kws())
    device, timeout_s = ("host", 2.0) if name == "host" else ("stm32f746", 60.0)
    timing = None if name == "host" else "instructions"
    request = _request(folder, timeout_s, device=device, model=str(model), timing=timing)
    other = partial(FakeDevice, model_id="vww01", timing="host" if name == "host" else "emulated")
    return Target(name=name, request=request, open=open_transport, other=other, timeout_s=timeout_s)


def _request(folder: Path, timeout_s: float, **changes: Any) -> Request:
    return Request(
        task="kws", data=folder / "data", limit=SAMPLES, iterations=ITERATIONS, timeout_s=timeout_s, **changes
    )


def prepare_data(folder: Path) -> Path:
    """Make the data of all targets; return the folder."""
    if not (folder / "data").exists():
        kws_folder(folder / "data", samples=6)
    return folder


class Study:
    """Runs with faults on one target, compared with a run without.

    Args:
        target: What the runs are made on.
        folder: Gets a run folder for each.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self._folder = target, folder
        self._number = 0
        started_s = time.monotonic()
        self.record, run_folder, transport = self._run(None, None, 0)
        self._run_s = time.monotonic() - started_s
        self._answers = _measured(run_folder).answers
        self.transcript_lines = len(read_transcript(run_folder / TRANSCRIPT_FILE))
        """Length of the transcript of a run without a fault."""
        words = Counter(map(word_of, transport.commands))
        self.moments = {word: count for word, count in words.items()}

    def trial(self, fault: Fault, draw: random.Random) -> Trial:
        """Make one run with ``fault`` at a random moment.

        Args:
            fault: What goes wrong.
            draw: Chooses the moment.
        """
        words = [word for word in self.moments if not fault.words or word in fault.words]
        word = draw.choice(words)
        moment = Moment(word=word, occurrence=draw.randrange(self.moments[word]))
        seed = draw.randrange(2**32)
        outcome, text = self._outcome(fault, moment, seed)
        return Trial(target=self.target, fault=fault, moment=moment, seed=seed, outcome=outcome, text=text)

    def _outcome(self, fault: Fault, moment: Moment, seed: int) -> tuple[str, str]:
        out = self._folder / f"{self.target.name}{self._number + 1}"
        opened: list[_Deadline] = []
        try:
            record = self._run(fault, moment, seed, opened)[0]
            (folder,) = out.iterdir()
            return self._judged(record, folder, opened), ""
        except BenchError as error:
            text = f"{type(error).__name__}: {error}"
            if not out.exists():
                return "LOST", text
            (folder,) = out.iterdir()
        except PastDeadline:
            return "HANG", ""
        except Exception as error:  # what this benchmark looks for
            return "UNTYPED", repr(error)
        return self._resumed(folder, fault, opened, text)

    def _resumed(self, folder: Path, fault: Fault, opened: list[_Deadline], text: str) -> tuple[str, str]:
        before = _measured(folder)
        try:
            if fault.name == "another device":
                self._refuses_other(folder)
            record = resume_benchmark(folder, self._again(), Listener(), self._opener(None, None, 0, opened))[0]
        except BenchError as error:
            return "LOST", f"{text} THEN {type(error).__name__}: {error}"
        except PastDeadline:
            return "HANG", text
        except Exception as error:  # what this benchmark looks for
            return "UNTYPED", f"{text} THEN {error!r}"
        after = _measured(folder)
        kept = all(after.answers[index].items() >= answers.items() for index, answers in before.answers.items())
        kept = kept and all(
            after.attempts[attempt][window] == timed
            for attempt, windows in before.attempts.items()
            for window, timed in windows.items()
        )
        outcome = self._judged(record, folder, opened)
        return ("resumed" if outcome == "right" else outcome) if kept else "LOST", text

    def _refuses_other(self, folder: Path) -> None:
        """A run is not resumed on a device with other firmware."""

        def open_other(url: str, *, baud: int | None = None) -> Transport:
            return self.target.other()

        try:
            resume_benchmark(folder, self._again(), Listener(), open_other)
        except (UsageError, RecordError):  # other firmware, or another model of time
            return
        raise AssertionError("a run was resumed on another device")

    def _again(self) -> Request:
        return Request(data=self.target.request.data, timeout_s=self.target.request.timeout_s)

    def _judged(self, record: RunRecord, folder: Path, opened: list[_Deadline]) -> str:
        """Whether the figures are those that the devices sent."""
        measured = _measured(folder)
        sent = {us for transport in opened for us in _windows_us(transport.sent_by_device)}
        performance, wanted = record.performance, self.record
        assert wanted.performance is not None
        right = (
            record.complete
            and measured.answers == self._answers
            and record.accuracy == wanted.accuracy
            and performance is not None
            and [(window.sample, window.iterations) for window in performance.windows]
            == [(window.sample, window.iterations) for window in wanted.performance.windows]
            and {window.elapsed_us for window in performance.windows} <= sent
            and _same_count(record.instructions_per_inference, wanted.instructions_per_inference)
        )
        return "right" if right else "WRONG"

    def _run(
        self, fault: Fault | None, moment: Moment | None, seed: int, opened: list[_Deadline] | None = None
    ) -> tuple[RunRecord, Path, _Deadline]:
        self._number += 1
        opened = [] if opened is None else opened
        out = self._folder / f"{self.target.name}{self._number}"
        record, folder = run_benchmark(self.target.request, out, Listener(), self._opener(fault, moment, seed, opened))
        return record, folder, opened[-1]

    def _opener(
        self, fault: Fault | None, moment: Moment | None, seed: int, opened: list[_Deadline]
    ) -> Callable[..., Transport]:
        target = self.target

        def open_device(url: str, *, baud: int | None = None) -> Transport:
            reopen = partial(target.open, url)
            transport = _Deadline(reopen(), fault, moment, seed, target.timeout_s, reopen, target.other)
            if hasattr(self, "_run_s"):
                transport.end_s = transport.clock() + DEADLINE_TIMEOUTS * target.timeout_s + 5 * self._run_s
            opened.append(transport)
            return transport

        return open_device


def _same_count(count: float | None, wanted: float | None) -> bool:
    """A command that was repeated moves the counter, and a lap of one more digit takes longer to print."""
    return count == wanted or (count is not None and wanted is not None and math.isclose(count, wanted, rel_tol=1e-5))


def _measured(folder: Path) -> Measured:
    return measure(read_transcript(folder / TRANSCRIPT_FILE))


def _windows_us(sent: bytes) -> Iterator[int]:
    laps = [int(text) for text in re.findall(rb"m-lap-us-(\d+)\r", sent)]
    return ((after - before) % 2**32 for before, after in itertools.pairwise(laps))


def trials(study: Study, count: int, seed: int) -> Iterator[Trial]:
    """Yield ``count`` runs, the kinds of fault in turn.

    Args:
        study: Makes them.
        count: How many.
        seed: Chooses moments and what is spoiled.
    """
    draw = random.Random(seed)
    for number in range(count):
        yield study.trial(FAULTS[number % len(FAULTS)], draw)


def metrics_of(record: RunRecord) -> dict[str, Any]:
    """What an interruption may not change in a record of this machine's time: all but the times."""
    values = asdict(record)
    for name in ("notes", "resumed", "chain_digest", "settings", "performance"):
        del values[name]
    # The length of a window that is too short is a time as well.
    values["violations"] = [violation.rule for violation in record.violations]
    return values


def killed_runs(folder: Path, moments: int, seed: int) -> Iterator[tuple[int, bool]]:
    """Kill runs of the host build at seeded moments and resume them: measured lines before, and whether all is well.

    Args:
        folder: Has the data and gets the runs.
        moments: How many runs.
        seed: Chooses the moments.
    """
    study = Study(program_target("host", prepare_data(folder)), folder)
    draw = random.Random(seed)
    for number in range(moments):
        lines = 2 + int(draw.random() * (study.transcript_lines - 2))
        run_folder = _killed(folder / f"killed{number}", study.target.request, lines)
        before = _measured(run_folder)
        record, _ = resume_benchmark(run_folder, Request(data=study.target.request.data), Listener())
        after = _measured(run_folder)
        windows = before.attempts.get(1, {}).items() <= after.attempts.get(1, {}).items()
        answers = all(after.answers[index].items() >= row.items() for index, row in before.answers.items())
        same = record.complete and metrics_of(record) == metrics_of(study.record)
        yield len(before.attempts.get(1, {})) + len(before.answers), same and windows and answers


def _killed(out: Path, request: Request, lines: int) -> Path:
    """Start a run as a process and kill it once so many lines of its transcript are written; return its folder."""
    command = [sys.executable, "-c", _PROCESS, str(request.model), str(request.data), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        found = list(out.glob(f"*/{TRANSCRIPT_FILE}"))
        if found and found[0].read_bytes().count(b"\n") >= lines:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.wait()
    (folder,) = out.iterdir()
    return folder


_PROCESS = f"""
import sys
from pathlib import Path
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.progress import Listener
import time
model, data, out = sys.argv[1:]
run_benchmark(
    Request(task="kws", device="host", model=model, data=Path(data), limit={SAMPLES}, iterations={ITERATIONS}),
    Path(out), Listener(progress=lambda step: time.sleep(0.01)),
)
"""


def _print_table(done: list[Trial]) -> None:
    print(f"{'fault':28} {'runs':>5} " + " ".join(f"{outcome:>8}" for outcome in OUTCOMES))
    for fault in (*FAULTS, None):
        rows = [trial.outcome for trial in done if fault is None or trial.fault is fault]
        name = "all" if fault is None else fault.name + ("" if fault.detectable else " *")
        print(f"{name:28} {len(rows):5} " + " ".join(f"{rows.count(outcome) or '-':>8}" for outcome in OUTCOMES))
    for trial in (trial for trial in done if trial.bad):
        where = f"{trial.moment.word} {trial.moment.occurrence}"
        what = f"{trial.target.name}, {trial.fault.name} at {where}, seed {trial.seed}"
        print(f"{trial.outcome}: {what}: {trial.text[:300]}")


@click.command()
@click.option("--count", default=1000, show_default=True, help="Runs: 7 of 10 on the fake device, 2 on the host.")
@click.option("--seed", default=1, show_default=True)
@click.option("--foreign", is_flag=True, help="All runs on a fake device that offers no checksums.")
@click.option("--kill", default=0, show_default=True, help="Runs that are killed, instead of those with faults.")
def main(count: int, seed: int, foreign: bool, kill: int) -> None:
    """Print what came of each kind of fault."""
    with tempfile.TemporaryDirectory() as name:
        folder = prepare_data(Path(name))
        if kill:
            rows = list(killed_runs(folder, kill, seed))
            bad = sum(not same for _, same in rows)
            print(f"{kill} killed after {sorted(lines for lines, _ in rows)} measurements: {bad} not identical")
            raise SystemExit(1 if bad else 0)
        shares = () if foreign else (("host", count // 5), ("emulated", count // 10))
        targets = [(fake_target(folder, not foreign), count - sum(share for _, share in shares))]
        targets += [(program_target(target, folder), share) for target, share in shares if share]
        done = [trial for target, share in targets for trial in trials(Study(target, folder), share, seed)]
    _print_table(done)
    raise SystemExit(1 if any(trial.bad for trial in done) else 0)


if __name__ == "__main__":
    main()
