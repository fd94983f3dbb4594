# SPDX-License-Identifier: Apache-2.0
"""32-bit data processing but for multiplications and SIMD. Encodings: ARMv7-M Architecture Reference Manual, A5.3."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.code import MASK, Untranslatable, constant
from mlperf_tiny.runners.emulator.translate.instructions.parts import clamped, joined
from mlperf_tiny.runners.emulator.translate.instructions.shifts import ASR, LSL, shift_by_constant

_NONE = 15
AND, BIC, ORR, ORN, EOR, ADD, ADC, SBC, SUB, RSB = 0, 1, 2, 3, 4, 8, 10, 11, 13, 14


def write_shifted_register(m: Guest, h1: int, h2: int) -> None:
    """Data processing whose second operand is a shifted register; PKHBT and PKHTB.

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    operation, flags = h1 >> 5 & 0xF, bool(h1 >> 4 & 1)
    amount, kind = (h2 >> 10 & 0x1C) | (h2 >> 6 & 3), h2 >> 4 & 3
    if h2 & 0x8000:
        raise Untranslatable("undefined")
    second = m.get(h2 & 0xF)
    if operation == 6:
        _pack(m, h1, h2, shift_by_constant(m, second, ASR if kind & 2 else LSL, amount)[0])
        return
    shifted, carry = shift_by_constant(m, second, kind, amount)
    _data_processing(m, operation, flags, (h1 & 0xF, h2 >> 8 & 0xF), shifted, carry)


def _pack(m: Guest, h1: int, h2: int, shifted: str) -> None:
    if h1 >> 4 & 1 or h2 >> 4 & 1:
        raise Untranslatable("undefined")
    first = m.get(h1 & 0xF)
    if h2 >> 5 & 1:  # PKHTB
        result = m.binary("or", m.binary("and", first, "-65536"), m.binary("and", shifted, "65535"))
    else:
        result = m.binary("or", m.binary("and", shifted, "-65536"), m.binary("and", first, "65535"))
    m.set(h2 >> 8 & 0xF, result)


def write_modified_immediate(m: Guest, h1: int, h2: int) -> None:
    """Data processing with a constant that is rotated or repeated.

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    code = (h1 >> 10 & 1) << 11 | (h2 >> 12 & 7) << 8 | h2 & 0xFF
    byte = code & 0xFF
    carry = None
    if code >> 10:
        value = 0x80 | code & 0x7F
        rotation = code >> 7
        value = (value >> rotation | value << (32 - rotation)) & MASK
        carry = "true" if value >> 31 else "false"
    else:
        value = byte * (0x0000_0001, 0x0001_0001, 0x0100_0100, 0x0101_0101)[code >> 8 & 3]
    operation, flags = h1 >> 5 & 0xF, bool(h1 >> 4 & 1)
    _data_processing(m, operation, flags, (h1 & 0xF, h2 >> 8 & 0xF), constant(value), carry)


def _data_processing(
    m: Guest, operation: int, flags: bool, registers: tuple[int, int], second: str, carry: str | None
) -> None:
    """AND to RSB; ``registers`` are the first operand and the result."""
    first_number, target = registers
    if operation in (AND, EOR, ADD, SUB) and target == _NONE:
        if not flags:
            raise Untranslatable("undefined")
        target = -1
    if operation in (ORR, ORN) and first_number == _NONE:
        result = second if operation == ORR else m.binary("xor", second, "-1")
    elif operation in (AND, BIC, ORR, ORN, EOR):
        result = _logic(m, operation, m.get(first_number), second)
    else:
        result = _sum(m, operation, m.get(first_number), second, flags)
        flags = False
    if flags:
        m.set_nz(result)
        m.set_carry(carry)
    if target >= 0:
        m.set(target, result)


def _logic(m: Guest, operation: int, first: str, second: str) -> str:
    if operation in (BIC, ORN):
        second = m.binary("xor", second, "-1")
    return m.binary({AND: "and", BIC: "and", ORR: "or", ORN: "or", EOR: "xor"}[operation], first, second)


def _sum(m: Guest, operation: int, first: str, second: str, flags: bool) -> str:
    if operation == ADD:
        return m.add(first, second, flags)
    if operation == ADC:
        return m.add_with_carry(first, second, flags)
    if operation == SBC:
        return m.add_with_carry(first, m.binary("xor", second, "-1"), flags)
    if operation == SUB:
        return m.subtract(first, second, flags)
    if operation == RSB:
        return m.subtract(second, first, flags)
    raise Untranslatable("undefined")


def write_plain_immediate(m: Guest, h1: int, h2: int) -> None:
    """ADDW, SUBW, ADR, MOVW, MOVT, saturation and bit fields.

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    operation, source, target = h1 >> 4 & 0x1F, h1 & 0xF, h2 >> 8 & 0xF
    twelve = (h1 >> 10 & 1) << 11 | (h2 >> 12 & 7) << 8 | h2 & 0xFF
    sixteen = source << 12 | twelve
    if operation in (0, 10):
        offset = twelve if operation == 0 else -twelve
        here = (m.instruction + 4 & ~3) + offset
        m.set(target, constant(here & MASK) if source == _NONE else m.add(m.get(source), str(offset), False))
    elif operation == 4:
        m.set(target, str(sixteen))
    elif operation == 12:
        low = m.binary("and", m.get(target), "65535")
        m.set(target, m.binary("or", low, constant(sixteen << 16)))
    elif operation in (16, 18, 24, 26):
        _saturate(m, h1, h2)
    elif operation in (20, 22, 28):
        _bit_field(m, h1, h2)
    else:
        raise Untranslatable("undefined")


def _saturate(m: Guest, h1: int, h2: int) -> None:
    unsigned, by_asr = h1 >> 7 & 1, h1 >> 5 & 1
    source, target = m.get(h1 & 0xF), h2 >> 8 & 0xF
    amount = (h2 >> 10 & 0x1C) | (h2 >> 6 & 3)
    bits = h2 & 0x1F
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits), (1 << bits) - 1)
    if by_asr and not amount:  # SSAT16, USAT16
        if h2 & 0x30:
            raise Untranslatable("undefined")
        bits &= 0xF
        low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits), (1 << bits) - 1)
        lower = m.convert("sext", m.convert("trunc", source, "i16"), "i32", "i16")
        upper = m.binary("ashr", source, "16")
        m.set(target, joined(m, clamped(m, lower, low, high), clamped(m, upper, low, high)))
        return
    shifted, _ = shift_by_constant(m, source, ASR if by_asr else LSL, amount)
    if not unsigned and bits == 31:
        m.set(target, shifted)
    else:
        m.set(target, clamped(m, shifted, low, high))


def _bit_field(m: Guest, h1: int, h2: int) -> None:
    operation, source, target = h1 >> 4 & 0x1F, h1 & 0xF, h2 >> 8 & 0xF
    lowest, field = (h2 >> 10 & 0x1C) | (h2 >> 6 & 3), h2 & 0x1F
    if operation == 22:  # BFI, BFC
        if field < lowest:
            raise Untranslatable("undefined")
        mask = ((2 << (field - lowest)) - 1) << lowest
        kept = m.binary("and", m.get(target), constant(~mask & MASK))
        if source != _NONE:
            moved = m.binary("and", m.binary("shl", m.get(source), str(lowest)), constant(mask))
            kept = m.binary("or", kept, moved)
        m.set(target, kept)
        return
    width = field + 1
    if lowest + width > 32:
        raise Untranslatable("undefined")
    up = m.binary("shl", m.get(source), str(32 - lowest - width))
    m.set(target, m.binary("ashr" if operation == 20 else "lshr", up, str(32 - width)))
