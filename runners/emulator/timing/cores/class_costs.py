# SPDX-License-Identifier: Apache-2.0
"""The cycles of a code block from one constant per class of instruction: the timing level ``instructions``.

This is the coarsest cycle model. It has no pipeline, no dual issue, no operand dependences, no caches and no flash wait
states; it gives device times of the right size, not measurements.

Cortex-M4 constants: the instruction table of its Technical Reference Manual (zero-wait memory); a load counts 1.5
because a load that follows another one takes 1 cycle and any other 2; a taken branch refills the pipeline in 2.
Cortex-M7 constants: the same work divided by what dual issue gains. Four int8 networks built once for both cores took
1.75 to 1.86 times fewer cycles on a detailed M7 pipeline model than on the M4 table; a predicted branch costs nothing
beyond its issue slot. The constants stand with their cores (``cortex_m4``, ``cortex_m7``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.decode.operation import InsnKind, Operation


@dataclass(frozen=True, kw_only=True)
class ClassCost:
    """What one execution of a block adds."""

    instructions: int
    """Instructions executed; exact."""
    cycles: int
    """Core cycles, at least 1."""
    taken_cycles: int
    """Core cycles added when the block is left by a taken branch."""


@dataclass(frozen=True, kw_only=True)
class ClassCosts:
    """Cycles per class of instruction of one core. Loads and stores of n words cost ``multiple_base + n * word``."""

    data: float
    """Data processing: every kind of instruction not in ``others``."""
    others: dict[InsnKind, float]
    """Cycles of the other kinds."""
    multiple_base: float
    """Constant part of an access of several words."""
    multiple_word: float
    """Part for each of its words."""
    taken: int
    """Added for a taken branch."""


def costs_by_kind(
    *,
    multiply: float,
    divide: float,
    load: float,
    store: float,
    branch: float,
    if_then: float,
    system: float,
    float_simple: float,
    float_mac: float,
    float_divide: float,
) -> dict[InsnKind, float]:
    """Cycles of each kind of instruction, from the cycles of ten groups of kinds.

    Args:
        multiply: Multiply and multiply-accumulate.
        divide: SDIV, UDIV.
        load: Loads of up to one word, exclusive accesses, table branches.
        store: Stores of up to one word.
        branch: Branches, whether taken or not.
        if_then: IT.
        system: System instructions and barriers.
        float_simple: Floating-point addition, multiplication and moves.
        float_mac: Floating-point multiply-accumulate.
        float_divide: VDIV, VSQRT.
    """
    return {
        InsnKind.MULTIPLY: multiply,
        InsnKind.DIVIDE: divide,
        **dict.fromkeys((InsnKind.LOAD, InsnKind.EXCLUSIVE, InsnKind.TABLE_BRANCH), load),
        InsnKind.STORE: store,
        InsnKind.BRANCH: branch,
        InsnKind.IF_THEN: if_then,
        **dict.fromkeys((InsnKind.SYSTEM, InsnKind.BARRIER, InsnKind.FLUSH), system),
        **dict.fromkeys((InsnKind.FP_ADD, InsnKind.FP_MULTIPLY, InsnKind.FP_MOVE), float_simple),
        **dict.fromkeys((InsnKind.FP_FROM_CORE, InsnKind.FP_TO_CORE, InsnKind.FP_STATUS), float_simple),
        **dict.fromkeys((InsnKind.FP_MAC, InsnKind.FP_FUSED), float_mac),
        **dict.fromkeys((InsnKind.FP_DIVIDE, InsnKind.FP_ROOT), float_divide),
    }


ClassCostFunction = Callable[[bytes, int], ClassCost]
"""(code of a block, its address) to its cost."""


def instruction_cycles(costs: ClassCosts, operation: Operation) -> float:
    """Cycles of one instruction, without the refill after a load of PC.

    Args:
        costs: The core's table.
        operation: The decoded instruction.

    Returns:
        Core cycles, not rounded.
    """
    memory = operation.memory
    if operation.kind in (InsnKind.LOAD_MULTIPLE, InsnKind.STORE_MULTIPLE) and memory is not None:
        return costs.multiple_base + memory.words * costs.multiple_word
    return costs.others.get(operation.kind, costs.data)


def cost_function(costs: ClassCosts) -> ClassCostFunction:
    """``block_cost(code, address)`` of a core: instructions are exact, cycles rounded to at least one per block."""

    def block_cost(code: bytes, address: int) -> ClassCost:
        insns = decode_block(Block(address, code))
        cycles = sum(instruction_cycles(costs, insn.operation) for insn in insns)
        return ClassCost(instructions=len(insns), cycles=max(1, int(cycles + 0.5)), taken_cycles=costs.taken)

    return block_cost
