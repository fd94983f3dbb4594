# SPDX-License-Identifier: Apache-2.0
"""What the Cortex-M7 pipeline is made of, as numbers: result latencies, pairing rules, operations that take longer.

Sources: JNK = pipeline measurements of an STM32H743 by jnk0le; MAS = notes on dual issue by another M7 owner; LLVM =
its Cortex-M7 scheduling model and latency adjustments, by Arm; TRM = Cortex-M7 Technical Reference Manual (DDI 0489).

Stages: EX1 address generation, shifter, early ALU; EX2 late ALU, word loads; EX3 byte and half-word loads, products;
EX4 store data. ``LATENCY[made][need]`` is the least number of cycles from the issue of a producer to the issue of a
consumer; 0 allows both in one cycle, the producer in the older slot.

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

from mlperf_tiny.runners.emulator.timing.decode.operation import Kind, Made, Need, Operation

MISPREDICT_CYCLES = 8  # JNK
MISPREDICT_CYCLES_FLAGS_EARLY = 6  # JNK: flags set at least FLAGS_EARLY_CYCLES before the branch
FLAGS_EARLY_CYCLES = 3
STORE_TO_LOAD_CYCLES = 4
MOST_CONDITION_CYCLES = 3

_INTEGER_NEEDS = (
    Need.OPERAND,
    Need.BESIDE_EARLY,
    Need.EARLY,
    Need.ADDRESS,
    Need.INDEX,
    Need.MULTIPLICAND,
    Need.ACCUMULATOR,
    Need.STORED,
    Need.CONDITION,
)
_FLOAT_NEEDS = (Need.FP_OPERAND, Need.FP_MULTIPLICAND, Need.FP_ACCUMULATOR, Need.FP_STORED, Need.FP_MOVED)


def _integer(*cycles: int) -> dict[Need, int]:
    return dict(zip(_INTEGER_NEEDS, cycles, strict=True)) | dict.fromkeys(_FLOAT_NEEDS, max(cycles))


def _float(*cycles: int) -> dict[Need, int]:
    return dict(zip(_FLOAT_NEEDS, cycles, strict=True)) | dict.fromkeys(_INTEGER_NEEDS, max(cycles))


# Order: operand, beside an early one, early, address, index, multiplicand, accumulator, stored, condition.
EARLY_ALU_LATENCY = _integer(0, 0, 1, 1, 1, 0, 0, 0, 1)
LATENCY: dict[Made, dict[Need, int]] = {
    Made.ALU: _integer(1, 1, 2, 2, 2, 1, 0, 0, 1),
    Made.REVERSED: _integer(0, 0, 2, 2, 2, 0, 0, 0, 1),
    Made.SATURATED: _integer(2, 2, 3, 3, 3, 2, 1, 0, 1),
    Made.PRODUCT: _integer(2, 2, 3, 4, 4, 2, 1, 1, 2),
    Made.QUOTIENT: _integer(1, 1, 2, 2, 2, 1, 0, 0, 1),
    Made.LOADED_WORD: _integer(1, 2, 2, 2, 3, 2, 1, 0, 1),
    Made.LOADED_PART: _integer(2, 2, 3, 3, 3, 2, 1, 0, 2),
    Made.BASE: _integer(0, 0, 1, 1, 1, 0, 0, 0, 1),
    Made.SYSTEM: _integer(3, 3, 3, 3, 3, 3, 3, 3, 3),
    Made.FROM_FP: _integer(1, 1, 2, 2, 2, 1, 0, 0, 1),
    # Order: operand, multiplicand, accumulator, stored, moved.
    Made.FP_SUM: _float(3, 3, 3, 1, 3),
    Made.FP_PRODUCT: _float(6, 6, 3, 4, 6),
    Made.FP_FUSED: _float(5, 5, 3, 3, 5),
    Made.FP_QUOTIENT: _float(1, 1, 1, 1, 1),
    Made.FP_LOADED: _float(1, 1, 3, 0, 2),
    Made.FP_MOVED: _float(3, 3, 3, 1, 3),
}
# What "early" means to an add in the early ALU: an updated base is not there for it in the next cycle (JNK).
BASE_TO_EARLY_ALU = 2

# Cycles in which nothing else is issued, the first included.
LENGTH = {
    Kind.DIVIDE: 7,
    Kind.TABLE_BRANCH: 2,
    Kind.FP_DIVIDE: 16,
    Kind.FP_ROOT: 14,
}

_ALONE = {
    Kind.LOAD_MULTIPLE,
    Kind.STORE_MULTIPLE,
    Kind.EXCLUSIVE,
    Kind.TABLE_BRANCH,
    Kind.DIVIDE,
    Kind.SYSTEM,
    Kind.BARRIER,
    Kind.FLUSH,
    Kind.FP_STATUS,
}
_OLDER_ONLY = {Kind.EXTEND, Kind.BIT_FIELD, Kind.REVERSE, Kind.PARALLEL, Kind.SATURATE}
_FP_ARITHMETIC = {Kind.FP_ADD, Kind.FP_MULTIPLY, Kind.FP_MAC, Kind.FP_FUSED, Kind.FP_DIVIDE, Kind.FP_ROOT}
_FP_MOVES = {Kind.FP_MOVE, Kind.FP_FROM_CORE, Kind.FP_TO_CORE}


def length_of(operation: Operation) -> int:
    """Issue cycles an operation takes for itself."""
    if operation.kind in (Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE) and operation.memory is not None:
        return max(1, (operation.memory.words + 1) // 2)
    return LENGTH.get(operation.kind, 1)


def goes_alone(operation: Operation) -> bool:
    """True for operations that share their cycle with none."""
    two_moves = operation.kind in _FP_MOVES and len(operation.needs) + len(operation.makes) > 2
    return operation.kind in _ALONE or two_moves


def why_not_together(older: Operation, younger: Operation) -> str:
    """The rule that keeps two operations from being issued in one cycle; "" when there is none.

    JNK unless noted. Banks and operands are looked at elsewhere.
    """
    a, b = older.kind, younger.kind
    if goes_alone(older) or goes_alone(younger):
        return "issued alone"
    if b in _OLDER_ONLY:
        return "two bit-field or SIMD operations" if a in _OLDER_ONLY else "bit-field and SIMD in the older slot only"
    if a is Kind.MULTIPLY and b is Kind.MULTIPLY:
        return "two multiplies"
    if a is Kind.STORE and b is Kind.STORE:
        return "two stores"
    if {a, b} == {Kind.MULTIPLY, Kind.STORE}:
        return "multiply and store"
    if a is Kind.BRANCH and b is Kind.BRANCH:
        return "two branches"
    if younger.shifter and (older.shifter or a is Kind.SHIFT):
        return "two users of the in-line shifter"
    if (older.shifter and extracts(younger)) or (younger.shifter and extracts(older)):
        return "extraction and in-line shifter"
    return _why_not_floats_together(older, younger)


def extracts(operation: Operation) -> bool:
    """True for operations that take a field out of an operand with the shifter in front of the ALU."""
    return operation.kind in (Kind.BIT_FIELD, Kind.REVERSE) or (
        operation.kind is Kind.EXTEND and any(need is Need.EARLY for _, need in operation.needs)
    )


def _why_not_floats_together(older: Operation, younger: Operation) -> str:
    a, b = older.kind, younger.kind
    if a in _FP_ARITHMETIC and b in _FP_ARITHMETIC:
        return "two floating-point operations"
    products = (Kind.FP_MAC, Kind.FP_FUSED)
    if (a in products and _moves_floats(younger)) or (b in products and _moves_floats(older)):
        return "floating-point product and move"
    constants = a is Kind.FP_MOVE and b is Kind.FP_MOVE and not older.needs and not younger.needs
    return "two floating-point constants" if constants else ""


def _moves_floats(operation: Operation) -> bool:
    if operation.kind in _FP_MOVES:
        return True
    loads = any(made is Made.FP_LOADED for _, made in operation.makes)
    return loads or any(need is Need.FP_STORED for _, need in operation.needs)


def same_bank(first: Operation, second: Operation, first_pc: int, second_pc: int) -> bool:
    """True when two loads surely hit the same of the two banks (even and odd words) of DTCM or data cache (JNK).

    That is known for constants from one base, taken to be word-aligned. Unknown pairs are taken not to collide.
    """
    a, b = first.memory, second.memory
    if a is None or b is None or a.base != b.base or a.offset is None or b.offset is None:
        return False
    start_a = first_pc + 4 & ~3 if a.base == 15 else 0
    start_b = second_pc + 4 & ~3 if b.base == 15 else 0
    return (start_a + a.offset) // 4 % 2 == (start_b + b.offset) // 4 % 2
