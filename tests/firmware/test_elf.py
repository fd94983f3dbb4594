# SPDX-License-Identifier: Apache-2.0
"""The bytes to programme out of an image that may be a stranger's: what it is in flash, or one typed error."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mlperf_tiny.errors import DataError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.elf import MAX_SEGMENTS, flash_image

BOARD = find_board("stm32f746")
FLASH = BOARD.memory("flash")
HEADER_BYTES, PROGRAM_HEADER_BYTES = 52, 32
VALUES = (0, 1, 2, 31, 0xFF, 0xFFFF, 0x0800_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)


def elf(*segments: tuple[int, bytes]) -> bytearray:
    """An image with program headers and nothing else: (physical address, bytes) of each segment."""
    offset = HEADER_BYTES + PROGRAM_HEADER_BYTES * len(segments)
    header = b"\x7fELF\x01\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIIIIIHHHHHH", 2, 40, 1, FLASH.base + 1, HEADER_BYTES, 0, 0, HEADER_BYTES, PROGRAM_HEADER_BYTES,
        len(segments), 40, 0, 0,
    )  # fmt: skip
    for address, data in segments:
        header += struct.pack("<8I", 1, offset, 0x2000_0000, address, len(data), len(data), 5, 4)
        offset += len(data)
    return bytearray(header + b"".join(data for _, data in segments))


def flash_of(content: bytes, folder: Path) -> bytes:
    path = folder / "firmware.elf"
    path.write_bytes(content)
    return flash_image(path, BOARD)


def test_bytes_lie_where_they_are_programmed_and_gaps_are_erased(tmp_path: Path) -> None:
    content = elf((FLASH.base + 8, b"later"), (FLASH.base, b"first"), (0x2000_0000, b""))
    assert flash_of(content, tmp_path) == b"first\xff\xff\xfflater"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not a 32-bit little-endian ELF file"),
        (bytes(elf())[:51], "is not a 32-bit little-endian ELF file"),
        (b"\x7fELF\x02\x01" + bytes(58), "is not a 32-bit little-endian ELF file"),
        (b"\x7fELF\x01\x02" + bytes(58), "is not a 32-bit little-endian ELF file"),
        (elf(*[(FLASH.base, b"x")] * (MAX_SEGMENTS + 1)), "names 65 program headers"),
        (elf((FLASH.base, b"x"))[:60], "names 1 program headers at byte 52"),
        (elf((FLASH.base, b"xyz"))[:-1], "says that bytes 84 to 87 are to be loaded and has 86"),
        (elf((FLASH.base - 1, b"xyz")), "has 3 bytes at 0x07ffffff, outside the flash of stm32f746"),
        (elf((FLASH.base + FLASH.size_bytes - 2, b"xyz")), "outside the flash of stm32f746"),
        (elf((FLASH.base, b"x"), (0xFFFF_FFFF, b"xyz")), "outside the flash of stm32f746"),
    ],
)
def test_what_is_no_image_for_the_board_is_refused(content: bytes, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        flash_of(content, tmp_path)


def test_every_field_of_the_headers_may_be_anything(tmp_path: Path) -> None:
    """Whatever it says, the answer is a typed error, or bytes that fit in flash."""
    good = elf((FLASH.base, b"first"), (FLASH.base + 8, b"later"))
    outcomes = []
    for at in range(0, len(good) - 4, 2):
        for value in VALUES:
            changed = bytearray(good)
            struct.pack_into("<I", changed, at, value)
            try:
                assert len(flash_of(changed, tmp_path)) <= FLASH.size_bytes
                outcomes.append("read")
            except DataError:
                outcomes.append("refused")
    assert min(outcomes.count("read"), outcomes.count("refused")) > 50
