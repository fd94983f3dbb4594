# SPDX-License-Identifier: Apache-2.0
"""How fast the emulated board is: instructions a second with and without counting, and bytes a second on its line.

    python -m benchmarks.emulation_speed [MODEL.tflite --task kws01] [--device stm32f746] [--inferences 100]

Runs the firmware that ``benchmark-run`` would run. Host times are of this machine and this moment; the counts are not.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.models import SHIPPED
from firmware.boards import find_board
from firmware.build import build_firmware
from firmware.codegen.pipeline import compile_model
from firmware.codegen.plan import Isa
from firmware.wire import BY_MODEL_ID, InputFormat
from runners.emulator.layout import CYCLES, IDLE, UART_FRAME
from runners.emulator.machine import EmulatedBoard

LINE_BYTES = 31  # of data in one "db" command, as hosts send them


def talk(board: EmulatedBoard, command: bytes) -> bytes:
    """One command, and everything said until the firmware waits again."""
    board.send(command)
    said = b""
    while not board.idle:
        said += board.run(10.0)
    return said


def load_commands(size_bytes: int) -> list[bytes]:
    """The commands that fill the input buffer with zeros."""
    lines = [b"00" * min(LINE_BYTES, size_bytes - first) for first in range(0, size_bytes, LINE_BYTES)]
    return [b"db load %d%%" % size_bytes, *(b"db " + line + b"%" for line in lines)]


def uncounted(board: EmulatedBoard, command: bytes) -> float:
    """CPU seconds of a command without the block hook, which is also what stops the core: another thread does."""

    def stop_when_idle() -> None:
        while not board._state[IDLE]:
            time.sleep(0.0005)
            # Nothing else moves device time, and the firmware may wait for its timer. Less than a frame a step, so
            # that no byte on the line is overrun.
            board._state[CYCLES] += board._state[UART_FRAME] // 2
        board._uc.emu_stop()

    board.send(command)
    watcher = threading.Thread(target=stop_when_idle)
    # A turn takes up where the core waits, so the flag is down again before the watcher looks.
    board._state[IDLE] = 0
    start = time.process_time()
    watcher.start()
    said = board.run(0.0)
    took_s = time.process_time() - start
    watcher.join()
    if b"e-[" in said:
        raise SystemExit(f"the firmware refused {command!r}: {said!r}")
    return took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", default=SHIPPED, help="without it the shipped model")
    parser.add_argument("--task", default="ad01", choices=sorted(BY_MODEL_ID))
    parser.add_argument("--device", default="stm32f746")
    parser.add_argument("--inferences", type=int, default=100)
    options = parser.parse_args()

    device, wire = find_board(options.device), BY_MODEL_ID[options.task]
    compiled = compile_model(options.model.read_bytes(), options.model.name, Isa.DSP)
    command = b"infer %d 0%%" % options.inferences
    with tempfile.TemporaryDirectory() as folder:
        elf = build_firmware(compiled, wire, device, Path(folder)).elf.read_bytes()

    start = time.perf_counter()
    board = EmulatedBoard(device, elf)
    talk(board, b"")
    print(f"boot to first m-ready    {time.perf_counter() - start:10.3f} s")
    size_bytes = compiled.input.size_bytes * (4 if wire.input is InputFormat.FLOAT32 else 1)
    start = time.perf_counter()
    for line in load_commands(size_bytes):
        talk(board, line)
    load_s = time.perf_counter() - start
    hex_bytes = 2 * size_bytes
    print(f"load over the line       {load_s:10.3f} s for {hex_bytes:,} hex digits, {hex_bytes / load_s:,.0f} a second")
    before = board.instructions
    start, wall_start = time.process_time(), time.perf_counter()
    talk(board, command)
    counted_s, wall_s = time.process_time() - start, time.perf_counter() - wall_start
    instructions = board.instructions - before
    print(f"{options.inferences} inferences            {instructions:,} instructions")
    print(f"all of it, on the wall   {wall_s:10.3f} s")
    print(f"counting                 {counted_s:10.3f} CPU s, {instructions / counted_s / 1e6:,.0f} M instructions/s")

    plain = EmulatedBoard(device, elf, count_blocks=False)
    uncounted(plain, b"")
    for line in load_commands(size_bytes):
        uncounted(plain, line)
    talk_s = uncounted(plain, command)
    print(f"not counting             {talk_s:10.3f} CPU s, {instructions / talk_s / 1e6:,.0f} M instructions/s")


if __name__ == "__main__":
    main()
