# SPDX-License-Identifier: Apache-2.0
"""How fast the emulated boards are at each timing level, in seconds of device time a second of host time.

    python -m benchmarks.emulation_speed [MODEL.tflite --task kws] [--device stm32f746] [--rounds 5]

Runs the firmware that ``benchmark-run`` would run: the keyword model on all boards, where the official models are at
hand. The levels alternate, so that other load of the machine affects all alike; each time is the median over the
rounds. Each level runs twice: as always, with hot functions translated to native code, which is done before the rounds,
and on Unicorn alone (``--no-translate``). Host times are CPU seconds of this machine and this moment; the counts are
not. "core alone" is the engine without any of our counting, as far as it can be had.

With the official models (``MLPERF_TINY_DATA``), the CPU time of loading one input follows, a keyword's and a picture's,
at ``pipeline``: with bare ``db`` commands, and by a session that writes a transcript, as ``benchmark-run`` loads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.models import SHIPPED
from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.firmware.codegen.ir.plan import Isa
from mlperf_tiny.firmware.codegen.pipeline import compile_model
from mlperf_tiny.firmware.wire import InputFormat, WireFormat
from mlperf_tiny.harness.image.wire_format import wire_format
from mlperf_tiny.harness.wire.session import Session
from mlperf_tiny.harness.wire.transcript_writer import TranscriptWriter
from mlperf_tiny.models.tasks import BY_NAME, find_task
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.native.counts import Counts
from mlperf_tiny.runners.emulator.timing.levels import LEVELS
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from mlperf_tiny.runners.transports.recording import RecordingTransport

LINE_BYTES = 31  # of data in one "db" command, as hosts send them
WARM_UPS = 6  # after which everything that is hot has been translated,
WARM_UP_INSTRUCTIONS = 100_000_000  # each of so many, about: units that run much are made again with more effort
ROUND_S = 0.5  # of host time that one round of one level should take, about
KEYWORDS = "reference_models/kws_ref_model.tflite"
LOADS = (("keyword load", "kws", KEYWORDS), ("picture load", "vww", "reference_models/vww_96_int8.tflite"))
LOADS_LEVEL = "pipeline"
LOADED_BYTES = 50_000  # in one round of loads, about


@dataclass
class Subject:
    """One board at one level, ready for inferences, and the CPU seconds of an inference in each round."""

    name: str
    board: EmulatedBoard
    start_s: float
    load_s: float
    inferences: int
    counts: Counts
    each_s: list[float] = field(default_factory=list)


def talk(board: EmulatedBoard, command: bytes) -> bytes:
    """Send one command; return all output until the firmware waits again."""
    board.send(command)
    output = b""
    while not board.idle:
        output += board.run(10.0)
    return output


def talk_all(board: EmulatedBoard, commands: list[bytes]) -> None:
    """Send commands one after the other."""
    for command in commands:
        talk(board, command)


def load_commands(size_bytes: int) -> list[bytes]:
    """The commands that fill the input buffer with zeros."""
    lines = [b"00" * min(LINE_BYTES, size_bytes - first) for first in range(0, size_bytes, LINE_BYTES)]
    return [b"db load %d%%" % size_bytes, *(b"db " + line + b"%" for line in lines)]


def infer(inferences: int) -> bytes:
    """The command that runs so many inferences."""
    return b"infer %d 0%%" % inferences


def uncounted(board: EmulatedBoard, command: bytes) -> float:
    """CPU seconds of a command without the block hook, which is also what stops the core: another thread does."""

    def stop_when_idle() -> None:
        while not board._state.core.idle:
            time.sleep(0.0005)
            # Nothing else moves device time, and the firmware may wait for its timer. Less than a frame a step, so
            # that no byte on the line is overrun.
            board._state.core.cycles += board._state.uart.frame // 2
        board._uc.emu_stop()

    board.send(command)
    watcher = threading.Thread(target=stop_when_idle)
    # A slice starts where the core waits, so the flag is down again before the watcher looks.
    board._state.core.idle = 0
    start = time.process_time()
    watcher.start()
    output = board.run(0.0)
    took_s = time.process_time() - start
    watcher.join()
    if b"e-[" in output:
        raise SystemExit(f"the firmware refused {command!r}: {output!r}")
    return took_s


def prepared(device: Board, elf: bytes, level: str, size_bytes: int, translate: bool) -> Subject:
    """A board that has booted, been loaded and run a few inferences; with what one more costs."""
    start = time.perf_counter()
    board = EmulatedBoard(device, elf, level, translate=translate)
    talk(board, b"")
    booted = time.perf_counter()
    for line in load_commands(size_bytes):
        talk(board, line)
    loaded = time.perf_counter()
    before = board.instructions
    talk(board, infer(2))
    inferences = max(2, 2 * WARM_UP_INSTRUCTIONS // (board.instructions - before))
    for _ in range(WARM_UPS if translate else 0):
        talk(board, infer(inferences))
        board.wait_for_translations()
    before, start_s = board.counts, time.process_time()
    talk(board, infer(3))
    each_s = (time.process_time() - start_s) / 3
    counts = board.counts.since(before)
    name = f"{level}" if translate else f"{level}, Unicorn"
    return Subject(name, board, booted - start, loaded - booted, max(1, int(ROUND_S / each_s)), counts)


def measure(device: Board, elf: bytes, size_bytes: int, rounds: int) -> None:
    """Print one table: the levels on one board."""
    subjects = [prepared(device, elf, level, size_bytes, how) for level in LEVELS for how in (True, False)]
    plain = EmulatedBoard(device, elf, count_blocks=False)
    uncounted(plain, b"")
    for line in load_commands(size_bytes):
        uncounted(plain, line)
    uncounted(plain, infer(2))
    plain_s = []
    for _ in range(rounds):
        for subject in subjects:
            start = time.process_time()
            talk(subject.board, infer(subject.inferences))
            subject.each_s.append((time.process_time() - start) / subject.inferences)
        plain_s.append(uncounted(plain, infer(subjects[1].inferences)) / subjects[1].inferences)
    print(f"\n{device.device}, {device.cpu} at {device.clock_hz / 1e6:g} MHz; {rounds} rounds")
    print("level                 CPU ms/inf.  M instr./s  instructions     cycles  real-time factor  boot s  load s")
    for subject in subjects:
        each_s = statistics.median(subject.each_s)
        counts = subject.counts
        cycles = (counts.cycles - counts.idle_cycles) / 3
        print(
            f"{subject.name:<21}{each_s * 1e3:>12.2f}{counts.instructions / 3 / each_s / 1e6:>12.0f}"
            f"{counts.instructions / 3:>14,.0f}{cycles:>11,.0f}{cycles / device.clock_hz / each_s:>18.2f}"
            f"{subject.start_s:>8.2f}{subject.load_s:>8.2f}"
        )
    print(f"{'core alone':<21}{statistics.median(plain_s) * 1e3:>12.2f}")


def cpu_s(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one call, of several in a row."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def measure_loads(device: Board, data: Path, rounds: int) -> None:
    """Print one line for each kind of input: what loading one costs."""
    print(f"\nloading one input, {device.device} at {LOADS_LEVEL}, CPU ms: {'commands':>13} {'session':>8}")
    for name, task, model in LOADS:
        elf, size_bytes = build(device, data / model, wire_format(find_task(task)))
        board = EmulatedBoard(device, elf, LOADS_LEVEL)
        talk(board, b"")
        with tempfile.TemporaryDirectory() as folder:
            writer = TranscriptWriter(Path(folder) / "transcript.jsonl", time.monotonic)
            session = Session(RecordingTransport(EmulatorTransport(board), writer.listen))
            ways = partial(talk_all, board, load_commands(size_bytes)), partial(session.load, bytes(size_bytes))
            times = max(1, LOADED_BYTES // size_bytes)
            took_s = [[cpu_s(way, times) for way in ways] for _ in range(rounds + 1)][1:]  # the first one translates
            writer.close()
        bare_s, whole_s = (statistics.median(each) for each in zip(*took_s, strict=True))
        print(f"{name}, {size_bytes:,} bytes: {bare_s * 1e3:>40.2f} {whole_s * 1e3:>8.2f}")


def build(device: Board, model: Path, wire: WireFormat) -> tuple[bytes, int]:
    """The image, and the bytes of one input on the line."""
    compiled = compile_model(model.read_bytes(), model.name, Isa.DSP)
    with tempfile.TemporaryDirectory() as folder:
        elf = build_firmware(compiled, wire, device, Path(folder)).elf.read_bytes()
    return elf, compiled.input.size_bytes * (4 if wire.input is InputFormat.FLOAT32 else 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", help="without it the keyword model, or the shipped one")
    parser.add_argument("--task", choices=sorted(BY_NAME), help="the model's task")
    parser.add_argument("--device", help="without it all boards")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    data = os.environ.get("MLPERF_TINY_DATA")
    default = (Path(data) / KEYWORDS, "kws") if data else (SHIPPED, "ad")
    model, task = (options.model, options.task) if options.model else default
    if task is None:
        parser.error("name the model's task with --task")
    boards = (find_board(options.device),) if options.device else BOARDS
    print(f"{model.name}, {task}")
    for device in boards:
        if not device.is_host:
            measure(device, *build(device, model, wire_format(find_task(task))), options.rounds)
            if data and not options.model:
                measure_loads(device, Path(data), options.rounds)


if __name__ == "__main__":
    main()
