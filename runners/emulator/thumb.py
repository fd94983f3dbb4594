# SPDX-License-Identifier: Apache-2.0
"""Thumb-2 instructions of a code block, as far as the cycle models ask: length, class, number of registers moved.

Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), chapter A5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an instruction keeps busy."""

    DATA = "data processing"
    MULTIPLY = "multiply, also SIMD and long"
    DIVIDE = "divide"
    LOAD = "single load"
    STORE = "single store"
    LOAD_MULTIPLE = "LDM, LDRD, POP, VLDM"
    STORE_MULTIPLE = "STM, STRD, PUSH, VSTM"
    BRANCH = "branch, always taken"
    BRANCH_CONDITIONAL = "branch that may fall through"
    IF_THEN = "IT"
    SYSTEM = "barrier, MSR, MRS, hint with an effect"
    FLOAT = "floating point, simple"
    FLOAT_MAC = "floating-point multiply-accumulate"
    FLOAT_DIVIDE = "floating-point divide or square root"


@dataclass(frozen=True)
class Instruction:
    """``registers`` counts the words an access moves; 1 for everything else. ``writes_pc``: a jump in disguise."""

    address: int
    size_bytes: int
    kind: Kind
    registers: int = 1
    writes_pc: bool = False


def is_wide(halfword: int) -> bool:
    """True for the first half of a 32-bit instruction."""
    return halfword >> 11 >= 0b11101


def decode_block(code: bytes, address: int) -> Iterator[Instruction]:
    """The instructions of ``code``, which starts at ``address``; the last one may be cut off by nothing."""
    at = 0
    while at + 2 <= len(code):
        first = code[at] | code[at + 1] << 8
        if is_wide(first) and at + 4 <= len(code):
            yield _wide(first, code[at + 2] | code[at + 3] << 8, address + at)
            at += 4
        else:
            yield _narrow(first, address + at)
            at += 2


def branches_to_itself(code: bytes) -> bool:
    """True when a block is one ``b .`` and nothing else: only an interrupt could end it."""
    return code in (b"\xfe\xe7", b"\xff\xf7\xfe\xbf")


def uses_floating_point(code: bytes) -> bool:
    """True when a block holds an instruction of coprocessor 10 or 11, loads, stores and moves included."""
    at = 0
    while at + 4 <= len(code):
        first = code[at] | code[at + 1] << 8
        if not is_wide(first):
            at += 2
            continue
        if first >> 10 in (0b111011, 0b111111) and code[at + 3] >> 1 & 7 == 0b101:
            return True
        at += 4
    return False


def _ones(mask: int) -> int:
    return bin(mask).count("1")


def _narrow(h: int, address: int) -> Instruction:
    def made(kind: Kind, registers: int = 1, writes_pc: bool = False) -> Instruction:
        return Instruction(address, 2, kind, registers, writes_pc)

    if h >> 10 == 0b010000:
        return made(Kind.MULTIPLY if (h >> 6) & 0xF == 0b1101 else Kind.DATA)
    if h >> 8 == 0b01000111:  # BX, BLX
        return made(Kind.BRANCH)
    if h >> 10 == 0b010001:
        writes_pc = (h >> 8) & 3 in (0, 2) and (h & 0x87) == 0x87  # ADD PC, MOV PC
        return made(Kind.BRANCH if writes_pc else Kind.DATA, writes_pc=writes_pc)
    if h >> 11 == 0b01001:
        return made(Kind.LOAD)
    if h >> 12 == 0b0101:
        return made(Kind.STORE if (h >> 9) & 7 < 3 else Kind.LOAD)
    if 0b0110 <= h >> 12 <= 0b1001:
        return made(Kind.LOAD if h >> 11 & 1 else Kind.STORE)
    if h >> 12 == 0b1100:
        return made(Kind.LOAD_MULTIPLE if h >> 11 & 1 else Kind.STORE_MULTIPLE, _ones(h & 0xFF))
    if h >> 12 == 0b1011:
        if h & 0x0600 == 0x0400:
            pop = bool(h >> 11 & 1)
            kind = Kind.LOAD_MULTIPLE if pop else Kind.STORE_MULTIPLE
            return made(kind, _ones(h & 0x1FF), writes_pc=pop and bool(h & 0x100))
        if h & 0x0500 == 0x0100:  # CBZ, CBNZ
            return made(Kind.BRANCH_CONDITIONAL)
        if h >> 8 == 0xBF:
            return made(Kind.IF_THEN if h & 0xF else Kind.SYSTEM if h & 0xF0 in (0x20, 0x30) else Kind.DATA)
        return made(Kind.SYSTEM if h >> 8 in (0xB6, 0xBE) else Kind.DATA)
    if h >> 12 == 0b1101:
        return made(Kind.BRANCH_CONDITIONAL if h >> 9 & 7 != 7 else Kind.SYSTEM)
    if h >> 11 == 0b11100:
        return made(Kind.BRANCH)
    return made(Kind.DATA)


def _wide(h1: int, h2: int, address: int) -> Instruction:
    def made(kind: Kind, registers: int = 1, writes_pc: bool = False) -> Instruction:
        return Instruction(address, 4, kind, registers, writes_pc)

    if h1 >> 10 in (0b111011, 0b111111):
        return made(*_coprocessor(h1, h2))
    if h1 >> 9 == 0b1110100:
        load = bool(h1 >> 4 & 1)
        if not h1 >> 6 & 1:  # LDM, STM
            kind = Kind.LOAD_MULTIPLE if load else Kind.STORE_MULTIPLE
            return made(kind, _ones(h2), writes_pc=load and bool(h2 >> 15))
        if h1 & 0x01E0 == 0x00C0 and load and h2 & 0xE0 == 0:  # TBB, TBH
            return made(Kind.LOAD, writes_pc=True)
        if h1 & 0x0120 == 0:  # exclusive accesses
            return made(Kind.LOAD if load else Kind.STORE)
        return made(Kind.LOAD_MULTIPLE if load else Kind.STORE_MULTIPLE, 2)
    if h1 >> 11 == 0b11110 and h2 >> 15:
        return made(_branch_or_system(h1, h2))
    if h1 >> 9 == 0b1111100:
        load = bool(h1 >> 4 & 1)
        return made(Kind.LOAD if load else Kind.STORE, writes_pc=load and h2 >> 12 == 15 and h1 >> 5 & 3 == 2)
    if h1 >> 7 == 0b111110110:
        return made(Kind.MULTIPLY)
    if h1 >> 7 == 0b111110111:
        divide = h1 >> 4 & 7 in (1, 3) and h2 >> 4 & 0xF == 0xF
        return made(Kind.DIVIDE if divide else Kind.MULTIPLY)
    return made(Kind.DATA)


def _branch_or_system(h1: int, h2: int) -> Kind:
    if h2 & 0x5000:  # B.W (T4), BL
        return Kind.BRANCH
    if h1 == 0xF3AF and h2 & 0xFF == 0:  # NOP.W
        return Kind.DATA
    return Kind.BRANCH_CONDITIONAL if h1 >> 7 & 7 != 7 else Kind.SYSTEM


def _coprocessor(h1: int, h2: int) -> tuple[Kind, int]:
    """Floating point (coprocessors 10 and 11)."""
    if h1 & 0x0E00 == 0x0C00:
        load = bool(h1 >> 4 & 1)
        if h1 & 0x01E0 == 0x0040:  # two registers to or from the core
            return Kind.FLOAT, 2
        if h1 >> 8 & 1 and not h1 >> 5 & 1:  # VLDR, VSTR
            double = h2 >> 8 & 1
            if double:
                return (Kind.LOAD_MULTIPLE if load else Kind.STORE_MULTIPLE), 2
            return (Kind.LOAD if load else Kind.STORE), 1
        return (Kind.LOAD_MULTIPLE if load else Kind.STORE_MULTIPLE), h2 & 0xFF
    if h2 >> 4 & 1 or h1 >> 8 == 0xFE:  # moves to the core, VSEL, VMAXNM, VRINT
        return Kind.FLOAT, 1
    operation = (h1 >> 4 & 0b1011, h2 >> 6 & 1)
    if operation[0] in (0b0000, 0b0001, 0b1001, 0b1010):  # VMLA, VNMLA, VFNMA, VFMA
        return Kind.FLOAT_MAC, 1
    square_root = operation[0] == 0b1011 and h1 & 0xF == 1 and h2 >> 6 & 3 == 3
    return (Kind.FLOAT_DIVIDE if operation == (0b1000, 0) or square_root else Kind.FLOAT), 1
