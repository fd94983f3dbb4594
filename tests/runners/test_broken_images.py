# SPDX-License-Identifier: Apache-2.0
"""Firmware images that are broken, and a program at the other end of the line that does not read."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress

import pytest

from benchmarks.elf_mutants import boot, boot_apart, mutate_elf
from mlperf_tiny.errors import DeviceCrashed, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.console_bridge import TcpPort
from tests.runners.emulator_images import build_image

DEVICE = "stm32f746"
FILE_SIZE, CODE = 16, 4  # fields of a program header


def header_word(image: bytes, field: int) -> int:
    """Where a field of the first program header lies in the file."""
    return int(struct.unpack_from("<I", image, 28)[0]) + field


def with_code(code: bytes) -> bytes:
    """The echo image with ``code`` where it starts."""
    image = bytearray(build_image("echo.c", DEVICE))
    offset = struct.unpack_from("<I", image, header_word(bytes(image), CODE))[0]
    entry = struct.unpack_from("<I", image, offset + 4)[0] & ~1
    at = offset + entry - 0x0800_0000
    image[at : at + len(code)] = code
    return bytes(image)


def test_a_segment_longer_than_the_file_is_refused() -> None:
    image = bytearray(build_image("echo.c", DEVICE))
    struct.pack_into("<I", image, header_word(bytes(image), FILE_SIZE), 0xFFFF_FFFF)
    with pytest.raises(UsageError, match=r"are to be loaded and has"):
        EmulatedBoard(find_board(DEVICE), bytes(image))


@pytest.mark.parametrize("entry", [0, 1, 0x0800_0000, 0x1000_0001, 0x2000_0001, 0xFFFF_FFFF])
def test_an_entry_outside_the_flash_is_refused(entry: int) -> None:
    image = bytearray(build_image("echo.c", DEVICE))
    offset = struct.unpack_from("<I", image, header_word(bytes(image), CODE))[0]
    struct.pack_into("<I", image, offset + 4, entry)
    with pytest.raises(UsageError, match="has no vector table"):
        EmulatedBoard(find_board(DEVICE), bytes(image))


ENDLESS = {
    "branch to itself": bytes.fromhex("fee7"),
    "two branches": bytes.fromhex("00e000bffce7"),
    "counts": bytes.fromhex("0130fde7"),
    # ldr r0, =0x20010001; movs r1, #0; str [r0]; bx: RAM of zeros is MOVS r0, r0, to its end
    "zeroed RAM": bytes.fromhex("014800bf004700bf") + (0x2001_0001).to_bytes(4, "little"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_code_that_never_ends_is_a_crash_or_ends_with_the_time_out(name: str) -> None:
    board = EmulatedBoard(find_board(DEVICE), with_code(ENDLESS[name]), instruction_limit=2_000_000_000)
    start = time.monotonic()
    with suppress(DeviceCrashed):
        assert board.run(1.0) == b""
    assert time.monotonic() - start < 8


def test_broken_images_end_in_a_typed_error() -> None:
    """The full count is ``python -m benchmarks.elf_mutants``."""
    image = build_image("echo.c", DEVICE)
    assert boot(image, DEVICE) == "idle"
    outcomes = [boot_apart(mutate_elf(image, seed), DEVICE) for seed in range(8)]
    assert not [outcome for outcome in outcomes if outcome.startswith("fault")]


def test_a_client_that_never_reads_does_not_stop_the_line() -> None:
    port = TcpPort(0)
    with socket.create_connection(("127.0.0.1", int(port.name.rsplit(":", 1)[1]))):
        port.receive(5.0)
        start = time.monotonic()
        for _ in range(200):
            port.send(b"x" * 65536)
        assert time.monotonic() - start < 10
        assert port.receive(0.0) == b""
    port.close()
