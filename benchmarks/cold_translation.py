# SPDX-License-Identifier: Apache-2.0
"""What translating the kernels of an image takes where no earlier run has left any: processor time in the background.

    python -m benchmarks.cold_translation [--task kws] [--device stm32f746]

A board boots, gets one input and runs a few inferences with an empty cache of translations. What is then hot has been
made in the first tier, in little time; the second one, with more effort, comes later. The time is that of the process
without its main thread, which runs the board.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from benchmarks.emulation_speed import infer, load_commands, talk, talk_all
from benchmarks.whole_run import official_or_default
from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.harness.image.parts import resolve_parts
from mlperf_tiny.models.catalog.catalog import find_model
from mlperf_tiny.models.data.download.cache import cache_folder
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.timing.levels import LEVELS
from mlperf_tiny.runners.emulator.translate import units

INFERENCES = 8
"""Few enough that no unit has run what makes it worth the second tier."""


def background_s(device: Board, elf: bytes, level: str, size_bytes: int) -> tuple[float, int]:
    """Return processor seconds of making translations, and how many there are."""
    with tempfile.TemporaryDirectory() as folder:
        kept, units.cache_folder = units.cache_folder, lambda name: Path(folder)
        try:
            board = EmulatedBoard(device, elf, level, translate=True)
            start_s, own_s = time.process_time(), time.thread_time()
            talk(board, b"")
            talk_all(board, load_commands(size_bytes))
            for _ in range(INFERENCES):
                talk(board, infer(1))
                board.wait_for_translations()
            took_s = time.process_time() - start_s - (time.thread_time() - own_s)
            board.close()
            return took_s, len(list(Path(folder).iterdir()))
        finally:
            units.cache_folder = kept


@click.command()
@click.option("--task", default="kws", show_default=True)
@click.option("--device", help="Without it all boards.")
def main(task: str, device: str | None) -> None:
    """Print one line for each board and level."""
    chosen = [find_board(device)] if device else [board for board in BOARDS if not board.is_host]
    model = find_model(official_or_default(task), task)
    print(f"{model.name}\n{'board':<12}{'level':<14}{'units':>6}{'CPU s':>8}")
    for board in chosen:
        parts = resolve_parts("compiled", board, model)
        elf = parts.build(cache_folder()).elf.read_bytes()
        background_s(board, elf, LEVELS[0], parts.model.input.size_bytes)  # LLVM starts
        for level in LEVELS:
            took_s, count = background_s(board, elf, level, parts.model.input.size_bytes)
            print(f"{board.device:<12}{level:<14}{count:>6}{took_s:>8.2f}")


if __name__ == "__main__":
    main()
