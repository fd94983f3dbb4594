# SPDX-License-Identifier: Apache-2.0
"""Operations of floating-point instructions (coprocessors 10 and 11).

Encodings: ARMv7-M Architecture Reference Manual (DDI 0403), sections A6.4 to A6.7. Double-precision arithmetic is
given the kinds of single precision: none of the boards has it in hardware.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.timing.decode.narrow import address_operands
from mlperf_tiny.runners.emulator.timing.decode.operation import (
    FLAGS,
    FP_FLAGS,
    S0,
    ConsumerStage,
    InsnKind,
    MemoryAccess,
    Operation,
    ProducerStage,
)

_FOUR = 4


def is_floating_point(h1: int, h2: int) -> bool:
    """True for an instruction of the floating-point unit.

    Args:
        h1: The first half-word.
        h2: The second.
    """
    return h1 >> 10 in (0b111011, 0b111111) and h2 >> 9 & 7 == 0b101 and h1 >> 8 & 3 != 3


def decode_float(h1: int, h2: int) -> Operation:
    """Return the operation of a floating-point instruction (see ``is_floating_point``).

    Args:
        h1: The first half-word.
        h2: The second.
    """
    if h1 >> 9 & 1 == 0:
        return _two_moves(h1, h2) if h1 & 0x01E0 == 0x0040 else _access(h1, h2)
    if h1 >> 12 == 0xF:
        return _arithmetic(
            InsnKind.FP_ADD, ConsumerStage.FP_OPERAND, ProducerStage.FP_SUM, _target(h1, h2), _sources(h1, h2)
        )
    if h2 >> 4 & 1:
        return _move(h1, h2)
    return _compute(h1, h2)


def _registers(number: int, extra_bit: int, double: bool) -> tuple[int, ...]:
    if double:
        first = S0 + 2 * (extra_bit << 4 | number)
        return (first, first + 1)
    return (S0 + (number << 1 | extra_bit),)


def _target(h1: int, h2: int) -> tuple[int, ...]:
    return _registers(h2 >> 12, h1 >> 6 & 1, bool(h2 >> 8 & 1))


def _first(h1: int, h2: int) -> tuple[int, ...]:
    return _registers(h1 & 0xF, h2 >> 7 & 1, bool(h2 >> 8 & 1))


def _second(h1: int, h2: int) -> tuple[int, ...]:
    return _registers(h2 & 0xF, h2 >> 5 & 1, bool(h2 >> 8 & 1))


def _sources(h1: int, h2: int) -> tuple[int, ...]:
    return _first(h1, h2) + _second(h1, h2)


def _arithmetic(
    kind: InsnKind, consumer: ConsumerStage, producer: ProducerStage, target: tuple[int, ...], sources: tuple[int, ...]
) -> Operation:
    consumes = tuple((register, consumer) for register in sources)
    return Operation(kind, _FOUR, consumes, tuple((register, producer) for register in target))


def _access(h1: int, h2: int) -> Operation:
    base, double, loads = h1 & 0xF, bool(h2 >> 8 & 1), bool(h1 >> 4 & 1)
    single_access = bool(h1 >> 8 & 1) and not h1 >> 5 & 1
    first = _target(h1, h2)[0]
    words = (2 if double else 1) if single_access else h2 & 0xFF
    offset = 4 * (h2 & 0xFF) * (1 if h1 >> 7 & 1 else -1) if single_access else None
    memory = MemoryAccess(4, words, base, offset, writes_base=bool(h1 >> 5 & 1))
    registers = tuple(range(first, first + words))
    alone = words == 1 and single_access
    produces: tuple[tuple[int, ProducerStage], ...] = ((base, ProducerStage.BASE),) if memory.writes_base else ()
    if loads:
        kind = InsnKind.LOAD if alone else InsnKind.LOAD_MULTIPLE
        produces += tuple((register, ProducerStage.FP_LOADED) for register in registers)
        return Operation(kind, _FOUR, address_operands(memory), produces, memory)
    kind = InsnKind.STORE if alone else InsnKind.STORE_MULTIPLE
    consumes = address_operands(memory) + tuple((register, ConsumerStage.FP_STORED) for register in registers)
    return Operation(kind, _FOUR, consumes, produces, memory)


def _two_moves(h1: int, h2: int) -> Operation:
    core = (h2 >> 12, h1 & 0xF)
    number, extra_bit, double = h2 & 0xF, h2 >> 5 & 1, bool(h2 >> 8 & 1)
    floats = _registers(number, extra_bit, double)
    floats = floats if double else (floats[0], floats[0] + 1)
    if h1 >> 4 & 1:
        consumes = tuple((register, ConsumerStage.FP_MOVED) for register in floats)
        return Operation(
            InsnKind.FP_TO_CORE, _FOUR, consumes, tuple((register, ProducerStage.FROM_FP) for register in core)
        )
    consumes = tuple((register, ConsumerStage.OPERAND) for register in core)
    return Operation(
        InsnKind.FP_FROM_CORE, _FOUR, consumes, tuple((register, ProducerStage.FP_MOVED) for register in floats)
    )


def _move(h1: int, h2: int) -> Operation:
    to_core, core = bool(h1 >> 4 & 1), h2 >> 12
    if h1 >> 5 & 7 == 7 and not h2 >> 8 & 1:  # VMRS, VMSR
        if to_core:
            target = FLAGS if core == 15 else core
            return Operation(
                InsnKind.FP_STATUS, _FOUR, ((FP_FLAGS, ConsumerStage.FP_MOVED),), ((target, ProducerStage.FROM_FP),)
            )
        return Operation(
            InsnKind.FP_STATUS, _FOUR, ((core, ConsumerStage.OPERAND),), ((FP_FLAGS, ProducerStage.FP_MOVED),)
        )
    floats = _first(h1, h2)
    if h2 >> 8 & 1:  # half of a double register
        floats = (floats[h1 >> 5 & 1],)
    if to_core:
        consumes = tuple((register, ConsumerStage.FP_MOVED) for register in floats)
        return Operation(InsnKind.FP_TO_CORE, _FOUR, consumes, ((core, ProducerStage.FROM_FP),))
    return Operation(
        InsnKind.FP_FROM_CORE,
        _FOUR,
        ((core, ConsumerStage.OPERAND),),
        tuple((register, ProducerStage.FP_MOVED) for register in floats),
    )


def _compute(h1: int, h2: int) -> Operation:
    group, target = h1 >> 4 & 0b1011, _target(h1, h2)
    if group in (0, 1, 9, 10):
        fused = group > 1
        factors = tuple((register, ConsumerStage.FP_MULTIPLICAND) for register in _sources(h1, h2))
        consumes = factors + tuple((register, ConsumerStage.FP_ACCUMULATOR) for register in target)
        producer = ProducerStage.FP_FUSED if fused else ProducerStage.FP_PRODUCT
        produces = tuple((register, producer) for register in target)
        return Operation(InsnKind.FP_FUSED if fused else InsnKind.FP_MAC, _FOUR, consumes, produces)
    if group == 2:
        return _arithmetic(
            InsnKind.FP_MULTIPLY, ConsumerStage.FP_MULTIPLICAND, ProducerStage.FP_SUM, target, _sources(h1, h2)
        )
    if group == 8:
        return _arithmetic(
            InsnKind.FP_DIVIDE, ConsumerStage.FP_OPERAND, ProducerStage.FP_QUOTIENT, target, _sources(h1, h2)
        )
    if group == 3:
        return _arithmetic(InsnKind.FP_ADD, ConsumerStage.FP_OPERAND, ProducerStage.FP_SUM, target, _sources(h1, h2))
    if not h2 >> 6 & 1:  # VMOV of a constant
        return _arithmetic(InsnKind.FP_MOVE, ConsumerStage.FP_MOVED, ProducerStage.FP_MOVED, target, ())
    return _one_operand(h1, h2)


def _one_operand(h1: int, h2: int) -> Operation:
    selector, second, target = h1 & 0xF, bool(h2 >> 7 & 1), _target(h1, h2)
    if selector == 0 and not second:
        return _arithmetic(InsnKind.FP_MOVE, ConsumerStage.FP_MOVED, ProducerStage.FP_MOVED, target, _second(h1, h2))
    if selector == 1 and second:
        return _arithmetic(
            InsnKind.FP_ROOT, ConsumerStage.FP_OPERAND, ProducerStage.FP_QUOTIENT, target, _second(h1, h2)
        )
    if selector in (4, 5):
        compared = target if selector == 5 else target + _second(h1, h2)
        return _arithmetic(InsnKind.FP_ADD, ConsumerStage.FP_OPERAND, ProducerStage.FP_SUM, (FP_FLAGS,), compared)
    if selector in (10, 11, 14, 15):  # VCVT of fixed-point numbers, in place
        return _arithmetic(InsnKind.FP_ADD, ConsumerStage.FP_OPERAND, ProducerStage.FP_SUM, target, target)
    return _arithmetic(InsnKind.FP_ADD, ConsumerStage.FP_OPERAND, ProducerStage.FP_SUM, target, _second(h1, h2))
