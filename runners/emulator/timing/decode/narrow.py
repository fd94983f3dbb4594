# SPDX-License-Identifier: Apache-2.0
"""Operations of 16-bit Thumb instructions.

Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), section A5.2.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.timing.decode.core_model import BranchKind
from mlperf_tiny.runners.emulator.timing.decode.operation import (
    FLAGS,
    LR,
    PC,
    SP,
    ConsumerStage,
    InsnKind,
    MemoryAccess,
    Operation,
    ProducerStage,
)

_TWO = 2


def operands(*registers: int) -> tuple[tuple[int, ConsumerStage], ...]:
    """Registers as plain ALU operands."""
    return tuple((register, ConsumerStage.OPERAND) for register in registers)


def alu(
    kind: InsnKind, size_bytes: int, result: int | None, sources: tuple[int, ...], flags: bool, carry: bool = False
) -> Operation:
    """Return an ALU operation on plain operands.

    Args:
        kind: Its kind.
        size_bytes: Of the instruction.
        result: The register it writes; None: none.
        sources: The registers it reads.
        flags: Whether it sets the flags.
        carry: Whether it also reads them.
    """
    produces: tuple[tuple[int, ProducerStage], ...] = () if result is None else ((result, ProducerStage.ALU),)
    consumes = operands(*sources, *((FLAGS,) if carry else ()))
    if flags:
        produces += ((FLAGS, ProducerStage.ALU),)
    branch = BranchKind.INDIRECT if result == PC else None
    return Operation(kind, size_bytes, consumes, produces, sets_flags=flags, branch=branch)


def load(size_bytes: int, target: int, memory: MemoryAccess, *index: int) -> Operation:
    """Return a single load; into PC it is a jump.

    Args:
        size_bytes: Of the instruction.
        target: The register it loads; -1: none (a prefetch).
        memory: The access.
        index: The index register, if any.
    """
    producer = ProducerStage.LOADED_WORD if memory.size_bytes == 4 else ProducerStage.LOADED_PART
    produces = (((target, producer),) if target >= 0 else ()) + _updated_base(memory)
    branch = BranchKind.INDIRECT if target == PC else None
    return Operation(InsnKind.LOAD, size_bytes, address_operands(memory, *index), produces, memory, branch=branch)


def store(size_bytes: int, source: int, memory: MemoryAccess, *index: int) -> Operation:
    """Return a single store.

    Args:
        size_bytes: Of the instruction.
        source: The register it stores.
        memory: The access.
        index: The index register, if any.
    """
    consumes = (*address_operands(memory, *index), (source, ConsumerStage.STORED))
    return Operation(InsnKind.STORE, size_bytes, consumes, _updated_base(memory), memory)


def load_multiple(size_bytes: int, registers: tuple[int, ...], memory: MemoryAccess) -> Operation:
    """Return LDM, POP or LDRD; PC among its registers makes it a jump.

    Args:
        size_bytes: Of the instruction.
        registers: In the order they are loaded.
        memory: The access.
    """
    produces = _updated_base(memory) + tuple((register, ProducerStage.LOADED_WORD) for register in registers)
    branch = (BranchKind.RETURN if memory.base == SP else BranchKind.INDIRECT) if PC in registers else None
    return Operation(InsnKind.LOAD_MULTIPLE, size_bytes, address_operands(memory), produces, memory, branch=branch)


def store_multiple(size_bytes: int, registers: tuple[int, ...], memory: MemoryAccess) -> Operation:
    """Return STM, PUSH or STRD.

    Args:
        size_bytes: Of the instruction.
        registers: In the order they are stored.
        memory: The access.
    """
    consumes = address_operands(memory) + tuple((register, ConsumerStage.STORED) for register in registers)
    return Operation(InsnKind.STORE_MULTIPLE, size_bytes, consumes, _updated_base(memory), memory)


def address_operands(memory: MemoryAccess, *index: int) -> tuple[tuple[int, ConsumerStage], ...]:
    """What address generation reads; PC is always there."""
    base = () if memory.base == PC else ((memory.base, ConsumerStage.ADDRESS),)
    return base + tuple((register, ConsumerStage.INDEX) for register in index)


def _updated_base(memory: MemoryAccess) -> tuple[tuple[int, ProducerStage], ...]:
    return ((memory.base, ProducerStage.BASE),) if memory.writes_base else ()


def registers_in(mask: int) -> tuple[int, ...]:
    """The numbers of the bits that are set, lowest first."""
    return tuple(bit for bit in range(16) if mask >> bit & 1)


def sign_extended(value: int, bits: int) -> int:
    """Return a field in two's complement as a number.

    Args:
        value: The field.
        bits: Its width.

    Examples:
        >>> sign_extended(0b1110, 4)
        -2
    """
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def decode_narrow(h: int) -> Operation:
    """The operation of a 16-bit instruction; undefined ones are taken for NOPs."""
    if h >> 13 == 0:
        return _shift_add(h)
    if h >> 13 == 1:
        return _immediate(h)
    if h >> 10 == 0b010000:
        return _register(h)
    if h >> 10 == 0b010001:
        return _high_register(h)
    if h >> 11 == 0b01001:
        return load(_TWO, h >> 8 & 7, MemoryAccess(4, base=PC, offset=4 * (h & 0xFF)))
    if h >> 12 == 0b0101:
        return _by_register(h)
    if 0b0110 <= h >> 12 <= 0b1001:
        return _by_offset(h)
    if h >> 12 == 0b1010:
        return alu(InsnKind.ADD_MOVE, _TWO, h >> 8 & 7, (SP,) if h >> 11 & 1 else (), False)
    if h >> 12 == 0b1011:
        return _miscellaneous(h)
    if h >> 12 == 0b1100:
        base, registers = h >> 8 & 7, registers_in(h & 0xFF)
        loads = bool(h >> 11 & 1)
        memory = MemoryAccess(4, len(registers), base, writes_base=not (loads and base in registers))
        return load_multiple(_TWO, registers, memory) if loads else store_multiple(_TWO, registers, memory)
    if h >> 12 == 0b1101:
        if h >> 9 & 7 == 7:  # UDF, SVC
            return Operation(InsnKind.SYSTEM, _TWO)
        offset = 4 + 2 * sign_extended(h & 0xFF, 8)
        return Operation(InsnKind.BRANCH, _TWO, branch=BranchKind.CONDITIONAL, target_offset=offset)
    offset = 4 + 2 * sign_extended(h & 0x7FF, 11)
    return Operation(InsnKind.BRANCH, _TWO, branch=BranchKind.UNCONDITIONAL, target_offset=offset)


def _shift_add(h: int) -> Operation:
    result, source = h & 7, h >> 3 & 7
    if h >> 11 == 0b00011:
        second = () if h >> 10 & 1 else (h >> 6 & 7,)
        return alu(InsnKind.ADD_MOVE, _TWO, result, (source, *second), True)
    moves = h >> 6 == 0
    return alu(InsnKind.ADD_MOVE if moves else InsnKind.SHIFT, _TWO, result, (source,), True)


def _immediate(h: int) -> Operation:
    operation, register = h >> 11 & 3, h >> 8 & 7
    if operation == 0:
        return alu(InsnKind.ADD_MOVE, _TWO, register, (), True)
    if operation == 1:
        return alu(InsnKind.LOGIC, _TWO, None, (register,), True)
    return alu(InsnKind.ADD_MOVE, _TWO, register, (register,), True)


def _register(h: int) -> Operation:
    operation, first, second = h >> 6 & 0xF, h & 7, h >> 3 & 7
    if operation == 13:
        consumes = ((second, ConsumerStage.MULTIPLICAND), (first, ConsumerStage.MULTIPLICAND))
        produces = ((first, ProducerStage.PRODUCT), (FLAGS, ProducerStage.PRODUCT))
        return Operation(InsnKind.MULTIPLY, _TWO, consumes, produces, sets_flags=True)
    if operation in (8, 10, 11):  # TST, CMP, CMN
        return alu(InsnKind.LOGIC, _TWO, None, (first, second), True)
    if operation in (9, 15):  # RSB, MVN
        return alu(InsnKind.LOGIC, _TWO, first, (second,), True)
    shift = operation in (2, 3, 4, 7)
    return alu(
        InsnKind.SHIFT if shift else InsnKind.LOGIC, _TWO, first, (first, second), True, carry=operation in (5, 6)
    )


def _high_register(h: int) -> Operation:
    operation, source = h >> 8 & 3, h >> 3 & 0xF
    result = (h & 7) | (h >> 4 & 8)
    if operation == 0:
        return alu(InsnKind.ADD_MOVE, _TWO, result, (result, source), False)
    if operation == 1:
        return alu(InsnKind.LOGIC, _TWO, None, (result, source), True)
    if operation == 2:
        return alu(InsnKind.ADD_MOVE, _TWO, result, (source,), False)
    links = bool(h >> 7 & 1)
    branch = BranchKind.RETURN if source == LR and not links else BranchKind.INDIRECT
    produces = ((LR, ProducerStage.ALU),) if links else ()
    return Operation(InsnKind.BRANCH, _TWO, operands(source), produces, branch=branch)


def _by_register(h: int) -> Operation:
    operation, register = h >> 9 & 7, h & 7
    size_bytes = (4, 2, 1, 1, 4, 2, 1, 2)[operation]
    memory = MemoryAccess(size_bytes, base=h >> 3 & 7, offset=None, indexed=True)
    make = store if operation < 3 else load
    return make(_TWO, register, memory, h >> 6 & 7)


def _by_offset(h: int) -> Operation:
    size_bytes = {6: 4, 7: 1, 8: 2, 9: 4}[h >> 12]
    if h >> 12 == 9:
        register, memory = h >> 8 & 7, MemoryAccess(4, base=SP, offset=4 * (h & 0xFF))
    else:
        register, memory = h & 7, MemoryAccess(size_bytes, base=h >> 3 & 7, offset=size_bytes * (h >> 6 & 0x1F))
    return (load if h >> 11 & 1 else store)(_TWO, register, memory)


def _miscellaneous(h: int) -> Operation:
    if h >> 8 == 0xB0:
        return alu(InsnKind.ADD_MOVE, _TWO, SP, (SP,), False)
    if h & 0x0500 == 0x0100:  # CBZ, CBNZ
        offset = 4 + (h >> 3 & 0x1F) * 2 + (h >> 9 & 1) * 64
        return Operation(InsnKind.BRANCH, _TWO, operands(h & 7), branch=BranchKind.CONDITIONAL, target_offset=offset)
    if h >> 8 == 0xB2:
        return alu(InsnKind.EXTEND, _TWO, h & 7, (h >> 3 & 7,), False)
    if h & 0x0600 == 0x0400:
        pops = bool(h >> 11 & 1)
        registers = registers_in(h & 0xFF) + (((PC if pops else LR),) if h >> 8 & 1 else ())
        memory = MemoryAccess(4, len(registers), SP, writes_base=True)
        return load_multiple(_TWO, registers, memory) if pops else store_multiple(_TWO, registers, memory)
    if h >> 8 == 0xBA:
        source = h >> 3 & 7
        return Operation(InsnKind.REVERSE, _TWO, ((source, ConsumerStage.EARLY),), ((h & 7, ProducerStage.REVERSED),))
    if h >> 8 == 0xBF:
        if h & 0xF:
            return Operation(InsnKind.IF_THEN, _TWO, it_bits=h & 0xFF)
        return Operation(InsnKind.SYSTEM if h & 0xF0 in (0x20, 0x30) else InsnKind.NOP, _TWO)
    return Operation(InsnKind.SYSTEM, _TWO)
