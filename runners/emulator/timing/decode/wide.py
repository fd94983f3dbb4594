# SPDX-License-Identifier: Apache-2.0
"""Operations of 32-bit Thumb instructions that do not touch floating-point registers.

Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), section A5.3.
"""

from __future__ import annotations

from dataclasses import replace

from mlperf_tiny.runners.emulator.timing.decode.core_model import BranchKind
from mlperf_tiny.runners.emulator.timing.decode.narrow import (
    alu,
    load,
    load_multiple,
    operands,
    registers_in,
    sign_extended,
    store,
    store_multiple,
)
from mlperf_tiny.runners.emulator.timing.decode.operation import (
    FLAGS,
    GREATER_EQUAL,
    LR,
    PC,
    ConsumerStage,
    InsnKind,
    MemoryAccess,
    Operation,
    ProducerStage,
)

_FOUR = 4
_NONE = 15  # the register number that stands for "no register" in most fields
# Data processing with a second operand: what is not in here adds or subtracts.
_LOGIC = {0, 1, 2, 3, 4, 10, 11, 14}
_WITH_CARRY = {10, 11}


def decode_wide(h1: int, h2: int) -> Operation:
    """Return the operation of a 32-bit instruction; undefined ones count as NOPs.

    Args:
        h1: The first half-word.
        h2: The second.
    """
    if h1 >> 9 == 0b1110100:
        return _double_or_multiple(h1, h2) if h1 & 0x40 else _multiple(h1, h2)
    if h1 >> 9 == 0b1110101:
        return _shifted_register(h1, h2)
    if h1 >> 11 == 0b11110:
        if h2 >> 15:
            return _branch_or_system(h1, h2)
        return _plain_immediate(h1, h2) if h1 >> 9 & 1 else _modified_immediate(h1, h2)
    if h1 >> 9 == 0b1111100:
        return _single_access(h1, h2)
    if h1 >> 8 == 0xFA:
        return _register(h1, h2)
    if h1 >> 7 == 0b111110110:
        return _multiply(h1, h2)
    if h1 >> 7 == 0b111110111:
        return _long_multiply_divide(h1, h2)
    return Operation(InsnKind.NOP, _FOUR)


def _multiple(h1: int, h2: int) -> Operation:
    base, registers = h1 & 0xF, registers_in(h2)
    memory = MemoryAccess(4, len(registers), base, offset=None, writes_base=bool(h1 >> 5 & 1))
    return (load_multiple if h1 >> 4 & 1 else store_multiple)(_FOUR, registers, memory)


def _double_or_multiple(h1: int, h2: int) -> Operation:
    base, loads = h1 & 0xF, bool(h1 >> 4 & 1)
    first, second = h2 >> 12, h2 >> 8 & 0xF
    if h1 & 0x0120 == 0:
        if h1 >> 7 & 1 and loads and h2 & 0xE0 == 0:
            consumes = (*(((base, ConsumerStage.ADDRESS),) if base != PC else ()), (h2 & 0xF, ConsumerStage.INDEX))
            size_bytes = 2 if h2 & 0x10 else 1
            memory = MemoryAccess(size_bytes, base=base, offset=None, indexed=True)
            return Operation(InsnKind.TABLE_BRANCH, _FOUR, consumes, (), memory, branch=BranchKind.INDIRECT)
        return _exclusive(h1, h2)
    before_access, adds = h1 >> 8 & 1, h1 >> 7 & 1
    offset = (h2 & 0xFF) * (4 if adds else -4) if before_access else 0
    memory = MemoryAccess(4, 2, base, offset, writes_base=bool(h1 >> 5 & 1))
    return (load_multiple if loads else store_multiple)(_FOUR, (first, second), memory)


def _exclusive(h1: int, h2: int) -> Operation:
    base, loads, sized = h1 & 0xF, bool(h1 >> 4 & 1), bool(h1 >> 7 & 1)
    size_bytes = (1 if h2 >> 4 & 1 == 0 else 2) if sized else 4
    memory = MemoryAccess(size_bytes, base=base, offset=None if sized else 4 * (h2 & 0xFF))
    address = ((base, ConsumerStage.ADDRESS),)
    if loads:
        return Operation(InsnKind.EXCLUSIVE, _FOUR, address, ((h2 >> 12, ProducerStage.LOADED_PART),), memory)
    status = h2 & 0xF if sized else h2 >> 8 & 0xF
    return Operation(
        InsnKind.EXCLUSIVE,
        _FOUR,
        (*address, (h2 >> 12, ConsumerStage.STORED)),
        ((status, ProducerStage.LOADED_PART),),
        memory,
    )


def _data_processing(operation: int, flags: bool, first: int, result: int, second: tuple[int, ...]) -> Operation:
    """AND to RSB with the second operand as it comes; moves and compares are their forms with register 15."""
    only_compares = result == _NONE and flags and operation in (0, 4, 8, 13)
    moves = first == _NONE and operation in (2, 3)
    if moves:
        kind = InsnKind.ADD_MOVE if operation == 2 else InsnKind.LOGIC
        return alu(kind, _FOUR, result, second, flags)
    kind = InsnKind.LOGIC if only_compares or operation in _LOGIC else InsnKind.ADD_MOVE
    target = None if only_compares else result
    return alu(kind, _FOUR, target, (first, *second), flags, carry=operation in _WITH_CARRY)


def _beside(operation: Operation, early: tuple[int, ...]) -> Operation:
    """The operation with its plain operands beside an early one."""
    plain = tuple((r, ConsumerStage.BESIDE_EARLY if n is ConsumerStage.OPERAND else n) for r, n in operation.consumes)
    return replace(
        operation, consumes=plain + tuple((register, ConsumerStage.EARLY) for register in early), shifter=True
    )


def _shifted_register(h1: int, h2: int) -> Operation:
    operation, flags = h1 >> 5 & 0xF, bool(h1 >> 4 & 1)
    first, result, second = h1 & 0xF, h2 >> 8 & 0xF, h2 & 0xF
    amount, shift_type = (h2 >> 10 & 0x1C) | (h2 >> 6 & 3), h2 >> 4 & 3
    if operation == 6:  # PKHBT, PKHTB: the shifted operand is early, of PKHTB both
        top = bool(h2 >> 5 & 1)
        consumes = ((first, ConsumerStage.EARLY if top else ConsumerStage.BESIDE_EARLY), (second, ConsumerStage.EARLY))
        return Operation(InsnKind.EXTEND, _FOUR, consumes, ((result, ProducerStage.ALU),))
    shifted = bool(amount) or shift_type != 0
    if operation == 2 and first == _NONE and shifted:
        rotates_through_carry = shift_type == 3 and amount == 0
        if rotates_through_carry:
            return _beside(alu(InsnKind.SHIFT, _FOUR, result, (), flags, carry=True), (second,))
        return alu(InsnKind.SHIFT, _FOUR, result, (second,), flags)
    if shifted:
        return _beside(_data_processing(operation, flags, first, result, ()), (second,))
    return _data_processing(operation, flags, first, result, (second,))


def _modified_immediate(h1: int, h2: int) -> Operation:
    operation, flags = h1 >> 5 & 0xF, bool(h1 >> 4 & 1)
    producer = _data_processing(operation, flags, h1 & 0xF, h2 >> 8 & 0xF, ())
    # imm12 = i:imm3:imm8; from 0x400 on it is an 8-bit value rotated into place, which takes the shifter.
    rotated = bool(h1 >> 10 & 1 or h2 >> 14 & 1)
    return replace(producer, shifter=True) if rotated else producer


def _plain_immediate(h1: int, h2: int) -> Operation:
    operation, source, result = h1 >> 4 & 0x1F, h1 & 0xF, h2 >> 8 & 0xF
    producer = ((result, ProducerStage.ALU),)
    if operation in (0, 10):  # ADDW, SUBW, ADR
        return alu(InsnKind.ADD_MOVE, _FOUR, result, () if source == PC else (source,), False)
    if operation == 4:  # MOVW
        return alu(InsnKind.ADD_MOVE, _FOUR, result, (), False)
    if operation == 12:  # MOVT
        return alu(InsnKind.ADD_MOVE, _FOUR, result, (result,), False)
    if operation in (16, 18, 24, 26):  # SSAT, USAT, 16-bit forms
        return Operation(
            InsnKind.SATURATE, _FOUR, ((source, ConsumerStage.EARLY),), ((result, ProducerStage.SATURATED),)
        )
    if operation in (20, 28):  # SBFX, UBFX
        return Operation(InsnKind.BIT_FIELD, _FOUR, ((source, ConsumerStage.EARLY),), producer)
    if operation == 22:  # BFI, BFC
        inserted = () if source == _NONE else ((source, ConsumerStage.EARLY),)
        return Operation(InsnKind.BIT_FIELD, _FOUR, ((result, ConsumerStage.BESIDE_EARLY), *inserted), producer)
    return Operation(InsnKind.NOP, _FOUR)


def _branch_or_system(h1: int, h2: int) -> Operation:
    sign = h1 >> 10 & 1
    if h2 & 0x1000:  # B.W, BL
        j1, j2 = 1 ^ (h2 >> 13 & 1) ^ sign, 1 ^ (h2 >> 11 & 1) ^ sign
        offset = sign << 24 | j1 << 23 | j2 << 22 | (h1 & 0x3FF) << 12 | (h2 & 0x7FF) << 1
        target = 4 + sign_extended(offset, 25)
        if h2 & 0x4000:
            return Operation(
                InsnKind.BRANCH, _FOUR, (), ((LR, ProducerStage.ALU),), branch=BranchKind.CALL, target_offset=target
            )
        return Operation(InsnKind.BRANCH, _FOUR, branch=BranchKind.UNCONDITIONAL, target_offset=target)
    if h1 >> 7 & 7 != 7 and not h2 & 0x4000:
        offset = sign << 20 | (h2 >> 11 & 1) << 19 | (h2 >> 13 & 1) << 18 | (h1 & 0x3F) << 12 | (h2 & 0x7FF) << 1
        target = 4 + sign_extended(offset, 21)
        return Operation(InsnKind.BRANCH, _FOUR, branch=BranchKind.CONDITIONAL, target_offset=target)
    if h1 == 0xF3AF:
        return Operation(InsnKind.SYSTEM if h2 & 0xFF in (2, 3) else InsnKind.NOP, _FOUR)
    if h1 == 0xF3BF:
        return Operation(InsnKind.FLUSH if h2 >> 4 & 0xF == 6 else InsnKind.BARRIER, _FOUR)
    if h1 >> 4 in (0xF38, 0xF39):
        return Operation(InsnKind.SYSTEM, _FOUR, operands(h1 & 0xF), ((FLAGS, ProducerStage.SYSTEM),))
    if h1 >> 4 in (0xF3E, 0xF3F):
        return Operation(InsnKind.SYSTEM, _FOUR, operands(FLAGS), ((h2 >> 8 & 0xF, ProducerStage.SYSTEM),))
    return Operation(InsnKind.SYSTEM, _FOUR)


def _single_access(h1: int, h2: int) -> Operation:
    base, register = h1 & 0xF, h2 >> 12
    loads = bool(h1 >> 4 & 1)
    size_bytes = 1 << (h1 >> 5 & 3)
    if loads and register == PC and size_bytes < 4:
        register = -1  # PLD, PLI: an access without a result
    make = load if loads else store
    if base == PC and loads:
        offset = (h2 & 0xFFF) * (1 if h1 >> 7 & 1 else -1)
        return load(_FOUR, register, MemoryAccess(size_bytes, base=PC, offset=offset))
    if h1 >> 7 & 1:
        return make(_FOUR, register, MemoryAccess(size_bytes, base=base, offset=h2 & 0xFFF))
    if h2 >> 11 & 1:
        before_access, adds, writes_back = h2 >> 10 & 1, h2 >> 9 & 1, bool(h2 >> 8 & 1)
        offset = (h2 & 0xFF) * (1 if adds else -1)
        memory = MemoryAccess(size_bytes, base=base, offset=offset if before_access else 0, writes_base=writes_back)
        return make(_FOUR, register, memory)
    return make(_FOUR, register, MemoryAccess(size_bytes, base=base, offset=None, indexed=True), h2 & 0xF)


def _register(h1: int, h2: int) -> Operation:
    group, selector = h1 >> 4 & 0xF, h2 >> 4 & 0xF
    first, result, second = h1 & 0xF, h2 >> 8 & 0xF, h2 & 0xF
    producer = ((result, ProducerStage.ALU),)
    if group < 8 and selector == 0:
        return alu(InsnKind.SHIFT, _FOUR, result, (first, second), bool(group & 1))
    if group < 8:  # extensions
        if first == _NONE:
            return Operation(InsnKind.EXTEND, _FOUR, operands(second), producer)
        return Operation(
            InsnKind.EXTEND, _FOUR, ((first, ConsumerStage.BESIDE_EARLY), (second, ConsumerStage.EARLY)), producer
        )
    if selector < 8:  # parallel additions; Q and UQ saturate, plain ones set the GE bits
        if selector & 3 == 1:
            return Operation(InsnKind.SATURATE, _FOUR, operands(first, second), ((result, ProducerStage.SATURATED),))
        flags = ((GREATER_EQUAL, ProducerStage.ALU),) if selector & 3 == 0 else ()
        return Operation(InsnKind.PARALLEL, _FOUR, operands(first, second), producer + flags)
    if group == 8:  # QADD, QDADD, QSUB, QDSUB: the doubled operand goes through the shifter first
        consumes = (
            ((first, ConsumerStage.EARLY), (second, ConsumerStage.EARLY)) if selector & 1 else operands(first, second)
        )
        return Operation(InsnKind.SATURATE, _FOUR, consumes, ((result, ProducerStage.SATURATED),))
    if group == 9:
        return Operation(InsnKind.REVERSE, _FOUR, ((second, ConsumerStage.EARLY),), ((result, ProducerStage.REVERSED),))
    if group == 10:  # SEL
        return Operation(InsnKind.PARALLEL, _FOUR, operands(first, second, GREATER_EQUAL), producer)
    return Operation(InsnKind.PARALLEL, _FOUR, operands(second), producer)  # CLZ


def _multiply(h1: int, h2: int) -> Operation:
    group, added, result = h1 >> 4 & 7, h2 >> 12, h2 >> 8 & 0xF
    factors = ((h1 & 0xF, ConsumerStage.MULTIPLICAND), (h2 & 0xF, ConsumerStage.MULTIPLICAND))
    if group == 7:  # USAD8, USADA8
        plus = () if added == _NONE else ((added, ConsumerStage.ACCUMULATOR),)
        consumes = operands(h1 & 0xF, h2 & 0xF) + plus
        return Operation(InsnKind.SATURATE, _FOUR, consumes, ((result, ProducerStage.SATURATED),))
    plus = () if added == _NONE else ((added, ConsumerStage.ACCUMULATOR),)
    return Operation(InsnKind.MULTIPLY, _FOUR, factors + plus, ((result, ProducerStage.PRODUCT),))


def _long_multiply_divide(h1: int, h2: int) -> Operation:
    group, low, high = h1 >> 4 & 7, h2 >> 12, h2 >> 8 & 0xF
    if group in (1, 3):
        return Operation(InsnKind.DIVIDE, _FOUR, operands(h1 & 0xF, h2 & 0xF), ((high, ProducerStage.QUOTIENT),))
    factors = ((h1 & 0xF, ConsumerStage.MULTIPLICAND), (h2 & 0xF, ConsumerStage.MULTIPLICAND))
    produces = ((low, ProducerStage.PRODUCT), (high, ProducerStage.PRODUCT))
    if group in (0, 2):
        return Operation(InsnKind.MULTIPLY, _FOUR, factors, produces)
    return Operation(
        InsnKind.MULTIPLY,
        _FOUR,
        (*factors, (low, ConsumerStage.ACCUMULATOR), (high, ConsumerStage.ACCUMULATOR)),
        produces,
    )
