# SPDX-License-Identifier: Apache-2.0
"""The operations of a code block, with their IT conditions."""

from __future__ import annotations

from functools import lru_cache

from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.decode.float import decode_float, is_floating_point
from mlperf_tiny.runners.emulator.timing.decode.narrow import decode_narrow
from mlperf_tiny.runners.emulator.timing.decode.operation import DecodedInsn, InsnKind, Operation
from mlperf_tiny.runners.emulator.timing.decode.thumb import is_wide
from mlperf_tiny.runners.emulator.timing.decode.wide import decode_wide


@lru_cache(maxsize=1 << 16)
def decode(first: int, second: int) -> Operation:
    """Return the operation of one instruction.

    Args:
        first: The first half-word.
        second: The second of a 32-bit instruction; not used for others.
    """
    if not is_wide(first):
        return decode_narrow(first)
    return decode_float(first, second) if is_floating_point(first, second) else decode_wide(first, second)


@lru_cache(maxsize=1 << 14)
def _predicated(operation: Operation, condition: int) -> Operation:
    return operation.predicate(condition)


def decode_block(block: Block, it_state: int = 0) -> tuple[DecodedInsn, ...]:
    """Return the instructions of a block, with their IT conditions.

    Args:
        block: The block.
        it_state: The IT state it starts with (8 bits: condition, mask); 0 outside an IT block.
    """
    decoded = []
    code, at = block.code, 0
    while at + 2 <= len(code):
        first = code[at] | code[at + 1] << 8
        wide = is_wide(first) and at + 4 <= len(code)
        second = code[at + 2] | code[at + 3] << 8 if wide else 0
        operation = decode(first, second)
        size_bytes = 4 if wide else 2
        if operation.kind is InsnKind.IF_THEN:
            it_state = operation.it_bits
        elif it_state & 0xF:
            operation = _predicated(operation, it_state >> 4)
            it_state = _next_it(it_state)
        decoded.append(DecodedInsn(block.address + at, code[at : at + size_bytes], operation))
        at += size_bytes
    return tuple(decoded)


def it_state_after(decoded: tuple[DecodedInsn, ...], it_state: int = 0) -> int:
    """Return the IT state that a block leaves to the code after it.

    Args:
        decoded: Its instructions.
        it_state: The IT state it started with.
    """
    for one in decoded:
        if one.operation.kind is InsnKind.IF_THEN:
            it_state = one.operation.it_bits
        elif it_state & 0xF:
            it_state = _next_it(it_state)
    return it_state if it_state & 0xF else 0


def _next_it(it_state: int) -> int:
    return it_state & 0xE0 | it_state << 1 & 0x1F if it_state & 7 else 0
