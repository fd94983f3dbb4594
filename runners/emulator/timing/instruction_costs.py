# SPDX-License-Identifier: Apache-2.0
"""The price of a code block in cycles: one constant per class of instruction and core.

This is the coarsest cycle model. It knows no pipeline, no pairing, no operand dependences, no caches and no flash wait
states; it gives device times of the right size, not measurements.

Cortex-M4 figures: the instruction table of its Technical Reference Manual (zero-wait memory); a load counts 1.5
because a load that follows another one takes 1 cycle and any other 2; a taken branch refills the pipeline in 2.
Cortex-M7 figures: the same work divided by what dual issue gains. Four int8 networks built once for both cores took
1.75 to 1.86 times fewer cycles on a detailed M7 pipeline model than on the M4 table; a predicted branch costs nothing
beyond its issue slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.decode.operation import Kind, Operation


@dataclass(frozen=True)
class BlockCost:
    """What one execution of a block adds; ``taken_cycles`` only if the next block is not the one behind it."""

    instructions: int
    cycles: int
    taken_cycles: int


@dataclass(frozen=True)
class CoreTiming:
    """Cycles by kind, ``data`` where none is listed; n words at once cost ``multiple_base + n * multiple_word``."""

    data: float
    others: dict[Kind, float]
    multiple_base: float
    multiple_word: float
    taken: int


def _by_kind(
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
) -> dict[Kind, float]:
    return {
        Kind.MULTIPLY: multiply,
        Kind.DIVIDE: divide,
        **dict.fromkeys((Kind.LOAD, Kind.EXCLUSIVE, Kind.TABLE_BRANCH), load),
        Kind.STORE: store,
        Kind.BRANCH: branch,
        Kind.IF_THEN: if_then,
        **dict.fromkeys((Kind.SYSTEM, Kind.BARRIER, Kind.FLUSH), system),
        **dict.fromkeys((Kind.FP_ADD, Kind.FP_MULTIPLY, Kind.FP_MOVE), float_simple),
        **dict.fromkeys((Kind.FP_FROM_CORE, Kind.FP_TO_CORE, Kind.FP_STATUS), float_simple),
        **dict.fromkeys((Kind.FP_MAC, Kind.FP_FUSED), float_mac),
        **dict.fromkeys((Kind.FP_DIVIDE, Kind.FP_ROOT), float_divide),
    }


CORTEX_M4 = CoreTiming(
    data=1,
    others=_by_kind(
        multiply=1,
        divide=7,
        load=1.5,
        store=1,
        branch=1,
        if_then=0,
        system=2,
        float_simple=1,
        float_mac=3,
        float_divide=14,
    ),
    multiple_base=1,
    multiple_word=1,
    taken=2,
)

CORTEX_M7 = CoreTiming(
    data=0.6,
    others=_by_kind(
        multiply=1,
        divide=7,
        load=0.7,
        store=1,
        branch=0.6,
        if_then=0.6,
        system=4,
        float_simple=1,
        float_mac=2,
        float_divide=16,
    ),
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


def instruction_cycles(timing: CoreTiming, operation: Operation) -> float:
    """Cycles of one instruction, a jump it makes by loading PC not included."""
    memory = operation.memory
    if operation.kind in (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE) and memory is not None:
        return timing.multiple_base + memory.words * timing.multiple_word
    return timing.others.get(operation.kind, timing.data)


def cost_function(timing: CoreTiming) -> BlockCostFn:
    """``block_cost(code, address)`` of a core: instructions are exact, cycles rounded to at least one a block."""

    def block_cost(code: bytes, address: int) -> BlockCost:
        placed = decode_block(Block(address, code))
        cycles = sum(instruction_cycles(timing, one.operation) for one in placed)
        return BlockCost(len(placed), max(1, int(cycles + 0.5)), timing.taken)

    return block_cost
