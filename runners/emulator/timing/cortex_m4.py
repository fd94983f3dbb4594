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
single load                                                          2; 1 right behind a       TRM
                                                                     single load
... whose address the load before made, base updated included        2                         TRM, JNK
... or store, address register made by the instruction before it     +1                        TRM, JNK
NOP right behind a load                                              0                         JNK
store, address = register + constant                                 1 (write buffer)          TRM
store, address = register + register                                 2; 1 behind a load        TRM, JNK
LDRD, STRD, LDM, STM, PUSH, POP of n words                           1 + n                     TRM
branch to a fixed address, taken                                     1 + 1                     CMP; TRM: 1 + (1 to 3)
branch by register, PC loaded                                        + 2                       TRM: 1 to 3; middle
TBB, TBH                                                             6, refill included        TRM
target is a 32-bit instruction off a word boundary                   + 1                       CMP
branch not taken, skipped instruction                                1                         TRM
IT                                                                   0 behind a 16-bit one,    TRM
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

Left out: the cycle a store in front of a load costs and the one it saves behind a load, as JNK measured (together less
than 1 % of TFLM's kernels); loads of literals that meet instruction fetch; 32-bit loads off a word boundary that "may"
not overlap (JNK); loads from different RAM blocks; early end of divides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from runners.emulator.timing.core_model import Block, Exit, Price, Stall, Step
from runners.emulator.timing.decode import decode_block, it_state_after
from runners.emulator.timing.endings import ending_of
from runners.emulator.timing.operation import (
    FP_FLAGS,
    S0,
    Kind,
    Made,
    Need,
    Operation,
    Placed,
    register_name,
)

REFILL_CYCLES = {Exit.CONDITIONAL: 1, Exit.UNCONDITIONAL: 1, Exit.CALL: 1, Exit.INDIRECT: 2, Exit.RETURN: 2}
UNALIGNED_WIDE_TARGET_CYCLES = 1
TABLE_BRANCH_CYCLES = 6

# Cycles of operations that depend on nothing around them; 1 where not listed.
_FIXED = {
    Kind.DIVIDE: 7,
    Kind.SYSTEM: 2,
    Kind.EXCLUSIVE: 2,
    Kind.FLUSH: 1 + REFILL_CYCLES[Exit.INDIRECT],
    Kind.FP_MAC: 3,
    Kind.FP_FUSED: 3,
    Kind.FP_DIVIDE: 14,
    Kind.FP_ROOT: 14,
}
_ADDRESS = (Need.ADDRESS, Need.INDEX)
# Stalls that pass before the instruction is issued; the others are its own length.
_IN_FRONT = {Stall.BRANCH, Stall.FETCH, Stall.ADDRESS, Stall.RESULT}
_FP_LATE = (Made.FP_SUM, Made.FP_PRODUCT, Made.FP_FUSED)


@dataclass
class _Pipe:
    """What an instruction leaves to the one behind it; as constructed: nothing is known to be in the pipe."""

    previous: Operation | None = None
    stalls: dict[Stall, int] = field(default_factory=dict)
    blocker: str = ""

    def step(self, placed: Placed) -> int:
        """Cycles of the next instruction; ``stalls`` and ``blocker`` then say why it was more than one."""
        operation = placed.operation
        self.stalls, self.blocker = {}, ""
        cycles = self._own_cycles(operation)
        if operation.kind is not Kind.IF_THEN:
            self.previous = operation
        return cycles

    def refill(self, target: Placed) -> dict[Stall, int]:
        """The cycles lost when the last instruction has jumped to ``target``."""
        leaves = self.previous.exit if self.previous is not None else None
        self.previous = None
        lost = {Stall.BRANCH: REFILL_CYCLES[leaves or Exit.CONDITIONAL]}
        if len(target.code) == 4 and target.address % 4:
            lost[Stall.FETCH] = UNALIGNED_WIDE_TARGET_CYCLES
        return lost

    def _lose(self, cause: Stall, cycles: int, blocker: str = "") -> int:
        if cycles:
            self.stalls[cause] = self.stalls.get(cause, 0) + cycles
            self.blocker = blocker or self.blocker
        return cycles

    def _own_cycles(self, operation: Operation) -> int:
        kind, previous = operation.kind, self.previous
        if kind is Kind.IF_THEN:
            return 0 if previous is not None and previous.size_bytes == 2 else 1
        if kind is Kind.NOP:
            return 0 if previous is not None and previous.kind is Kind.LOAD else 1
        cycles = 1 + self._wait_for_float(operation)
        if operation.memory is not None:
            return cycles + self._wait_for_address(operation) + self._access(operation)
        return cycles + self._lose(Stall.MULTI_CYCLE, _FIXED.get(kind, 1) - 1)

    def _access(self, operation: Operation) -> int:
        kind, previous = operation.kind, self.previous
        assert operation.memory is not None
        if kind is Kind.LOAD:
            behind_load = previous is not None and previous.kind is Kind.LOAD and not _uses(operation, previous)
            return 0 if behind_load and not _moves_float(operation) else self._lose(Stall.MEMORY, 1)
        if kind is Kind.STORE:
            behind_load = previous is not None and previous.kind is Kind.LOAD
            long = (operation.memory.indexed and not behind_load) or _moves_float(operation)
            return self._lose(Stall.MEMORY, 1) if long else 0
        if kind is Kind.TABLE_BRANCH:
            return self._lose(Stall.MEMORY, TABLE_BRANCH_CYCLES - REFILL_CYCLES[Exit.INDIRECT] - 1)
        if kind is Kind.EXCLUSIVE:
            return self._lose(Stall.MEMORY, 1)
        return self._lose(Stall.MEMORY, operation.memory.words)

    def _wait_for_address(self, operation: Operation) -> int:
        previous = self.previous
        if previous is None or previous.memory is not None:
            return 0
        made = {register for register, _ in previous.makes}
        late = [register for register, need in operation.needs if need in _ADDRESS and register in made]
        return self._lose(Stall.ADDRESS, 1, register_name(late[0])) if late else 0

    def _wait_for_float(self, operation: Operation) -> int:
        if self.previous is None:
            return 0
        made = {register for register, source in self.previous.makes if source in _FP_LATE}
        late = [r for r, _ in operation.needs if r in made and (r >= S0 or r == FP_FLAGS)]
        return self._lose(Stall.RESULT, 1, register_name(late[0])) if late else 0


def _uses(operation: Operation, previous: Operation) -> bool:
    """Whether a load's address is what the load before it made, updated base registers included."""
    made = {register for register, _ in previous.makes}
    return any(register in made for register, need in operation.needs if need in _ADDRESS)


def _moves_float(operation: Operation) -> bool:
    registers = [register for register, need in operation.needs if need is Need.FP_STORED]
    return bool(registers) or any(made is Made.FP_LOADED for _, made in operation.makes)


class CortexM4:
    """See ``runners.emulator.timing.core_model.CoreModel``."""

    name = "cortex-m4"
    version = "2"

    def price(self, block: Block, before: Block | None, taken: bool) -> Price:
        """Core cycles; a taken edge into the block carries the refill."""
        placed, steps, _ = self._run(block, before, taken)
        stalls: dict[Stall, int] = {}
        issued = 0
        for cycles, lost in steps:
            issued += cycles - sum(lost.values())
            for cause, count in lost.items():
                stalls[cause] = stalls.get(cause, 0) + count
        ends = ending_of(placed, mispredict_cycles=0)
        return Price(
            instructions=len(placed),
            cycles=issued + sum(stalls.values()),
            ends=ends,
            issue_cycles=issued,
            stalls=MappingProxyType(stalls),
            taken_cycles=REFILL_CYCLES.get(ends.exit, 0),
        )

    def explain(self, block: Block, before: Block | None, taken: bool) -> tuple[Step, ...]:
        """The same, instruction by instruction; an instruction that takes several cycles stalls the next one."""
        placed, steps, blockers = self._run(block, before, taken)
        explained = []
        at = 0
        for one, (cycles, lost), blocker in zip(placed, steps, blockers, strict=True):
            in_front = sum(count for cause, count in lost.items() if cause in _IN_FRONT)
            explained.append(Step(one.address, one.code, at + in_front, 0, MappingProxyType(lost), blocker))
            at += cycles
        return tuple(explained)

    def cycles_of_run(self, blocks: Sequence[tuple[Block, bool]]) -> int:
        """Cycles of blocks in the order they ran, each with whether it was jumped to, without cutting at edges."""
        pipe = _Pipe()
        cycles = it_state = 0
        for block, taken in blocks:
            placed = decode_block(block, 0 if taken else it_state)
            it_state = it_state_after(placed, 0 if taken else it_state)
            if taken:
                cycles += sum(pipe.refill(placed[0]).values())
            cycles += sum(pipe.step(one) for one in placed)
        return cycles

    def _run(
        self, block: Block, before: Block | None, taken: bool
    ) -> tuple[tuple[Placed, ...], list[tuple[int, dict[Stall, int]]], list[str]]:
        pipe = _Pipe()
        it_state = 0
        if before is not None:
            earlier = decode_block(before)
            for one in earlier:
                pipe.step(one)
            it_state = 0 if taken else it_state_after(earlier)
        placed = decode_block(block, it_state)
        steps: list[tuple[int, dict[Stall, int]]] = []
        blockers: list[str] = []
        for one in placed:
            first: dict[Stall, int] = pipe.refill(one) if taken and not steps else {}
            cycles = pipe.step(one) + sum(first.values())
            steps.append((cycles, first | pipe.stalls))
            blockers.append(pipe.blocker)
        return placed, steps, blockers
