# SPDX-License-Identifier: Apache-2.0
"""32-bit instructions: loads and stores here, the rest where it belongs. Encodings: ARMv7-M Reference Manual, A5.3."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.timing.decode.narrow import registers_in
from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.code import Untranslatable
from mlperf_tiny.runners.emulator.translate.instructions.data import (
    write_modified_immediate,
    write_plain_immediate,
    write_shifted_register,
)
from mlperf_tiny.runners.emulator.translate.instructions.multiply import write_long_multiply_divide, write_multiply
from mlperf_tiny.runners.emulator.translate.instructions.simd import write_register

PC = 15


def write_wide(m: Guest, h1: int, h2: int) -> None:
    """Write a 32-bit instruction that is no branch.

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    if h1 >> 9 == 0b1110100:
        (_double if h1 & 0x40 else _multiple)(m, h1, h2)
    elif h1 >> 9 == 0b1110101:
        write_shifted_register(m, h1, h2)
    elif h1 >> 11 == 0b11110 and not h2 >> 15:
        (write_plain_immediate if h1 >> 9 & 1 else write_modified_immediate)(m, h1, h2)
    elif (h1, h2) == (0xF3AF, 0x8000):
        pass  # NOP.W
    elif h1 >> 9 == 0b1111100:
        _single(m, h1, h2)
    elif h1 >> 8 == 0xFA:
        write_register(m, h1, h2)
    elif h1 >> 7 == 0b111110110:
        write_multiply(m, h1, h2)
    elif h1 >> 7 == 0b111110111:
        write_long_multiply_divide(m, h1, h2)
    else:
        raise Untranslatable(f"{h1:#06x} {h2:#06x}")


def _multiple(m: Guest, h1: int, h2: int) -> None:
    base, registers, writes_back = h1 & 0xF, registers_in(h2), bool(h1 >> 5 & 1)
    before = h1 >> 7 & 3 == 2
    if h1 >> 7 & 3 not in (1, 2) or not registers or 13 in registers or base == PC:
        raise Untranslatable("undefined")
    start = m.get(base)
    size = 4 * len(registers)
    after = m.add(start, str(-size if before else size), False)
    address = after if before else start
    if h1 >> 4 & 1:
        if PC in registers or (writes_back and base in registers):
            raise Untranslatable("undefined")
        values = m.load_words(address, len(registers))
        for register, value in zip(registers, values, strict=True):
            m.set(register, value)
    else:
        if PC in registers or (writes_back and base in registers):
            raise Untranslatable("undefined")
        m.store_words(address, [m.get(register) for register in registers])
    if writes_back:
        m.set(base, after)


def _double(m: Guest, h1: int, h2: int) -> None:
    base, first, second = h1 & 0xF, h2 >> 12, h2 >> 8 & 0xF
    before, adds, writes_back = h1 >> 8 & 1, h1 >> 7 & 1, h1 >> 5 & 1
    if not (before or writes_back):
        raise Untranslatable("an exclusive access or a table branch")
    offset = 4 * (h2 & 0xFF) * (1 if adds else -1)
    if base == PC:
        if writes_back or not h1 >> 4 & 1:
            raise Untranslatable("undefined")
        moved = str((m.instruction + 4 & ~3) + offset)
    else:
        moved = m.add(m.get(base), str(offset), False)
    address = moved if before else m.get(base)
    if h1 >> 4 & 1:
        if writes_back and base in (first, second):
            raise Untranslatable("undefined")
        one, other = m.load_words(address, 2)
        m.set(first, one)
        m.set(second, other)
    else:
        if writes_back and base in (first, second):
            raise Untranslatable("undefined")
        m.store_words(address, [m.get(first), m.get(second)])
    if writes_back:
        m.set(base, moved)


def _single(m: Guest, h1: int, h2: int) -> None:
    size_bytes, loads, signed = 1 << (h1 >> 5 & 3), bool(h1 >> 4 & 1), bool(h1 >> 8 & 1)
    register = h2 >> 12
    if size_bytes == 8 or register == PC or (size_bytes == 4 and signed) or (signed and not loads):
        raise Untranslatable("undefined, PLD, or a load of the program counter")
    address, updated = _address(m, h1, h2)
    base = h1 & 0xF
    if loads:
        if updated is not None and base == register:
            raise Untranslatable("undefined")
        value = m.load(address, size_bytes, signed)
        m.set(register, value)
    else:
        if updated is not None and base == register:
            raise Untranslatable("undefined")
        m.store(address, size_bytes, m.get(register))
    if updated is not None:
        m.set(base, updated)


def _address(m: Guest, h1: int, h2: int) -> tuple[str, str | None]:
    """The address of a single access, and what its base becomes; None: it stays."""
    base = h1 & 0xF
    if base == PC:
        if not h1 >> 4 & 1:
            raise Untranslatable("undefined")
        return str((m.instruction + 4 & ~3) + (h2 & 0xFFF) * (1 if h1 >> 7 & 1 else -1)), None
    start = m.get(base)
    if h1 >> 7 & 1:
        return m.add(start, str(h2 & 0xFFF), False), None
    if not h2 >> 11 & 1:
        if h2 >> 6 & 0x3F:
            raise Untranslatable("undefined")
        index = m.get(h2 & 0xF)
        return m.add(start, m.binary("shl", index, str(h2 >> 4 & 3)), False), None
    before, adds, writes_back = h2 >> 10 & 1, h2 >> 9 & 1, h2 >> 8 & 1
    if not (before or writes_back) or (before and adds and not writes_back):
        raise Untranslatable("undefined, or an unprivileged access")
    moved = m.add(start, str((h2 & 0xFF) * (1 if adds else -1)), False)
    return (moved if before else start), (moved if writes_back else None)
