# SPDX-License-Identifier: Apache-2.0
"""One decoded instruction as a pipeline model sees it: its kind, the registers it consumes and produces, and where.

Registers are numbers: 0 to 15 the core's, then the flags, then the single floating-point registers from ``S0`` on
(a double register is two singles).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from mlperf_tiny.runners.emulator.timing.decode.core_model import BranchKind

SP, LR, PC = 13, 14, 15
FLAGS = 16  # N Z C V
GREATER_EQUAL = 17  # the GE bits that SEL reads
FP_FLAGS = 18  # FPSCR condition bits
S0 = 32
_NAMES = {SP: "sp", LR: "lr", PC: "pc", FLAGS: "flags", GREATER_EQUAL: "GE", FP_FLAGS: "FPSCR"}


def register_name(register: int) -> str:
    """Return the name of a register by its number.

    Examples:
        >>> [register_name(number) for number in (3, SP, FLAGS, S0 + 5)]
        ['r3', 'sp', 'flags', 's5']
    """
    return _NAMES.get(register) or (f"s{register - S0}" if register >= S0 else f"r{register}")


class InsnKind(Enum):
    """What an instruction occupies."""

    ADD_MOVE = "add, subtract, move of registers and constants"
    LOGIC = "other ALU operation, compares among them"
    SHIFT = "shift or rotate as an instruction of its own"
    EXTEND = "sign or zero extension, without or with an addition; PKH"
    BIT_FIELD = "UBFX, SBFX, BFI, BFC"
    REVERSE = "REV, REV16, REVSH, RBIT"
    PARALLEL = "SIMD addition, SEL, CLZ"
    SATURATE = "QADD, SSAT and their like, USAD8"
    MULTIPLY = "multiply, multiply-accumulate, also SIMD and long"
    DIVIDE = "SDIV, UDIV"
    LOAD = "load of up to one word; PLD"
    STORE = "store of up to one word"
    LOAD_MULTIPLE = "LDM, LDRD, POP, VLDM, VLDR of a double"
    STORE_MULTIPLE = "STM, STRD, PUSH, VSTM, VSTR of a double"
    EXCLUSIVE = "LDREX, STREX and their like"
    TABLE_BRANCH = "TBB, TBH"
    BRANCH = "branch"
    IF_THEN = "IT"
    NOP = "NOP"
    SYSTEM = "MSR, MRS, CPS, SVC, hint with an effect"
    BARRIER = "DSB, DMB"
    FLUSH = "ISB"
    FP_ADD = "VADD, VSUB, VABS, VNEG, VCVT, VCMP, VMAXNM, VSEL, VRINT"
    FP_MULTIPLY = "VMUL, VNMUL"
    FP_MAC = "VMLA, VMLS and negated"
    FP_FUSED = "VFMA, VFMS and negated"
    FP_DIVIDE = "VDIV"
    FP_ROOT = "VSQRT"
    FP_MOVE = "VMOV between floating-point registers, or of a constant"
    FP_FROM_CORE = "VMOV from core registers"
    FP_TO_CORE = "VMOV to core registers"
    FP_STATUS = "VMRS, VMSR"


class ConsumerStage(Enum):
    """Where in the pipeline an instruction wants a register."""

    OPERAND = "ALU"
    BESIDE_EARLY = "ALU, in an instruction that has an EARLY operand as well"
    EARLY = "shifter before the ALU: shifted operand, extracted field"
    ADDRESS = "address generation: base"
    INDEX = "address generation: index"
    MULTIPLICAND = "multiplier"
    ACCUMULATOR = "adder after the multiplier"
    STORED = "store data"
    CONDITION = "flags that decide whether an instruction in an IT block is done"
    FP_OPERAND = "floating-point adder"
    FP_MULTIPLICAND = "floating-point multiplier"
    FP_ACCUMULATOR = "floating-point adder after the multiplier"
    FP_STORED = "floating-point store data"
    FP_MOVED = "floating-point register that is moved"


class ProducerStage(Enum):
    """Where a result comes from."""

    ALU = "ALU, shifter, extension, SIMD"
    REVERSED = "REV, RBIT"
    SATURATED = "saturating arithmetic"
    PRODUCT = "multiplier or adder after it"
    QUOTIENT = "divider"
    LOADED_WORD = "load of a word"
    LOADED_PART = "load of a byte or half-word"
    BASE = "updated base register of an access"
    SYSTEM = "special register"
    FP_SUM = "floating-point adder or multiplier"
    FP_PRODUCT = "VMLA"
    FP_FUSED = "VFMA"
    FP_QUOTIENT = "VDIV, VSQRT"
    FP_LOADED = "load to a floating-point register"
    FP_MOVED = "VMOV to a floating-point register"
    FROM_FP = "VMOV to a core register"


@dataclass(frozen=True)
class MemoryAccess:
    """The access an instruction makes."""

    size_bytes: int
    """Of each word."""
    words: int = 1
    """How many."""
    base: int = PC
    """The base register."""
    offset: int | None = 0
    """Added to it; None: not a constant."""
    indexed: bool = False
    """Whether an index register is added."""
    writes_base: bool = False
    """Whether the base register is updated."""


@dataclass(frozen=True)
class Operation:
    """An instruction without its address."""

    kind: InsnKind
    """What it occupies."""
    size_bytes: int
    """2 or 4."""
    consumes: tuple[tuple[int, ConsumerStage], ...] = ()
    """The registers it reads, each with the stage that needs it."""
    produces: tuple[tuple[int, ProducerStage], ...] = ()
    """The registers it writes, each with the stage that produces it."""
    memory: MemoryAccess | None = None
    """Its access, if any."""
    shifter: bool = False
    """Whether it uses the in-line shifter, for an operand or a rotated constant."""
    sets_flags: bool = False
    """Whether it sets N, Z, C or V."""
    branch: BranchKind | None = None
    """How it leaves the block; None: it does not."""
    target_offset: int | None = None
    """Of a direct branch, from the instruction's own address."""
    it_bits: int = 0
    """Of an IT instruction: condition and mask."""
    condition: int | None = None
    """Its IT condition (0 to 13); None outside IT blocks."""

    def predicate(self, condition: int) -> Operation:
        """The same inside an IT block; there 16-bit arithmetic does not set flags."""
        keeps_flags = self.size_bytes == 2 and self.sets_flags and any(r < FLAGS for r, _ in self.produces)
        produces = (
            tuple(producer for producer in self.produces if producer[0] != FLAGS) if keeps_flags else self.produces
        )
        consumes = (*self.consumes, (FLAGS, ConsumerStage.CONDITION))
        return replace(
            self,
            consumes=consumes,
            produces=produces,
            sets_flags=self.sets_flags and not keeps_flags,
            condition=condition,
        )

    @property
    def may_fall_through(self) -> bool:
        """True for a branch that is not always taken."""
        return self.branch is BranchKind.CONDITIONAL or (self.branch is not None and self.condition is not None)


@dataclass(frozen=True)
class DecodedInsn:
    """An operation at its address."""

    address: int
    """Of the instruction."""
    code: bytes
    """Its bytes."""
    operation: Operation
    """What it does."""
