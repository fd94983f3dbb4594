# SPDX-License-Identifier: Apache-2.0
"""Parts of words: extensions, halves and bytes, byte order, saturation."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.translate.guest.code import Machine


def extended(m: Machine, value: str, size_bytes: int, signed: bool) -> str:
    """The low byte or half-word of a value, extended.

    Args:
        m: The code.
        value: What is extended.
        size_bytes: 1 or 2.
        signed: Whether with its sign.
    """
    if not signed:
        return m.binary("and", value, "255" if size_bytes == 1 else "65535")
    kind = f"i{8 * size_bytes}"
    return m.convert("sext", m.convert("trunc", value, kind), "i32", kind)


def half(m: Machine, value: str, top: bool, signed: bool = True) -> str:
    """One half of a word, extended.

    Args:
        m: The code.
        value: The word.
        top: Whether it is the upper half.
        signed: Whether with its sign.
    """
    if top:
        return m.binary("ashr" if signed else "lshr", value, "16")
    return extended(m, value, 2, signed)


def joined(m: Machine, low: str, high: str) -> str:
    """A word of the low halves of two values.

    Args:
        m: The code.
        low: Its lower half.
        high: Its upper half.
    """
    return m.binary("or", m.binary("and", low, "65535"), m.binary("shl", high, "16"))


def reversed_bytes(m: Machine, value: str, kind: int) -> str:
    """REV, REV16, RBIT or REVSH.

    Args:
        m: The code.
        value: What is reversed.
        kind: 0 to 3, in this order.
    """
    if kind == 2:
        return m.op(f"call i32 @llvm.bitreverse.i32(i32 {value})")
    swapped = m.op(f"call i32 @llvm.bswap.i32(i32 {value})")
    if kind == 0:
        return swapped
    if kind == 1:
        return m.op(f"call i32 @llvm.fshl.i32(i32 {swapped}, i32 {swapped}, i32 16)")
    return m.binary("ashr", swapped, "16")


def clamped(m: Machine, value: str, low: int, high: int, kind: str = "i32") -> str:
    """A signed value within bounds; Q is set where it was not.

    Args:
        m: The code.
        value: What is bounded.
        low: The lowest.
        high: The highest.
        kind: Its type.
    """
    result = m.op(f"call {kind} @llvm.smax.{kind}({kind} {value}, {kind} {low})")
    result = m.op(f"call {kind} @llvm.smin.{kind}({kind} {result}, {kind} {high})")
    if m.keeps_q:
        m.saturated(m.compare("ne", result, value, kind))
    return result
