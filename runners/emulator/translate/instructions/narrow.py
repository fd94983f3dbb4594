# SPDX-License-Identifier: Apache-2.0
"""16-bit instructions. Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), A5.2."""

from __future__ import annotations

from mlperf_tiny.runners.emulator.timing.decode.narrow import registers_in
from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.code import Untranslatable
from mlperf_tiny.runners.emulator.translate.instructions.parts import extended, reversed_bytes
from mlperf_tiny.runners.emulator.translate.instructions.shifts import shift_by_constant, shift_by_register

SP = 13


def write_narrow(m: Guest, h: int) -> None:
    """Write a 16-bit instruction that is no branch.

    Args:
        m: The code.
        h: The instruction.
    """
    flags = not m.it_state
    top = h >> 12
    if top in (0, 1):
        _shift_add(m, h, flags)
    elif top in (2, 3):
        _immediate(m, h, flags)
    elif h >> 10 == 0b010000:
        _register(m, h, flags)
    elif h >> 10 == 0b010001:
        _high_register(m, h)
    elif h >> 11 == 0b01001:
        m.set(h >> 8 & 7, m.load(str((m.instruction + 4 & ~3) + 4 * (h & 0xFF)), 4))
    elif top == 5:
        _by_register(m, h)
    elif 6 <= top <= 9:
        _by_offset(m, h)
    elif top == 10:
        offset = 4 * (h & 0xFF)
        m.set(h >> 8 & 7, m.add(m.get(SP), str(offset), False) if h >> 11 & 1 else _near(m, offset))
    elif top == 11:
        _miscellaneous(m, h)
    elif top == 12:
        _multiple(m, h)
    else:
        raise Untranslatable(f"{h:#06x}")


def _near(m: Guest, offset: int) -> str:
    return str((m.instruction + 4 & ~3) + offset)


def _shift_add(m: Guest, h: int, flags: bool) -> None:
    source = m.get(h >> 3 & 7)
    kind = h >> 11 & 3
    if kind == 3:
        field = h >> 6 & 7
        other = str(field) if h >> 10 & 1 else m.get(field)
        result = m.subtract(source, other, flags) if h >> 9 & 1 else m.add(source, other, flags)
    else:
        result, carry = shift_by_constant(m, source, kind, h >> 6 & 0x1F)
        if flags:
            m.set_nz(result)
            m.set_carry(carry)
    m.set(h & 7, result)


def _immediate(m: Guest, h: int, flags: bool) -> None:
    operation, register, constant = h >> 11 & 3, h >> 8 & 7, str(h & 0xFF)
    if operation == 0:
        if flags:
            m.set_nz(constant)
        m.set(register, constant)
    elif operation == 1:
        m.subtract(m.get(register), constant, True)
    elif operation == 2:
        m.set(register, m.add(m.get(register), constant, flags))
    else:
        m.set(register, m.subtract(m.get(register), constant, flags))


_LOGIC = {0: "and", 1: "xor", 8: "and", 12: "or", 14: "and"}
_SHIFTS = {2: 0, 3: 1, 4: 2, 7: 3}


def _register(m: Guest, h: int, flags: bool) -> None:
    operation, target = h >> 6 & 0xF, h & 7
    first, second = m.get(target), m.get(h >> 3 & 7)
    if operation in _SHIFTS:
        result, carry = shift_by_register(m, first, _SHIFTS[operation], second, flags)
        if flags:
            m.set_nz(result)
            m.set_carry(carry)
    elif operation in (5, 6):  # ADC, SBC
        result = m.add_with_carry(first, second if operation == 5 else m.binary("xor", second, "-1"), flags)
    elif operation == 9:  # RSB
        result = m.subtract("0", second, flags)
    elif operation == 10:
        m.subtract(first, second, True)
        return
    elif operation == 11:
        m.add(first, second, True)
        return
    else:
        result = _logic(m, operation, first, second)
        if flags or operation == 8:
            m.set_nz(result)
    if operation != 8:
        m.set(target, result)


def _logic(m: Guest, operation: int, first: str, second: str) -> str:
    if operation == 13:
        return m.binary("mul", first, second)
    if operation == 15:
        return m.binary("xor", second, "-1")
    if operation == 14:
        second = m.binary("xor", second, "-1")
    return m.binary(_LOGIC[operation], first, second)


def _high_register(m: Guest, h: int) -> None:
    operation, target, source = h >> 8 & 3, (h & 7) | (h >> 4 & 8), h >> 3 & 0xF
    value = str(m.instruction + 4) if source == 15 else m.get(source)
    if operation == 0:
        m.set(target, m.add(m.get(target), value, False))
    elif operation == 1:
        m.subtract(m.get(target), value, True)
    else:
        m.set(target, value)


_SIZES = ((4, False), (2, False), (1, False), (1, True), (4, False), (2, False), (1, False), (2, True))


def _by_register(m: Guest, h: int) -> None:
    operation, register = h >> 9 & 7, h & 7
    size_bytes, signed = _SIZES[operation]
    address = m.add(m.get(h >> 3 & 7), m.get(h >> 6 & 7), False)
    if operation < 3:
        m.store(address, size_bytes, m.get(register))
    else:
        m.set(register, m.load(address, size_bytes, signed))


def _by_offset(m: Guest, h: int) -> None:
    size_bytes = {6: 4, 7: 1, 8: 2, 9: 4}[h >> 12]
    if h >> 12 == 9:
        register, base, offset = h >> 8 & 7, SP, 4 * (h & 0xFF)
    else:
        register, base, offset = h & 7, h >> 3 & 7, size_bytes * (h >> 6 & 0x1F)
    address = m.add(m.get(base), str(offset), False)
    if h >> 11 & 1:
        m.set(register, m.load(address, size_bytes))
    else:
        m.store(address, size_bytes, m.get(register))


def _miscellaneous(m: Guest, h: int) -> None:
    if h >> 8 == 0xB0:
        offset = 4 * (h & 0x7F)
        m.set(SP, m.add(m.get(SP), str(-offset if h >> 7 & 1 else offset), False))
    elif h >> 8 == 0xB2:
        signed, size_bytes = not h >> 7 & 1, 1 if h >> 6 & 1 else 2
        m.set(h & 7, extended(m, m.get(h >> 3 & 7), size_bytes, signed))
    elif h >> 9 == 0b1011010:  # PUSH
        registers = (*registers_in(h & 0xFF), *((14,) if h >> 8 & 1 else ()))
        _push(m, registers)
    elif h >> 8 == 0b10111100:  # POP without PC
        registers = registers_in(h & 0xFF)
        values = m.load_words(m.get(SP), len(registers))
        m.set(SP, m.add(m.get(SP), str(4 * len(registers)), False))
        for register, value in zip(registers, values, strict=True):
            m.set(register, value)
    elif h >> 8 == 0xBA and h >> 6 & 3 != 2:
        m.set(h & 7, reversed_bytes(m, m.get(h >> 3 & 7), h >> 6 & 3))
    elif h != 0xBF00:
        raise Untranslatable(f"{h:#06x}")


def _push(m: Guest, registers: tuple[int, ...]) -> None:
    if not registers:
        raise Untranslatable("push of nothing")
    address = m.add(m.get(SP), str(-4 * len(registers)), False)
    m.store_words(address, [m.get(register) for register in registers])
    m.set(SP, address)


def _multiple(m: Guest, h: int) -> None:
    base, registers = h >> 8 & 7, registers_in(h & 0xFF)
    if not registers:
        raise Untranslatable("nothing to load or store")
    address = m.get(base)
    after = m.add(address, str(4 * len(registers)), False)
    if h >> 11 & 1:
        values = m.load_words(address, len(registers))
        m.set(base, after)
        for register, value in zip(registers, values, strict=True):
            m.set(register, value)
        return
    if base in registers and base != registers[0]:
        raise Untranslatable("a base that is stored, and not first")
    m.store_words(address, [m.get(register) for register in registers])
    m.set(base, after)
