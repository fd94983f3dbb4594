# SPDX-License-Identifier: Apache-2.0
"""What the Cortex-M7 pipeline is made of, as numbers: result latencies, pairing rules, operations that take longer.

Sources: JNK = pipeline measurements of an STM32H743 by jnk0le; MAS = notes on dual issue by another M7 owner; LLVM =
its Cortex-M7 scheduling model and latency adjustments, by Arm; TRM = Cortex-M7 Technical Reference Manual (DDI 0489).

Stages: EX1 address generation, shifter, early ALU; EX2 late ALU, word loads; EX3 byte and half-word loads, products;
EX4 store data. ``LATENCY[producer][consumer]`` is the least number of cycles from the issue of a producer to the
issue of a consumer; 0 allows both in one cycle, the producer in the older slot.

=================================  ======================================================================
number                             source
=================================  ======================================================================
ALU -> ALU 1, -> EX1 2             LLVM, JNK, MAS
early ALU -> ALU 0, -> EX1 1       JNK, MAS (LLVM, coarser: 1 and 2). Early: add, subtract, move without the
                                   shifter, in the older slot, operands there a cycle earlier; plain shifts
                                   in either slot
ALU -> multiplicand 1              JNK: SXTB16 then SMLAD without a gap; LLVM
ALU -> accumulator, store data 0   JNK; LLVM (accumulator read one stage later, store data in EX4)
REV -> ALU 0, -> EX1 2             LLVM, JNK
saturated -> ALU 2                 LLVM
word load -> ALU 1, -> EX1 2       LLVM, JNK
... -> ALU beside an EX1 operand   2: JNK, LLVM
... -> multiplicand 2              JNK, LLVM
... -> accumulator 1, -> index 3   JNK; LLVM
byte, half load -> ALU 2, EX1 3    LLVM, JNK; -> accumulator 1 JNK
updated base -> address 1, ALU 0   JNK, LLVM
product -> ALU 2, accumulator 1,   LLVM, JNK
... -> address 4, store data 1     LLVM (first bypass EX4 to EX1); JNK
flags -> condition, carry 1        JNK, LLVM; of a compare with shifted operand 2: LLVM
result under another IT condition  one more, at most 3: LLVM
divide 7, alone                    LLVM (operand-dependent in silicon)
LDM, STM of n words (n + 1) // 2   JNK; alone: JNK, LLVM
TBB, TBH 2, alone                  LLVM
store -> load of the same word 4   LLVM
floating point                     JNK's table of single precision; LLVM
=================================  ======================================================================
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.timing.decode.operation import ConsumerStage, InsnKind, Operation, ProducerStage

MISPREDICT_CYCLES = 8  # JNK
MISPREDICT_CYCLES_FLAGS_EARLY = 6  # JNK: flags set at least FLAGS_EARLY_CYCLES before the branch
FLAGS_EARLY_CYCLES = 3
STORE_TO_LOAD_CYCLES = 4
MAX_CONDITION_CYCLES = 3

_INTEGER_STAGES = (
    ConsumerStage.OPERAND,
    ConsumerStage.BESIDE_EARLY,
    ConsumerStage.EARLY,
    ConsumerStage.ADDRESS,
    ConsumerStage.INDEX,
    ConsumerStage.MULTIPLICAND,
    ConsumerStage.ACCUMULATOR,
    ConsumerStage.STORED,
    ConsumerStage.CONDITION,
)
_FLOAT_STAGES = (
    ConsumerStage.FP_OPERAND,
    ConsumerStage.FP_MULTIPLICAND,
    ConsumerStage.FP_ACCUMULATOR,
    ConsumerStage.FP_STORED,
    ConsumerStage.FP_MOVED,
)


def _integer(*cycles: int) -> dict[ConsumerStage, int]:
    return dict(zip(_INTEGER_STAGES, cycles, strict=True)) | dict.fromkeys(_FLOAT_STAGES, max(cycles))


def _float(*cycles: int) -> dict[ConsumerStage, int]:
    return dict(zip(_FLOAT_STAGES, cycles, strict=True)) | dict.fromkeys(_INTEGER_STAGES, max(cycles))


# Order: operand, beside an early one, early, address, index, multiplicand, accumulator, stored, condition.
EARLY_ALU_LATENCY = _integer(0, 0, 1, 1, 1, 0, 0, 0, 1)
LATENCY: dict[ProducerStage, dict[ConsumerStage, int]] = {
    ProducerStage.ALU: _integer(1, 1, 2, 2, 2, 1, 0, 0, 1),
    ProducerStage.REVERSED: _integer(0, 0, 2, 2, 2, 0, 0, 0, 1),
    ProducerStage.SATURATED: _integer(2, 2, 3, 3, 3, 2, 1, 0, 1),
    ProducerStage.PRODUCT: _integer(2, 2, 3, 4, 4, 2, 1, 1, 2),
    ProducerStage.QUOTIENT: _integer(1, 1, 2, 2, 2, 1, 0, 0, 1),
    ProducerStage.LOADED_WORD: _integer(1, 2, 2, 2, 3, 2, 1, 0, 1),
    ProducerStage.LOADED_PART: _integer(2, 2, 3, 3, 3, 2, 1, 0, 2),
    ProducerStage.BASE: _integer(0, 0, 1, 1, 1, 0, 0, 0, 1),
    ProducerStage.SYSTEM: _integer(3, 3, 3, 3, 3, 3, 3, 3, 3),
    ProducerStage.FROM_FP: _integer(1, 1, 2, 2, 2, 1, 0, 0, 1),
    # Order: operand, multiplicand, accumulator, stored, moved.
    ProducerStage.FP_SUM: _float(3, 3, 3, 1, 3),
    ProducerStage.FP_PRODUCT: _float(6, 6, 3, 4, 6),
    ProducerStage.FP_FUSED: _float(5, 5, 3, 3, 5),
    ProducerStage.FP_QUOTIENT: _float(1, 1, 1, 1, 1),
    ProducerStage.FP_LOADED: _float(1, 1, 3, 0, 2),
    ProducerStage.FP_MOVED: _float(3, 3, 3, 1, 3),
}
# What "early" means to an add in the early ALU: an updated base is not there for it in the next cycle (JNK).
BASE_TO_EARLY_ALU = 2

# Cycles in which nothing else is issued, the first included.
LENGTH = {
    InsnKind.DIVIDE: 7,
    InsnKind.TABLE_BRANCH: 2,
    InsnKind.FP_DIVIDE: 16,
    InsnKind.FP_ROOT: 14,
}

_SINGLE_ISSUE = {
    InsnKind.LOAD_MULTIPLE,
    InsnKind.STORE_MULTIPLE,
    InsnKind.EXCLUSIVE,
    InsnKind.TABLE_BRANCH,
    InsnKind.DIVIDE,
    InsnKind.SYSTEM,
    InsnKind.BARRIER,
    InsnKind.FLUSH,
    InsnKind.FP_STATUS,
}
_OLDER_ONLY = {InsnKind.EXTEND, InsnKind.BIT_FIELD, InsnKind.REVERSE, InsnKind.PARALLEL, InsnKind.SATURATE}
_FP_ARITHMETIC = {
    InsnKind.FP_ADD,
    InsnKind.FP_MULTIPLY,
    InsnKind.FP_MAC,
    InsnKind.FP_FUSED,
    InsnKind.FP_DIVIDE,
    InsnKind.FP_ROOT,
}
_FP_MOVES = {InsnKind.FP_MOVE, InsnKind.FP_FROM_CORE, InsnKind.FP_TO_CORE}


def issue_cycles_of(operation: Operation) -> int:
    """Issue cycles an operation takes for itself."""
    if operation.kind in (InsnKind.LOAD_MULTIPLE, InsnKind.STORE_MULTIPLE) and operation.memory is not None:
        return max(1, (operation.memory.words + 1) // 2)
    return LENGTH.get(operation.kind, 1)


def single_issue(operation: Operation) -> bool:
    """True for operations that share their cycle with none."""
    two_moves = operation.kind in _FP_MOVES and len(operation.consumes) + len(operation.produces) > 2
    return operation.kind in _SINGLE_ISSUE or two_moves


def dual_issue_hazard(older: Operation, younger: Operation) -> str:
    """Return the rule that keeps two operations from being issued in one cycle; "" when there is none.

    JNK unless noted. Banks and operands are looked at elsewhere.

    Args:
        older: The first of the two.
        younger: The one after it.
    """
    a, b = older.kind, younger.kind
    if single_issue(older) or single_issue(younger):
        return "issued alone"
    if b in _OLDER_ONLY:
        return "two bit-field or SIMD operations" if a in _OLDER_ONLY else "bit-field and SIMD in the older slot only"
    if a is InsnKind.MULTIPLY and b is InsnKind.MULTIPLY:
        return "two multiplies"
    if a is InsnKind.STORE and b is InsnKind.STORE:
        return "two stores"
    if {a, b} == {InsnKind.MULTIPLY, InsnKind.STORE}:
        return "multiply and store"
    if a is InsnKind.BRANCH and b is InsnKind.BRANCH:
        return "two branches"
    if younger.shifter and (older.shifter or a is InsnKind.SHIFT):
        return "two users of the in-line shifter"
    if (older.shifter and extracts(younger)) or (younger.shifter and extracts(older)):
        return "extraction and in-line shifter"
    return _float_hazard(older, younger)


def extracts(operation: Operation) -> bool:
    """True for operations that take a field out of an operand with the shifter before the ALU."""
    return operation.kind in (InsnKind.BIT_FIELD, InsnKind.REVERSE) or (
        operation.kind is InsnKind.EXTEND and any(consumer is ConsumerStage.EARLY for _, consumer in operation.consumes)
    )


def _float_hazard(older: Operation, younger: Operation) -> str:
    a, b = older.kind, younger.kind
    if a in _FP_ARITHMETIC and b in _FP_ARITHMETIC:
        return "two floating-point operations"
    products = (InsnKind.FP_MAC, InsnKind.FP_FUSED)
    if (a in products and _moves_floats(younger)) or (b in products and _moves_floats(older)):
        return "floating-point product and move"
    constants = a is InsnKind.FP_MOVE and b is InsnKind.FP_MOVE and not older.consumes and not younger.consumes
    return "two floating-point constants" if constants else ""


def _moves_floats(operation: Operation) -> bool:
    if operation.kind in _FP_MOVES:
        return True
    loads = any(producer is ProducerStage.FP_LOADED for _, producer in operation.produces)
    return loads or any(consumer is ConsumerStage.FP_STORED for _, consumer in operation.consumes)


def same_bank(first: Operation, second: Operation, first_pc: int, second_pc: int) -> bool:
    """True when two loads surely hit the same of the two banks (even and odd words) of DTCM or data cache (JNK).

    That is known for constants from one base, assumed to be word-aligned. Unknown pairs are assumed not to collide.

    Args:
        first: The older load.
        second: The younger one.
        first_pc: Its address.
        second_pc: Its address.
    """
    a, b = first.memory, second.memory
    if a is None or b is None or a.base != b.base or a.offset is None or b.offset is None:
        return False
    start_a = first_pc + 4 & ~3 if a.base == 15 else 0
    start_b = second_pc + 4 & ~3 if b.base == 15 else 0
    return (start_a + a.offset) // 4 % 2 == (start_b + b.offset) // 4 % 2
