# SPDX-License-Identifier: Apache-2.0
"""Reads a linked image: how much of each memory it takes, the bytes to programme, and whether it has instructions that
the board's floating-point unit lacks."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from mlperf_tiny.errors import CompilerFailed, DataError
from mlperf_tiny.firmware.boards import Board

# Images are linked with memories this large and then measured against the real ones, so that the error has the number
# of missing bytes. No address depends on it.
UNLIMITED_BYTES = 256 << 20

MAX_SEGMENTS = 64
"""Images have a handful."""
_ELF_HEADER_BYTES = 52
_PROGRAM_HEADERS_AT, _PROGRAM_HEADER_SIZE_AT = 28, 42
_PROGRAM_HEADER = struct.Struct("<8I")
_PT_LOAD = 1


def image_bytes(elf: Path, board: Board) -> tuple[int, int]:
    """Return (flash bytes, RAM bytes) of a linked image: how far it extends into each memory.

    Args:
        elf: The image.
        board: The row it was linked for.
    """
    flash, ram = board.memory("flash"), board.memory("ram")
    flash_end, ram_end = flash.base, ram.base
    with elf.open("rb") as file:
        image = ELFFile(file)
        for segment in image.iter_segments("PT_LOAD"):
            if segment["p_filesz"]:
                flash_end = max(flash_end, segment["p_paddr"] + segment["p_filesz"])
        for section in image.iter_sections():
            if ram.base <= section["sh_addr"] < ram.base + UNLIMITED_BYTES:
                ram_end = max(ram_end, section["sh_addr"] + section["sh_size"])
    return flash_end - flash.base, ram_end - ram.base


def flash_image(elf: Path, board: Board) -> bytes:
    """Return the bytes that a programmer writes from the start of flash; gaps are 0xFF, as erased.

    The file may be a stranger's: it is read by the fields of its program headers alone.

    Args:
        elf: The image.
        board: The row it was linked for.

    Raises:
        DataError: It is no 32-bit little-endian ELF file, is cut short, or has bytes outside the board's flash.
    """
    flash = board.memory("flash")
    image = bytearray()
    for address, data in _loaded(elf):
        start = address - flash.base
        if not 0 <= start <= flash.size_bytes - len(data):
            raise DataError(
                f"{elf} has {len(data):,} bytes at 0x{address:08x}, outside the flash of {board.device}. Name an "
                "image that was linked for it."
            )
        image.extend(b"\xff" * (start + len(data) - len(image)))
        image[start : start + len(data)] = data
    return bytes(image)


def _loaded(elf: Path) -> Iterator[tuple[int, bytes]]:
    """(physical address, bytes) of what is loaded, in the order of the file. Format: System V ABI, chapter 4 and 5."""
    content = elf.read_bytes()
    if content[:6] != b"\x7fELF\x01\x01" or len(content) < _ELF_HEADER_BYTES:
        raise DataError(f"{elf} is not a 32-bit little-endian ELF file. Name a firmware image.")
    (first,) = struct.unpack_from("<I", content, _PROGRAM_HEADERS_AT)
    size_bytes, count = struct.unpack_from("<HH", content, _PROGRAM_HEADER_SIZE_AT)
    if count > MAX_SEGMENTS or first + count * max(size_bytes, _PROGRAM_HEADER.size) > len(content):
        raise DataError(f"{elf} names {count:,} program headers at byte {first:,}. Copy or build it again.")
    for number in range(count):
        kind, offset, _, address, used, *_ = _PROGRAM_HEADER.unpack_from(content, first + number * size_bytes)
        if kind != _PT_LOAD or not used:
            continue
        if offset + used > len(content):
            raise DataError(
                f"{elf} says that bytes {offset:,} to {offset + used:,} are to be loaded and has {len(content):,}. "
                "Copy or build it again."
            )
        yield address, content[offset : offset + used]


def with_constant(elf: Path, symbol: str, value: int) -> bytes:
    """Return the file's bytes with another value in a 32-bit constant; raises KeyError when there is none.

    Args:
        elf: The image.
        symbol: The constant's name.
        value: 0 to 2^32 - 1.
    """
    content = bytearray(elf.read_bytes())
    with elf.open("rb") as file:
        image = ELFFile(file)
        tables = [table for table in image.iter_sections() if isinstance(table, SymbolTableSection)]
        addresses = [found["st_value"] for table in tables for found in table.get_symbol_by_name(symbol) or ()]
        for address in addresses:
            for segment in image.iter_segments("PT_LOAD"):
                offset = address - segment["p_vaddr"]
                if 0 <= offset <= segment["p_filesz"] - 4:
                    struct.pack_into("<I", content, segment["p_offset"] + offset, value)
                    return bytes(content)
    raise KeyError(f"{elf} has no constant called {symbol!r}")


def refuse_double_precision(elf: Path, board: Board, compiler: str) -> None:
    """Raise CompilerFailed when the image computes in double precision and the board's FPU cannot.

    An emulator may run such an image (Unicorn's Cortex-M7 has double precision); the board would fault.

    Args:
        elf: The image.
        board: The row it was linked for.
        compiler: The toolchain's name, for the message.
    """
    if "-sp-" not in board.fpu:
        return
    found = double_precision_instructions(elf)
    if found:
        raise CompilerFailed(
            compiler,
            f"the image for {board.device} holds {len(found)} double-precision instructions, the first at "
            f"0x{found[0]:08x}, and its {board.fpu} has none. Compile every part of it for that unit.",
        )


def double_precision_instructions(elf: Path) -> list[int]:
    """Addresses of all Thumb instructions that compute in double precision.

    Moving 64 bits (VLDR, VPUSH, VMOV between core and D registers) is within a single-precision unit's reach and is
    not counted. Encodings: Armv7-M Architecture Reference Manual, A6.4 to A6.7.
    """
    with elf.open("rb") as file:
        return [
            address
            for address, first, second in _wide_instructions(ELFFile(file))
            # Coprocessor 11 is the double-precision one. 0xEE and 0xFE with bit 4 clear is data processing.
            if first & 0xEF00 == 0xEE00 and second & 0x0F10 == 0x0B00
        ]


def _wide_instructions(image: ELFFile) -> Iterator[tuple[int, int, int]]:
    """(address, first half, second half) of each 32-bit instruction; literal pools are skipped by mapping symbols."""
    symbols = [table for table in image.iter_sections() if isinstance(table, SymbolTableSection)]
    marks = sorted(
        (symbol["st_value"], symbol.name[:2])
        for table in symbols
        for symbol in table.iter_symbols()
        if symbol.name[:2] in ("$t", "$d")
    )
    addresses = [address for address, _ in marks]
    for section in image.iter_sections():
        if not section["sh_flags"] & 4 or section["sh_type"] != "SHT_PROGBITS":
            continue
        base = section["sh_addr"]
        halves = struct.unpack(f"<{section['sh_size'] // 2}H", section.data()[: section["sh_size"] & ~1])
        at = 0
        while at < len(halves):
            mark = bisect_right(addresses, base + 2 * at) - 1
            if mark >= 0 and marks[mark][1] == "$d":
                at += 1
            elif halves[at] >> 11 in (0b11101, 0b11110, 0b11111) and at + 1 < len(halves):
                yield base + 2 * at, halves[at], halves[at + 1]
                at += 2
            else:
                at += 1
