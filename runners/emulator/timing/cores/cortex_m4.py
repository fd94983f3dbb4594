# SPDX-License-Identifier: Apache-2.0
"""The pipeline of the Cortex-M4: one instruction after the other, with what the load/store unit can overlap.

Cycles with zero-wait memory. Sources: TRM = Arm Cortex-M4 Technical Reference Manual (100166), instruction table and
load/store timings; JNK = pipeline measurements of an STM32F407 by jnk0le; CMP = measurements of branches and of code
alignment on an M4 (compendium.i-0.nl); LLVM = its Cortex-M4 scheduling model.

===================================================================  ========================  =====================
what                                                                 cycles                    source
===================================================================  ========================  =====================
data processing, SIMD, all multiplies and multiply-accumulates       1                         TRM (LLVM gives a
                                                                                               multiply-accumulate
                                                                                               a latency of 2)
divide                                                               7 (2 to 12 by operands)   TRM; middle
single load                                                          2; 1 right after a        TRM
                                                                     single load
... whose address the load before made, base updated included        2                         TRM, JNK
... or store, address register made by the instruction before it     +1                        TRM, JNK
NOP right after a load                                               0                         JNK
store, address = register + constant                                 1 (write buffer)          TRM
store, address = register + register                                 2; 1 after a load         TRM, JNK
LDRD, STRD, LDM, STM, PUSH, POP of n words                           1 + n                     TRM
branch to a fixed address, taken                                     1 + 1                     CMP; TRM: 1 + (1 to 3)
branch by register, PC loaded                                        + 2                       TRM: 1 to 3; middle
TBB, TBH                                                             6, refill included        TRM
target is a 32-bit instruction off a word boundary                   + 1                       CMP
branch not taken, skipped instruction                                1                         TRM
IT                                                                   0 after a 16-bit one,     TRM
                                                                     else 1
MSR, MRS                                                             2                         TRM: 1 to 2
VADD, VMUL, VCVT, VMOV                                               1; its result one later   TRM (recalled)
VLDR, VSTR of a single                                               2, not overlapped         TRM (recalled)
VMLA, VFMA                                                           3                         TRM (recalled), LLVM
VDIV, VSQRT                                                          14                        TRM (recalled), LLVM
===================================================================  ========================  =====================

Sixteen AES functions that jnk0le measured on an STM32F407 (with 0 and with 5 wait states alike where the code fits
the flash accelerator) come out 5 to 8 cycles below his totals, which hold the call, and each further round costs the
same within half a cycle. With a refill of 2 for all branches they would be up to 4 % too slow. CMP also saw one more
cycle in rows of three or more 32-bit instructions off word boundaries, and takes it for a property of the flash it ran
from: three of those functions have such rows in their loops and show nothing of it, so it is not in here.

Not modelled: the cycle a store before a load costs and the one it saves after a load, as JNK measured (together less
than 1 % of TFLM's kernels); loads of literals that meet instruction fetch; 32-bit loads off a word boundary that "may"
not overlap (JNK); loads from different RAM blocks; early end of divides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mlperf_tiny.runners.emulator.timing.cores.class_costs import ClassCosts, costs_by_kind
from mlperf_tiny.runners.emulator.timing.cores.pipeline import Issue, Pipe, PipelineModel, is_float
from mlperf_tiny.runners.emulator.timing.decode.core_model import BlockTerminator, BranchKind, Stall
from mlperf_tiny.runners.emulator.timing.decode.operation import (
    FP_FLAGS,
    S0,
    ConsumerStage,
    DecodedInsn,
    InsnKind,
    MemoryAccess,
    Operation,
    ProducerStage,
    register_name,
)

# Sources: ``cores.class_costs``.
CLASS_COSTS = ClassCosts(
    data=1,
    others=costs_by_kind(
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

REFILL_CYCLES = {
    BranchKind.CONDITIONAL: 1,
    BranchKind.UNCONDITIONAL: 1,
    BranchKind.CALL: 1,
    BranchKind.INDIRECT: 2,
    BranchKind.RETURN: 2,
}
UNALIGNED_WIDE_TARGET_CYCLES = 1
TABLE_BRANCH_CYCLES = 6

# Cycles of operations that depend on nothing around them; 1 where not listed.
_FIXED = {
    InsnKind.DIVIDE: 7,
    InsnKind.SYSTEM: 2,
    InsnKind.EXCLUSIVE: 2,
    InsnKind.FLUSH: 1 + REFILL_CYCLES[BranchKind.INDIRECT],
    InsnKind.FP_MAC: 3,
    InsnKind.FP_FUSED: 3,
    InsnKind.FP_DIVIDE: 14,
    InsnKind.FP_ROOT: 14,
}
_ADDRESS = (ConsumerStage.ADDRESS, ConsumerStage.INDEX)
# Stalls that pass before the instruction is issued; the others are its own length.
_BEFORE_ISSUE = {Stall.BRANCH, Stall.FETCH, Stall.ADDRESS, Stall.RESULT}
_FP_LATE = (ProducerStage.FP_SUM, ProducerStage.FP_PRODUCT, ProducerStage.FP_FUSED)


@dataclass
class _Pipe(Pipe):
    """Remembers the instruction before; ``stalls`` and ``blocker`` are of the present one."""

    cycle: int = -1
    previous: Operation | None = None
    jumped: bool = False
    stalls: dict[Stall, int] = field(default_factory=dict)
    blocker: str = ""

    def step(self, decoded: DecodedInsn) -> Issue:
        self.stalls, self.blocker = {}, ""
        if self.jumped:
            self._refill(decoded)
        operation = decoded.operation
        hidden = self._hidden(operation)
        if not hidden:
            self._stall(operation)
        if operation.kind is not InsnKind.IF_THEN:
            self.previous = operation
        before_issue = sum(count for cause, count in self.stalls.items() if cause in _BEFORE_ISSUE)
        issue = Issue(self.cycle + before_issue + (not hidden), int(hidden), self.stalls, self.blocker)
        self.cycle += sum(self.stalls.values()) + (not hidden)
        return issue

    def jump(self) -> None:
        self.jumped = True

    def _refill(self, target: DecodedInsn) -> None:
        branch = self.previous.branch if self.previous is not None else None
        self.previous, self.jumped = None, False
        self._lose(Stall.BRANCH, REFILL_CYCLES[branch or BranchKind.CONDITIONAL])
        if len(target.code) == 4 and target.address % 4:
            self._lose(Stall.FETCH, UNALIGNED_WIDE_TARGET_CYCLES)

    def _lose(self, cause: Stall, cycles: int, blocker: str = "") -> None:
        if cycles:
            self.stalls[cause] = self.stalls.get(cause, 0) + cycles
            self.blocker = blocker or self.blocker

    def _hidden(self, operation: Operation) -> bool:
        previous = self.previous
        if operation.kind is InsnKind.IF_THEN:
            return previous is not None and previous.size_bytes == 2
        return operation.kind is InsnKind.NOP and previous is not None and previous.kind is InsnKind.LOAD

    def _stall(self, operation: Operation) -> None:
        self._wait_for_float(operation)
        if operation.memory is None:
            self._lose(Stall.MULTI_CYCLE, _FIXED.get(operation.kind, 1) - 1)
        else:
            self._wait_for_address(operation)
            self._lose(Stall.MEMORY, self._access_cycles(operation, operation.memory) - 1)

    def _access_cycles(self, operation: Operation, memory: MemoryAccess) -> int:
        kind, previous = operation.kind, self.previous
        after_load = previous is not None and previous.kind is InsnKind.LOAD
        if kind is InsnKind.LOAD:
            return 1 if after_load and not _uses(operation, previous) and not is_float(operation) else 2
        if kind is InsnKind.STORE:
            return 2 if (memory.indexed and not after_load) or is_float(operation) else 1
        if kind is InsnKind.TABLE_BRANCH:
            return TABLE_BRANCH_CYCLES - REFILL_CYCLES[BranchKind.INDIRECT]
        return 2 if kind is InsnKind.EXCLUSIVE else 1 + memory.words

    def _wait_for_address(self, operation: Operation) -> None:
        previous = self.previous
        if previous is None or previous.memory is not None:
            return
        produced = {register for register, _ in previous.produces}
        late = [register for register, consumer in operation.consumes if consumer in _ADDRESS and register in produced]
        if late:
            self._lose(Stall.ADDRESS, 1, register_name(late[0]))

    def _wait_for_float(self, operation: Operation) -> None:
        if self.previous is None:
            return
        produced = {register for register, source in self.previous.produces if source in _FP_LATE}
        late = [r for r, _ in operation.consumes if r in produced and (r >= S0 or r == FP_FLAGS)]
        if late:
            self._lose(Stall.RESULT, 1, register_name(late[0]))


def _uses(operation: Operation, previous: Operation | None) -> bool:
    """Whether a load's address is what the load before it made, updated base registers included."""
    produced = {register for register, _ in previous.produces} if previous is not None else set()
    return any(register in produced for register, consumer in operation.consumes if consumer in _ADDRESS)


class CortexM4(PipelineModel):
    """A ``CoreModel`` (``timing/decode/core_model.py``) without branch prediction."""

    name = "cortex-m4"
    version = "2"
    pipe = _Pipe

    def taken_cycles(self, terminator: BlockTerminator) -> int:
        """The refill."""
        return REFILL_CYCLES.get(terminator.branch, 0)
