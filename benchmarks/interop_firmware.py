# SPDX-License-Identifier: Apache-2.0
"""Foreign firmware on an emulated board: its runs, and those of this project's engine on the same samples."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from benchmarks.interop_rows import FIRMWARE_ROWS, LEVEL, Answers, FirmwareRow, ForeignRun, firmware_cells
from mlperf_tiny.errors import UsageError, did_you_mean
from mlperf_tiny.harness.record.measured import measure
from mlperf_tiny.harness.run.request import Request
from mlperf_tiny.harness.run.run import run_benchmark
from mlperf_tiny.harness.wire.protocol import Lap, Ready, decode_line
from mlperf_tiny.harness.wire.transcript import TRANSCRIPT_FILE, Transcript, read_transcript
from mlperf_tiny.models.data.load import load_dataset
from mlperf_tiny.models.tasks import find_task
from mlperf_tiny.progress import Listener
from mlperf_tiny.runners.emulator.executors import set_translates

ROWS = {row.name: row for row in FIRMWARE_ROWS}
COMPARED_EVENTS = ("in", "download", "mark", "counters", "choice", "note", "end")
"""Events of a transcript that two runs of one image share."""
OF_THE_HOST = ("t", "h", "host_s")
"""Their members that depend on the host's clock."""
SEED = 1


@dataclass(frozen=True, kw_only=True)
class Elf:
    """A value of ``--elf``."""

    row: FirmwareRow
    """What it is."""
    path: Path
    """The image."""
    baud: int | None = None
    """Rate of the host's end of the line; None: as the firmware sets it."""

    @property
    def url(self) -> str:
        """The port that runs it."""
        return f"emu://{self.row.device}?elf={quote(str(self.path))}&timing={LEVEL}"


def parse_elf(text: str) -> Elf:
    """Return what a value of ``--elf`` means; raises UsageError."""
    name, equals, rest = text.partition("=")
    if not equals or not rest:
        raise UsageError(f"--elf is {text!r}; wanted NAME=FILE or NAME=FILE@BAUD, with NAME one of {', '.join(ROWS)}.")
    if name not in ROWS:
        raise UsageError(f"--elf names the row {name!r}; wanted one of {', '.join(ROWS)}.{did_you_mean(name, ROWS)}")
    path, at, rate = rest.rpartition("@")
    has_rate = bool(at) and rate.isdecimal()
    file = Path(path if has_rate else rest)
    if has_rate and int(rate) == 0:
        raise UsageError(f"--elf {text!r} has the rate 0; wanted a number above 0 after @.")
    if not file.is_file():
        raise UsageError(f"--elf {name}: {file} is not there or no file. Name an image for {ROWS[name].device}.")
    return Elf(row=ROWS[name], path=file, baud=int(rate) if has_rate else None)


def parse_elves(texts: Sequence[str]) -> dict[str, Elf]:
    """Return the values of ``--elf`` by the name of their row; raises UsageError."""
    elves: dict[str, Elf] = {}
    for text in texts:
        elf = parse_elf(text)
        if elf.row.name in elves:
            raise UsageError(f"--elf names the row {elf.row.name!r} twice; give one image for it.")
        elves[elf.row.name] = elf
    return elves


def events_of_device(transcript: Transcript) -> tuple[str, ...]:
    """Return what two runs of one image have in common, whatever the host's clock was.

    Laps are counted from the first one of their reply: the clock of a board that SysTick keeps awake goes on while the
    host prepares its first command.
    """
    events, first_us = [], None
    for event in transcript:
        if event["e"] not in COMPARED_EVENTS:
            continue
        values = {key: value for key, value in event.items() if key not in OF_THE_HOST}
        reply = decode_line(values["s"]) if event["e"] == "in" else None
        if isinstance(reply, Lap):
            first_us = reply.device_us if first_us is None else first_us
            values["s"] = f"m-lap-us-{reply.device_us - first_us}"
        elif isinstance(reply, Ready):
            first_us = None
        events.append(json.dumps(values))
    return tuple(events)


def measured_run(request: Request, translate: bool, folder: Path, listener: Listener) -> ForeignRun:
    """Run a benchmark on an emulated board.

    Args:
        request: What is run.
        translate: Whether hot functions are translated to native code.
        folder: Gets the run.
        listener: Shows progress.

    Raises:
        BenchError: as ``run_benchmark`` does.
    """
    set_translates(translate)
    start_s = time.process_time()
    try:
        record, run = run_benchmark(request, folder, listener)
    finally:
        set_translates(True)
    cpu_s = time.process_time() - start_s
    transcript = read_transcript(run / TRANSCRIPT_FILE)
    answers = {
        (sample, window): values
        for sample, windows in measure(transcript).answers.items()
        for window, values in windows.items()
    }
    return ForeignRun(record=record, answers=answers, events=events_of_device(transcript), cpu_s=cpu_s)


def noise_folder(row: FirmwareRow, folder: Path) -> Path:
    """Write random samples as a data set; return the folder.

    Args:
        row: Whose samples they are.
        folder: Gets it.
    """
    draw, task = random.Random(SEED), find_task(row.task)
    size_bytes = len(load_dataset(task, synthetic=True).samples[0].load())
    target = folder / "data" / task.data_id
    target.mkdir(parents=True)
    lines = []
    for number in range(row.limit or 1):
        (target / f"noise_{number:03}.bin").write_bytes(draw.randbytes(size_bytes))
        lines.append(f"noise_{number:03}.bin,{len(task.labels)},{number % len(task.labels)}\n")
    (target / "y_labels.csv").write_text("".join(lines))
    return folder / "data"


def missing_for(row: FirmwareRow, elf: Elf | None) -> str:
    """Return what a row cannot be measured without; "" when all is there.

    Args:
        row: The row.
        elf: Its image, if given.
    """
    if elf is None:
        return f"no image (--elf {row.name}=FILE)"
    if not row.noise and load_dataset(find_task(row.task)).source != "real":
        return f"no real data of {row.task} (name its folder with MLPERF_TINY_DATA)"
    return ""


def measure_firmware(elf: Elf, listener: Listener) -> tuple[str, ...]:
    """Return the row of an image.

    Args:
        elf: The image.
        listener: Shows progress.

    Raises:
        BenchError: as ``run_benchmark`` does.
    """
    row = elf.row
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = noise_folder(row, folder) if row.noise else None
        request = Request(task=row.task, device=row.device, modes=row.modes, limit=row.limit, data=data)
        foreign = replace(request, port=elf.url, baud=elf.baud)
        listener.log("translated")
        translated = measured_run(foreign, True, folder, listener)
        listener.log("not translated")
        plain = measured_run(foreign, False, folder, listener)
        listener.log("this project's engine, for its answers")
        ours = replace(request, model=f"mlperf-{row.task}", modes=("accuracy",), timing=LEVEL)
        answers: Answers = measured_run(ours, True, folder, listener).answers
    return firmware_cells(row, translated, plain, answers)
