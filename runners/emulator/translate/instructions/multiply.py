# SPDX-License-Identifier: Apache-2.0
"""Multiplications and divisions. Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), A5.3.16 and A5.3.17."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.code import Untranslatable
from mlperf_tiny.runners.emulator.translate.instructions.parts import half

_NONE = 15


def write_multiply(m: Guest, h1: int, h2: int) -> None:
    """Multiplications with a result of 32 bits; USAD8 is not here.

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    group, option = h1 >> 4 & 7, h2 >> 4 & 0xF
    first, second = m.get(h1 & 0xF), m.get(h2 & 0xF)
    added = None if h2 >> 12 == _NONE else m.get(h2 >> 12)
    target = h2 >> 8 & 0xF
    if group == 0 and option in (0, 1):
        product = m.binary("mul", first, second)
        if option and added is None:
            raise Untranslatable("undefined")
        if added is not None:
            product = m.binary("sub" if option else "add", added, product)
        m.set(target, product)
    elif group == 1 and option < 4:
        product = m.binary("mul", half(m, first, bool(option & 2)), half(m, second, bool(option & 1)))
        m.set(target, _accumulated(m, product, added))
    elif group in (2, 4) and option < 2:
        m.set(target, _dual(m, (first, second), bool(option), group == 4, added))
    elif group == 3 and option < 2:
        wide = m.binary("mul", _wide(m, first), _wide(m, half(m, second, bool(option))), "i64")
        product = m.convert("trunc", m.binary("ashr", wide, "16", "i64"), "i32", "i64")
        m.set(target, _accumulated(m, product, added))
    elif group in (5, 6) and option < 2:
        m.set(target, _most_significant(m, (first, second), group == 6, bool(option), added))
    else:
        raise Untranslatable("a multiplication that is not known")


def _wide(m: Guest, value: str) -> str:
    return m.convert("sext", value, "i64")


def _accumulated(m: Guest, product: str, added: str | None) -> str:
    """The sum; Q where it overflows as a signed number."""
    if added is None:
        return product
    if m.keeps_q:
        pair = m.op(f"call {{i32, i1}} @llvm.sadd.with.overflow.i32(i32 {product}, i32 {added})")
        m.saturated(m.op(f"extractvalue {{i32, i1}} {pair}, 1"))
        return m.op(f"extractvalue {{i32, i1}} {pair}, 0")
    return m.binary("add", product, added)


def _products(m: Guest, factors: tuple[str, str], crossed: bool) -> tuple[str, str]:
    first, second = factors
    low = m.binary("mul", half(m, first, False), half(m, second, crossed))
    high = m.binary("mul", half(m, first, True), half(m, second, not crossed))
    return low, high


def _dual(m: Guest, factors: tuple[str, str], crossed: bool, subtracts: bool, added: str | None) -> str:
    low, high = _products(m, factors, crossed)
    if subtracts:
        return _accumulated(m, m.binary("sub", low, high), added)
    return _accumulated(m, _accumulated(m, low, high), added)


def _most_significant(m: Guest, factors: tuple[str, str], subtracts: bool, rounds: bool, added: str | None) -> str:
    wide = m.binary("mul", _wide(m, factors[0]), _wide(m, factors[1]), "i64")
    if added is not None:
        upper = m.binary("shl", m.convert("zext", added, "i64"), "32", "i64")
        wide = m.binary("sub" if subtracts else "add", upper, wide, "i64")
    elif subtracts:
        raise Untranslatable("undefined")
    if rounds:
        wide = m.binary("add", wide, str(1 << 31), "i64")
    return m.convert("trunc", m.binary("lshr", wide, "32", "i64"), "i32", "i64")


def write_long_multiply_divide(m: Guest, h1: int, h2: int) -> None:
    """Multiplications with a result of 64 bits, and divisions.

    Args:
        m: The code.
        h1: First half of the instruction.
        h2: Second half.
    """
    group, option = h1 >> 4 & 7, h2 >> 4 & 0xF
    first, second = m.get(h1 & 0xF), m.get(h2 & 0xF)
    low, high = h2 >> 12, h2 >> 8 & 0xF
    if group in (1, 3) and option == 15:
        m.set(high, _quotient(m, first, second, signed=group == 1))
        return
    extend = "zext" if group in (2, 6) else "sext"
    if group in (0, 2, 4, 6) and option == 0:
        product = m.binary("mul", m.convert(extend, first, "i64"), m.convert(extend, second, "i64"), "i64")
    elif group == 6 and option == 6:  # UMAAL
        product = m.binary("mul", m.convert("zext", first, "i64"), m.convert("zext", second, "i64"), "i64")
        product = m.binary("add", product, m.convert("zext", m.get(low), "i64"), "i64")
        product = m.binary("add", product, m.convert("zext", m.get(high), "i64"), "i64")
        _set_pair(m, low, high, product)
        return
    elif group == 4 and option >> 2 == 2:  # SMLALBB ...
        product = _wide(m, m.binary("mul", half(m, first, bool(option & 2)), half(m, second, bool(option & 1))))
    elif group in (4, 5) and option >> 1 == 6:  # SMLALD, SMLSLD
        one, other = _products(m, (first, second), bool(option & 1))
        product = m.binary("add" if group == 4 else "sub", _wide(m, one), _wide(m, other), "i64")
    else:
        raise Untranslatable("a multiplication that is not known")
    if group >= 4:
        upper = m.binary("shl", m.convert("zext", m.get(high), "i64"), "32", "i64")
        before = m.binary("or", upper, m.convert("zext", m.get(low), "i64"), "i64")
        product = m.binary("add", before, product, "i64")
    _set_pair(m, low, high, product)


def _set_pair(m: Guest, low: int, high: int, value: str) -> None:
    m.set(low, m.convert("trunc", value, "i32", "i64"))
    m.set(high, m.convert("trunc", m.binary("lshr", value, "32", "i64"), "i32", "i64"))


def _quotient(m: Guest, first: str, second: str, signed: bool) -> str:
    """By zero the result is 0; the lowest number by -1 is itself."""
    by_zero = m.compare("eq", second, "0")
    if not signed:
        quotient = m.binary("udiv", first, m.select(by_zero, "1", second))
    else:
        wide = m.convert("sext", m.select(by_zero, "1", second), "i64")
        quotient = m.convert("trunc", m.binary("sdiv", _wide(m, first), wide, "i64"), "i32", "i64")
    return m.select(by_zero, "0", quotient)
