# SPDX-License-Identifier: Apache-2.0
"""Shifts by registers, extensions, SIMD, saturating sums, CLZ. Encodings: ARMv7-M Reference Manual, A5.3.12 to 15."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.code import Untranslatable
from mlperf_tiny.runners.emulator.translate.instructions.parts import clamped, extended, half, joined, reversed_bytes
from mlperf_tiny.runners.emulator.translate.instructions.shifts import rotated_right, shift_by_register

_NONE = 15
_LOWEST, _HIGHEST = -(1 << 31), (1 << 31) - 1


def write_register(m: Guest, h1: int, h2: int) -> None:
    """Instructions of the group "data processing (register)".

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    group, selector = h1 >> 4 & 0xF, h2 >> 4 & 0xF
    if h2 >> 12 != _NONE:
        raise Untranslatable("undefined")
    target = h2 >> 8 & 0xF
    if group < 8 and selector == 0:
        flags = bool(group & 1)
        result, carry = shift_by_register(m, m.get(h1 & 0xF), group >> 1, m.get(h2 & 0xF), flags)
        if flags:
            m.set_nz(result)
            m.set_carry(carry)
    elif group < 6 and selector >= 8:
        result = _extension(m, h1, h2)
    elif group < 8:
        raise Untranslatable("undefined")
    elif selector < 8:
        result = _parallel(m, h1, h2)
    elif group == 8:
        result = _saturating(m, m.get(h1 & 0xF), m.get(h2 & 0xF), selector & 3)
    elif group == 9 and h1 & 0xF == h2 & 0xF:
        result = reversed_bytes(m, m.get(h2 & 0xF), selector & 3)
    elif group == 10 and selector == 8:
        result = _select(m, m.get(h1 & 0xF), m.get(h2 & 0xF))
    elif group == 11 and selector == 8 and h1 & 0xF == h2 & 0xF:
        result = m.op(f"call i32 @llvm.ctlz.i32(i32 {m.get(h2 & 0xF)}, i1 false)")
    else:
        raise Untranslatable("undefined")
    m.set(target, result)


def _extension(m: Guest, h1: int, h2: int) -> str:
    group = h1 >> 4 & 0xF  # SXTAH, UXTAH, SXTAB16, UXTAB16, SXTAB, UXTAB
    signed = not group & 1
    if h2 >> 6 & 1:
        raise Untranslatable("undefined")
    value = rotated_right(m, m.get(h2 & 0xF), 8 * (h2 >> 4 & 3))
    added = None if h1 & 0xF == _NONE else m.get(h1 & 0xF)
    if group >> 1 != 1:
        result = extended(m, value, 2 if group < 2 else 1, signed)
        return result if added is None else m.binary("add", added, result)
    low = extended(m, value, 1, signed)
    high = extended(m, m.binary("lshr", value, "16"), 1, signed)
    if added is not None:
        low, high = m.binary("add", low, added), m.binary("add", high, m.binary("lshr", added, "16"))
    return joined(m, low, high)


def _saturating(m: Guest, first: str, second: str, kind: int) -> str:
    """QADD, QDADD, QSUB, QDSUB: of the second operand (Rm) and the first (Rn)."""
    name = "qsub" if kind & 2 else "qadd"
    if kind & 1:
        first = _saturated_sum(m, "qadd", first, first)
    return _saturated_sum(m, name, second, first)


def _saturated_sum(m: Guest, name: str, a: str, b: str) -> str:
    wide_a, wide_b = m.convert("sext", a, "i64"), m.convert("sext", b, "i64")
    wide = m.binary("add" if name == "qadd" else "sub", wide_a, wide_b, "i64")
    return m.convert("trunc", clamped(m, wide, _LOWEST, _HIGHEST, "i64"), "i32", "i64")


def _select(m: Guest, first: str, second: str) -> str:
    """SEL: by GE, bytes of the first operand or of the second."""
    chosen = m.variable("ge")
    mask = "0"
    for byte in range(4):
        bit = (
            m.convert("trunc", m.binary("lshr", chosen, str(byte)), "i1") if byte else m.convert("trunc", chosen, "i1")
        )
        part = m.select(bit, str((0xFF << 8 * byte) - (1 << 32 if byte == 3 else 0)), "0")
        mask = part if byte == 0 else m.binary("or", mask, part)
    other = m.binary("and", second, m.binary("xor", mask, "-1"))
    return m.binary("or", m.binary("and", first, mask), other)


# Of each lane: which part of the operands, and whether they are added. By h1[6:4].
_ADD8, _ADD16, _ASX, _SUB8, _SUB16, _SAX = 0, 1, 2, 4, 5, 6


def _parallel(m: Guest, h1: int, h2: int) -> str:
    """SADD8 to UHSAX: by lanes; how a lane's sum becomes its result is in bits 4 to 6 of ``h2``."""
    operation, style = h1 >> 4 & 7, h2 >> 4 & 7
    if operation in (3, 7) or style in (3, 7):
        raise Untranslatable("undefined")
    unsigned = bool(style & 4)
    first, second = m.get(h1 & 0xF), m.get(h2 & 0xF)
    bits = 8 if operation in (_ADD8, _SUB8) else 16
    lanes = 32 // bits
    exchanges = operation in (_ASX, _SAX)
    result, at_least = "0", "0"
    for lane in range(lanes):
        a = _lane(m, first, lane, bits, unsigned)
        b = _lane(m, second, 1 - lane if exchanges else lane, bits, unsigned)
        adds = operation < 4 if not exchanges else (operation == _ASX) == (lane == 1)
        total = m.binary("add" if adds else "sub", a, b)
        if style & 3 == 0:
            at_least = _noted(m, at_least, total, (lane, bits), unsigned and adds)
        part = m.binary("and", _finished(m, total, style, bits), str((1 << bits) - 1))
        part = m.binary("shl", part, str(bits * lane)) if lane else part
        result = part if lane == 0 else m.binary("or", result, part)
    if style & 3 == 0:
        m.assign("ge", at_least)
    return result


def _lane(m: Guest, value: str, lane: int, bits: int, unsigned: bool) -> str:
    if bits == 16:
        return half(m, value, lane == 1, not unsigned)
    shifted = m.binary("lshr", value, str(8 * lane)) if lane else value
    return extended(m, shifted, 1, not unsigned)


def _noted(m: Guest, at_least: str, total: str, place: tuple[int, int], by_carry: bool) -> str:
    """GE with the bits of one lane: a sum of at least 0, or with a carry where unsigned numbers are added."""
    lane, bits = place
    holds = m.compare("uge", total, str(1 << bits)) if by_carry else m.compare("sge", total, "0")
    width = bits // 8
    return m.binary("or", at_least, m.select(holds, str(((1 << width) - 1) << width * lane), "0"))


def _finished(m: Guest, total: str, style: int, bits: int) -> str:
    unsigned, how = style & 4, style & 3
    if how == 1:  # Q, UQ: Q itself stays
        low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
        result = m.op(f"call i32 @llvm.smax.i32(i32 {total}, i32 {low})")
        return m.op(f"call i32 @llvm.smin.i32(i32 {result}, i32 {high})")
    if how == 2:  # halved
        return m.binary("ashr", total, "1")
    return total
