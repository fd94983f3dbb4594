# SPDX-License-Identifier: Apache-2.0
"""The price of a code block in cycles: one constant per class of instruction and core.

This is the first and coarsest cycle model. It knows no pipeline, no pairing, no operand dependences, no caches and no
flash wait states; it gives device times of the right size, not measurements. ``block_cost`` is all the emulator asks
of a cycle model, so a better one replaces this module alone.

Cortex-M4 figures: the instruction table of its Technical Reference Manual (zero-wait memory); a load counts 1.5
because a load that follows another one takes 1 cycle and any other 2; a taken branch refills the pipeline in 2.
Cortex-M7 figures: the same work divided by what dual issue gains. Four int8 networks built once for both cores took
1.75 to 1.86 times fewer cycles on a detailed M7 pipeline model than on the M4 table; a predicted branch costs nothing
beyond its issue slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import UsageError
from runners.emulator.thumb import Instruction, Kind, decode_block


@dataclass(frozen=True)
class BlockCost:
    """What one execution of a block adds; ``taken_cycles`` only if the next block is not the one behind it."""

    instructions: int
    cycles: int
    taken_cycles: int


@dataclass(frozen=True)
class CoreTiming:
    """Cycles per class; an access of n registers costs ``multiple_base + n * multiple_word``."""

    single: dict[Kind, float]
    multiple_base: float
    multiple_word: float
    taken: int


CORTEX_M4 = CoreTiming(
    single={
        Kind.DATA: 1,
        Kind.MULTIPLY: 1,
        Kind.DIVIDE: 7,
        Kind.LOAD: 1.5,
        Kind.STORE: 1,
        Kind.BRANCH: 1,
        Kind.BRANCH_CONDITIONAL: 1,
        Kind.IF_THEN: 0,
        Kind.SYSTEM: 2,
        Kind.FLOAT: 1,
        Kind.FLOAT_MAC: 3,
        Kind.FLOAT_DIVIDE: 14,
    },
    multiple_base=1,
    multiple_word=1,
    taken=2,
)

CORTEX_M7 = CoreTiming(
    single={
        Kind.DATA: 0.6,
        Kind.MULTIPLY: 1,
        Kind.DIVIDE: 7,
        Kind.LOAD: 0.7,
        Kind.STORE: 1,
        Kind.BRANCH: 0.6,
        Kind.BRANCH_CONDITIONAL: 0.6,
        Kind.IF_THEN: 0.6,
        Kind.SYSTEM: 4,
        Kind.FLOAT: 1,
        Kind.FLOAT_MAC: 2,
        Kind.FLOAT_DIVIDE: 16,
    },
    multiple_base=0.5,
    multiple_word=0.5,
    taken=0,
)

TIMINGS: dict[str, CoreTiming] = {"cortex-m4": CORTEX_M4, "cortex-m7": CORTEX_M7}

BlockCostFn = Callable[[bytes, int], BlockCost]


def timing_of(cpu: str) -> CoreTiming:
    """The table of a core by its compiler name; raises UsageError when there is none."""
    try:
        return TIMINGS[cpu]
    except KeyError:
        raise UsageError(f"there is no cycle model for the core {cpu!r}; there are {', '.join(TIMINGS)}.") from None


def instruction_cycles(timing: CoreTiming, instruction: Instruction) -> float:
    """Cycles of one instruction, a jump it makes by loading PC not included."""
    if instruction.kind in (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE):
        return timing.multiple_base + instruction.registers * timing.multiple_word
    return timing.single[instruction.kind]


def cost_function(timing: CoreTiming) -> BlockCostFn:
    """``block_cost(code, address)`` of a core: instructions are exact, cycles rounded to at least one a block."""

    def block_cost(code: bytes, address: int) -> BlockCost:
        instructions = 0
        cycles = 0.0
        for instruction in decode_block(code, address):
            instructions += 1
            cycles += instruction_cycles(timing, instruction)
        return BlockCost(instructions, max(1, int(cycles + 0.5)), timing.taken)

    return block_cost
