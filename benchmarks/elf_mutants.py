# SPDX-License-Identifier: Apache-2.0
"""Boots thousands of broken firmware images and counts what must not happen.

    python -m benchmarks.elf_mutants IMAGE.elf [--count 1000] [--first-seed 0] [--device stm32f746]

Each mutant has a few wrong bytes, words of its headers, or opcodes. Wanted: it boots, or ends in ``UsageError`` or
``DeviceCrashed``; no other exception, and nothing after the time-out. Each is run in a process of its own, so that
an end of the whole process is counted too. Exit status 1 when anything of that is found.
"""

from __future__ import annotations

import os
import random
import select
import signal
import struct
import sys
import time
from collections import Counter
from pathlib import Path

import click

from mlperf_tiny.errors import DeviceCrashed, UsageError
from mlperf_tiny.firmware.boards import find_board

TIMEOUT_S = 1.0
GRACE_S = 20.0
"""Beyond the time-out: to build a board, on a busy machine."""
WORDS = (0, 1, 4, 0xFF, 0xFFFF, 0x0800_0000, 0x2000_0000, 0x4000_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
OPCODES = (b"\xfe\xe7", b"\x00\x00", b"\x00\xbf", b"\x00\xdf", b"\x00\xbe", b"\x70\x47", b"\x30\xbf", b"\x00\xde")
_HEADERS_BYTES = 52 + 4 * 32


def mutate_elf(image: bytes, seed: int) -> bytes:
    """Change a few bytes of an image; the same seed gives the same bytes.

    Args:
        image: A firmware image that works.
        seed: Of the changes.
    """
    draw = random.Random(seed)
    data = bytearray(image)
    offset, size_bytes = struct.unpack_from("<I8xI", image, struct.unpack_from("<I", image, 28)[0] + 4)
    loaded = range(offset, min(offset + size_bytes, len(data) - 64))
    for _ in range(draw.randint(1, 4)):
        way = draw.randrange(5)
        if way == 0:
            struct.pack_into("<I", data, 4 * draw.randrange(_HEADERS_BYTES // 4), draw.choice(WORDS))
        elif way == 1:
            data[draw.choice(loaded)] = draw.randrange(256)
        elif way == 2:
            at = draw.choice(loaded) & ~1
            data[at : at + 2] = draw.choice(OPCODES)
        elif way == 3:
            at = draw.randrange(len(data) - 64)
            data[at : at + 64] = draw.randbytes(64)
        elif draw.random() < 0.2:
            at = draw.randrange(_HEADERS_BYTES, len(data))
            data[at:] = bytes(len(data) - at)
    return bytes(data)


def boot(image: bytes, device: str) -> str:
    """Boot an image and talk to it for ``TIMEOUT_S``: what came of it, in a word.

    Args:
        image: Its bytes.
        device: The board.
    """
    from mlperf_tiny.runners.emulator.board import EmulatedBoard

    try:
        board = EmulatedBoard(find_board(device), image, instruction_limit=100_000_000)
        deadline = time.monotonic() + TIMEOUT_S
        board.send(b"name%")
        while time.monotonic() < deadline and not board.idle:
            board.run(deadline - time.monotonic())
    except (UsageError, DeviceCrashed) as error:
        return type(error).__name__
    except Exception as error:  # what this benchmark looks for
        return f"fault: {type(error).__name__}: {str(error)[:150]}"
    return "idle" if board.idle else "busy"


def boot_apart(image: bytes, device: str) -> str:
    """``boot`` in a process of its own, which may hang or be killed; both are outcomes.

    Args:
        image: Its bytes.
        device: The board.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(theirs, boot(image, device).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    ready, _, _ = select.select([ours], [], [], TIMEOUT_S + GRACE_S)
    answer = os.read(ours, 1000).decode() if ready else "fault: hang"
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.close(ours)
    _, status = os.waitpid(child, 0)
    return answer or f"fault: the process ended with status {status}"


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--count", default=1000, show_default=True)
@click.option("--first-seed", default=0, show_default=True)
@click.option("--device", default="stm32f746", show_default=True)
def main(image: Path, count: int, first_seed: int, device: str) -> None:
    """Boot mutants of IMAGE and print a count of each outcome."""
    data = image.read_bytes()
    boot(data, device)  # compiles what the others share
    outcomes: Counter[str] = Counter()
    for seed in range(first_seed, first_seed + count):
        outcome = boot_apart(mutate_elf(data, seed), device)
        if outcome.startswith("fault"):
            click.echo(f"seed {seed}: {outcome}")
        outcomes[outcome.split(":")[0]] += 1
    click.echo(f"{count:,} mutants: {dict(outcomes)}")
    sys.exit(1 if outcomes["fault"] else 0)


if __name__ == "__main__":
    main()
