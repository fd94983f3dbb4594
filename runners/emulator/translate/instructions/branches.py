# SPDX-License-Identifier: Apache-2.0
"""How a block ends: the text of its branch, up to the labels of its edges or to where the function is left."""

from __future__ import annotations

from collections.abc import Callable

from mlperf_tiny.runners.emulator.timing.decode.core_model import BranchKind
from mlperf_tiny.runners.emulator.timing.decode.narrow import registers_in
from mlperf_tiny.runners.emulator.timing.decode.thumb import is_wide
from mlperf_tiny.runners.emulator.translate.guest.access import Guest
from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestBlock, Instruction
from mlperf_tiny.runners.emulator.translate.guest.code import Untranslatable
from mlperf_tiny.runners.emulator.translate.guest.running import TRANSFER

PC, LR, SP = 15, 14, 13
# Jumps to these addresses mean the return from an exception.
_NO_CODE = -0x1000_0000

Edge = Callable[[int, bool], str]
"""The label of the edge to an address; whether it is taken by the branch."""


def write_end(m: Guest, block: GuestBlock, edge: Edge) -> None:
    """Write the end of a block, its last instruction included where that is a branch.

    Args:
        m: The code, with all before it.
        block: The block.
        edge: Gives the label of an edge within the function.
    """
    last = block.last
    operation, target = last.operation, block.target
    if operation.branch is None:
        m.flush()
        m.put(f"br label %{edge(block.end, False)}")
        return
    if operation.branch is BranchKind.CALL or target is None:
        if operation.condition is None:
            _jump_away(m, block)
            return
        condition = m.condition(operation.condition)
        number = m.fresh("")
        m.store_changed()
        m.count_bytes()
        m.put(f"br i1 {condition}, label %go{number}, label %{edge(block.end, False)}")
        m.label(f"go{number}")
        m.is_conditional = True
        _jump_away(m, block)
        return
    if not operation.may_fall_through:
        m.flush()
        m.put(f"br label %{edge(target, True)}")
        return
    condition = _condition(m, last)
    m.flush()
    m.put(f"br i1 {condition}, label %{edge(target, True)}, label %{edge(block.end, False)}")


def _condition(m: Guest, last: Instruction) -> str:
    if last.operation.condition is not None:
        return m.condition(last.operation.condition)
    if last.first >> 12 == 0b1011:  # CBZ, CBNZ
        return m.compare("ne" if last.first >> 11 & 1 else "eq", m.get(last.first & 7), "0")
    return m.condition(last.first >> 6 & 0xF if is_wide(last.first) else last.first >> 8 & 0xF)


def transfer(m: Guest, address: str) -> None:
    """Leave the function for an address, before anything of the block there has been counted.

    Args:
        m: The code.
        address: Where to, even.
    """
    m.flush()
    m.set_context("pc", address)
    m.set_context("kind", str(TRANSFER))
    m.put(f"br label %leave{m.block_label}")


def _jump_away(m: Guest, block: GuestBlock) -> None:
    last = block.last
    h1, h2 = last.first, last.second
    m.instruction = last.address
    if last.operation.branch is BranchKind.CALL:
        assert block.target is not None
        m.set(LR, str(block.end | 1))
        transfer(m, str(block.target))
    elif h1 >> 8 == 0b01000111:  # BX, BLX
        address = _checked(m, m.get(h1 >> 3 & 0xF))
        if h1 >> 7 & 1:
            m.set(LR, str(block.end | 1))
        transfer(m, address)
    elif h1 >> 8 in (0b01000100, 0b01000110):  # ADD PC, MOV PC
        value = m.get(h1 >> 3 & 0xF)
        if h1 >> 8 == 0b01000100:
            value = m.add(value, str(last.address + 4), False)
        transfer(m, m.binary("and", value, "-2"))
    elif h1 >> 8 == 0b10111101:  # POP with PC
        _load_many(m, SP, (*registers_in(h1 & 0xFF), PC), True)
    elif h1 & 0xFFD0 == 0xE890:  # LDMIA with PC
        base, registers = h1 & 0xF, registers_in(h2)
        if SP in registers or base in registers:
            raise Untranslatable("undefined")
        _load_many(m, base, registers, bool(h1 >> 5 & 1))
    elif h1 & 0xFFF0 == 0xE8D0 and h2 & 0xFFE0 == 0xF000:
        _table_branch(m, last)
    elif (h1, h2) == (0xF85D, 0xFB04):  # LDR PC, [SP], #4
        _load_many(m, SP, (PC,), True)
    elif h1 & 0xFFF0 == 0xF8D0 and h1 & 0xF != PC:  # LDR PC, [base, #offset]
        _load_word(m, m.add(m.get(h1 & 0xF), str(h2 & 0xFFF), False))
    else:
        raise Untranslatable(f"jump {h1:#06x}")


def _checked(m: Guest, value: str) -> str:
    """The address that a value with the Thumb bit means; anything else is left to the engine."""
    even = m.compare("ne", m.binary("and", value, "1"), "0")
    code = m.compare("ult", value, str(_NO_CODE))
    m.leave_unless(m.binary("and", even, code, "i1"))
    return m.binary("and", value, "-2")


def _load_many(m: Guest, base: int, registers: tuple[int, ...], writes_back: bool) -> None:
    address, size = m.get(base), 4 * len(registers)
    # Whether the jump is plain is seen before anything is charged.
    place = m.pointer(address, size, False)
    target = _checked(m, m.read(m.op(f"getelementptr i8, ptr {place}, i64 {size - 4}"), 4))
    m.charge(address, 4, False, len(registers))
    values = [m.read(m.op(f"getelementptr i8, ptr {place}, i64 {4 * index}"), 4) for index in range(len(registers))]
    if writes_back:
        m.set(base, m.add(address, str(size), False))
    for register, value in zip(registers[:-1], values, strict=False):
        m.set(register, value)
    transfer(m, target)


def _load_word(m: Guest, address: str) -> None:
    place = m.pointer(address, 4, False)
    target = _checked(m, m.read(place, 4))
    m.charge(address, 4, False)
    transfer(m, target)


def _table_branch(m: Guest, last: Instruction) -> None:
    base, index = last.first & 0xF, m.get(last.second & 0xF)
    halves = bool(last.second >> 4 & 1)
    start = str(last.address + 4) if base == PC else m.get(base)
    address = m.add(start, m.binary("shl", index, "1") if halves else index, False)
    offset = m.binary("shl", m.load(address, 2 if halves else 1), "1")
    transfer(m, m.add(offset, str(last.address + 4), False))
