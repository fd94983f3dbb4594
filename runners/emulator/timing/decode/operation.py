# SPDX-License-Identifier: Apache-2.0
"""One decoded instruction as a pipeline model sees it: what it is, which registers it needs where, what it makes.

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
    """``"r3"``, ``"sp"``, ``"flags"``, ``"s5"``."""
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
    EARLY = "shifter in front of the ALU: shifted operand, extracted field"
    ADDRESS = "address generation: base"
    INDEX = "address generation: index"
    MULTIPLICAND = "multiplier"
    ACCUMULATOR = "adder behind the multiplier"
    STORED = "store data"
    CONDITION = "flags that decide whether an instruction in an IT block is done"
    FP_OPERAND = "floating-point adder"
    FP_MULTIPLICAND = "floating-point multiplier"
    FP_ACCUMULATOR = "floating-point adder behind the multiplier"
    FP_STORED = "floating-point store data"
    FP_MOVED = "floating-point register that is moved"


class ProducerStage(Enum):
    """Where a result comes from."""

    ALU = "ALU, shifter, extension, SIMD"
    REVERSED = "REV, RBIT"
    SATURATED = "saturating arithmetic"
    PRODUCT = "multiplier or adder behind it"
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
class Memory:
    """The access an instruction makes: ``words`` of ``size_bytes`` from ``base`` + ``offset`` (None: by register)."""

    size_bytes: int
    words: int = 1
    base: int = PC
    offset: int | None = 0
    indexed: bool = False
    writes_base: bool = False


@dataclass(frozen=True)
class Operation:
    """An instruction without its address. ``condition`` is its IT condition (0 to 13), None outside IT blocks.

    ``shifter``: uses the in-line shifter for an operand or a rotated constant. ``target_offset`` of a direct branch
    counts from the instruction's own address.
    """

    kind: InsnKind
    size_bytes: int
    consumes: tuple[tuple[int, ConsumerStage], ...] = ()
    produces: tuple[tuple[int, ProducerStage], ...] = ()
    memory: Memory | None = None
    shifter: bool = False
    sets_flags: bool = False
    branch: BranchKind | None = None
    target_offset: int | None = None
    it_bits: int = 0
    condition: int | None = None

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
    """An operation at its address, with its own bytes."""

    address: int
    code: bytes
    operation: Operation
