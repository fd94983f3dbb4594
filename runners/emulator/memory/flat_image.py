# SPDX-License-Identifier: Apache-2.0
"""Images without symbols: Intel HEX, and the plain bytes of a flash."""

from __future__ import annotations

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.memory.elf_image import ElfImage

_DATA, _END, _SEGMENT, _START_SEGMENT, _LINEAR, _START_LINEAR = range(6)
MAX_FLAT_BYTES = 64 << 20
"""No chip here has as much flash: a larger file is something else."""


def read_hex(name: str, text: bytes) -> ElfImage:
    """Read an Intel HEX file (Intel, Hexadecimal Object File Format Specification, revision A).

    Args:
        name: Of the file, for messages.
        text: Its bytes.

    Raises:
        UsageError: for a line that is none, or whose checksum is wrong.
    """
    pieces: list[tuple[int, bytearray]] = []
    base = 0
    ended = False
    for number, line in enumerate(text.split(), start=1):
        kind, offset, data = _record(name, number, line)
        if kind == _DATA:
            address = base + offset
            if pieces and pieces[-1][0] + len(pieces[-1][1]) == address:
                pieces[-1][1].extend(data)
            else:
                pieces.append((address, bytearray(data)))
        elif kind in (_SEGMENT, _LINEAR):
            base = int.from_bytes(data, "big") << (4 if kind == _SEGMENT else 16)
        elif kind == _END:
            ended = True
            break
    if not ended or not pieces:
        raise UsageError(f"{name} is cut short: it has no end record. Copy it again.")
    return ElfImage(
        name=name, segments=tuple((address, bytes(data)) for address, data in pieces), functions=(), symbols={}
    )


def _record(name: str, number: int, line: bytes) -> tuple[int, int, bytes]:
    """Kind, offset and data of one line."""
    try:
        values = bytes.fromhex(line[1:].decode("ascii")) if line.startswith(b":") else b""
    except ValueError:
        values = b""
    if len(values) < 5 or len(values) != values[0] + 5 or sum(values) & 0xFF or values[3] > _START_LINEAR:
        raise UsageError(f"{name}: line {number} is no Intel HEX record: {line[:60]!r}. Copy the file again.")
    return values[3], int.from_bytes(values[1:3], "big"), values[4:-1]


def flat_image(name: str, data: bytes, base: int) -> ElfImage:
    """Take bytes as they lie in the flash.

    Args:
        name: Of the file, for messages.
        data: Its bytes.
        base: Where the flash begins.

    Raises:
        UsageError: for a file that is empty, or larger than any flash.
    """
    if not 8 <= len(data) <= MAX_FLAT_BYTES:
        raise UsageError(f"{name} has {len(data):,} bytes; wanted the contents of a flash: a vector table and code.")
    return ElfImage(name=name, segments=((base, data),), functions=(), symbols={})
