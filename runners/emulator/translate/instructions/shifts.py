# SPDX-License-Identifier: Apache-2.0
"""Shifts and rotations with their carry. Meaning: ARMv7-M Architecture Reference Manual (DDI 0403), A2.2.1."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.translate.guest.code import Machine

LSL, LSR, ASR, ROR = range(4)
_LONGEST = "63"


def shift_by_constant(m: Machine, value: str, kind: int, field: int) -> tuple[str, str | None]:
    """Shift as an instruction's amount field says.

    Args:
        m: The code.
        value: What is shifted.
        kind: LSL, LSR, ASR or ROR.
        field: 0 to 31; 0 stands for 32 with LSR and ASR, and for RRX with ROR.

    Returns:
        The result, and the carry; None: C stays.
    """
    if kind == LSL:
        if not field:
            return value, None
        return m.binary("shl", value, str(field)), _bit(m, value, 32 - field)
    if kind == ROR:
        if field:
            return _rotated(m, value, str(field)), _bit(m, value, field - 1)
        carry = m.convert("zext", m.variable("c"), "i32", "i1")
        result = m.binary("or", m.binary("lshr", value, "1"), m.binary("shl", carry, "31"))
        return result, _bit(m, value, 0)
    amount = field or 32
    carry_out = _bit(m, value, amount - 1)
    if kind == LSR:
        return ("0" if amount == 32 else m.binary("lshr", value, str(amount))), carry_out
    return m.binary("ashr", value, str(min(amount, 31))), carry_out


def shift_by_register(m: Machine, value: str, kind: int, amount: str, flags: bool) -> tuple[str, str | None]:
    """Shift by the low byte of a register.

    Args:
        m: The code.
        value: What is shifted.
        kind: LSL, LSR, ASR or ROR.
        amount: The register's value.
        flags: Whether the carry is wanted.

    Returns:
        The result, and the carry; None: it is not wanted.
    """
    amount = m.binary("and", amount, "255")
    if kind == ROR:
        result = _rotated(m, value, m.binary("and", amount, "31"))
        return result, (_unless_zero(m, amount, m.compare("slt", result, "0")) if flags else None)
    capped = m.convert("zext", m.op(f"call i32 @llvm.umin.i32(i32 {amount}, i32 {_LONGEST})"), "i64")
    if kind == LSL:
        wide = m.binary("shl", m.convert("zext", value, "i64"), capped, "i64")
        result = m.convert("trunc", wide, "i32", "i64")
        bit = 32
    else:
        wide = m.convert("sext" if kind == ASR else "zext", value, "i64")
        wide = m.binary("ashr" if kind == ASR else "lshr", m.binary("shl", wide, "32", "i64"), capped, "i64")
        result = m.convert("trunc", m.binary("lshr", wide, "32", "i64"), "i32", "i64")
        bit = 31
    if not flags:
        return result, None
    carry = m.convert("trunc", m.binary("lshr", wide, str(bit), "i64"), "i1", "i64")
    return result, _unless_zero(m, amount, carry)


def _unless_zero(m: Machine, amount: str, carry: str) -> str:
    return m.select(m.compare("eq", amount, "0"), m.variable("c"), carry, "i1")


def _bit(m: Machine, value: str, bit: int) -> str:
    return m.convert("trunc", m.binary("lshr", value, str(bit)), "i1") if bit else m.convert("trunc", value, "i1")


def _rotated(m: Machine, value: str, amount: str) -> str:
    return m.op(f"call i32 @llvm.fshr.i32(i32 {value}, i32 {value}, i32 {amount})")


def rotated_right(m: Machine, value: str, amount: int) -> str:
    """Rotate by a constant.

    Args:
        m: The code.
        value: What is rotated.
        amount: 0 to 31.
    """
    return _rotated(m, value, str(amount)) if amount else value
