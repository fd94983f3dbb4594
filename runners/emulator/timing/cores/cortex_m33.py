# SPDX-License-Identifier: Apache-2.0
"""The pipeline of the Cortex-M33: in order, one instruction a cycle, and a few pairs of 16-bit ones.

Source: pipeline measurements of an RP2350 by jnk0le, unless noted. Memory answers at once.

============================================================  ====================================================
what                                                          cycles
============================================================  ====================================================
ALU result                                                    1
... with an in-line shifted operand or rotated constant       2; to an accumulator 1
multiply; extension with addition                             2; to an accumulator, or the addend of an extension
                                                              with addition, 1
load result                                                   2; to an accumulator 1, to store data 1
LDM, STM of n words; LDRD, STRD                               n; 2
MULS, and flags from a rotated constant                       hold the pipe for 2
flags from a shifted register                                 a cycle later than others
branch not taken after a 16-bit instruction                   0
branch taken after one that sets no flags                     1; any other taken branch to a fixed address 2
IT                                                            0
NOP before a 16-bit ALU operation, load or store              0
VFMA, VMLA                                                    1, result 3; no floating point for 2 more cycles
divide                                                        7: assumed, as in the Cortex-M4
branch by register, PC loaded                                 refill of 2: assumed, as in the Cortex-M4
VDIV, VSQRT; other floating point                             14; 1: assumed, as in the Cortex-M4
============================================================  ====================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mlperf_tiny.runners.emulator.timing.cores.pipeline import Issue, Pipe, PipelineModel, Wait, is_float
from mlperf_tiny.runners.emulator.timing.decode.core_model import BlockTerminator, BranchKind, Stall
from mlperf_tiny.runners.emulator.timing.decode.operation import (
    FLAGS,
    ConsumerStage,
    DecodedInsn,
    InsnKind,
    Operation,
    ProducerStage,
    register_name,
)

REFILL_CYCLES = {
    BranchKind.CONDITIONAL: 1,
    BranchKind.UNCONDITIONAL: 1,
    BranchKind.CALL: 1,
    BranchKind.INDIRECT: 2,
    BranchKind.RETURN: 2,
}
# Cycles from issue to issue: of a result of the second stage, of a load, of a floating-point product.
SECOND_STAGE_CYCLES = 2
LOADED_CYCLES = 2
FP_PRODUCT_CYCLES = 3

_LENGTH = {
    InsnKind.DIVIDE: 7,
    InsnKind.SYSTEM: 2,
    InsnKind.EXCLUSIVE: 2,
    InsnKind.FLUSH: 3,
    InsnKind.FP_DIVIDE: 14,
    InsnKind.FP_ROOT: 14,
}
_LOADED = (ProducerStage.LOADED_WORD, ProducerStage.LOADED_PART, ProducerStage.FP_LOADED)
_FP_PRODUCTS = (InsnKind.FP_MAC, InsnKind.FP_FUSED)
_ADDRESS = (ConsumerStage.ADDRESS, ConsumerStage.INDEX)
_PAIRS_WITH_NOP = (InsnKind.ADD_MOVE, InsnKind.LOGIC, InsnKind.SHIFT, InsnKind.EXTEND, InsnKind.LOAD, InsnKind.STORE)


def _adds_extended(operation: Operation) -> bool:
    return operation.kind is InsnKind.EXTEND and any(
        consumer is ConsumerStage.EARLY for _, consumer in operation.consumes
    )


@dataclass(frozen=True)
class _Result:
    """A register's value on its way; ``late``: made in the second stage."""

    issued: int
    producer: ProducerStage
    late: bool
    of_shifted_register: bool


@dataclass
class _Pipe(Pipe):
    cycle: int = -1
    group: list[Operation] = field(default_factory=list)
    results: dict[int, _Result] = field(default_factory=dict)
    refill: int = 0
    float_from: int = 0

    def step(self, decoded: DecodedInsn) -> Issue:
        operation = decoded.operation
        if self.refill:
            lost, self.refill, self.group = {Stall.BRANCH: self.refill}, 0, []
            self.cycle += lost[Stall.BRANCH]
        else:
            lost = {}
        wait = self._wait(operation)
        if wait.until <= self.cycle and self._can_pair(operation):
            issue = Issue(self.cycle, 1, lost)
        else:
            at = max(self.cycle + 1, wait.until)
            if at > self.cycle + 1:
                lost[wait.cause] = lost.get(wait.cause, 0) + at - self.cycle - 1
            issue = Issue(at, 0, lost, wait.what if wait.until > self.cycle + 1 else "")
            self.cycle, self.group = at, []
        self._record(operation, issue)
        return issue

    def jump(self) -> None:
        last = self.group[-1] if self.group else None
        branch = last.branch if last is not None else None
        beside = len(self.group) > 1
        self.refill = REFILL_CYCLES[branch or BranchKind.CONDITIONAL]
        if beside and self.group[0].sets_flags:
            self.refill += 1

    def _can_pair(self, operation: Operation) -> bool:
        if len(self.group) != 1:
            return False
        older = self.group[0]
        if operation.kind is InsnKind.IF_THEN:
            return True
        if older.size_bytes != 2 or operation.size_bytes != 2:
            return False
        branches = operation.kind is InsnKind.BRANCH and operation.branch in (
            BranchKind.CONDITIONAL,
            BranchKind.UNCONDITIONAL,
        )
        return branches or (older.kind is InsnKind.NOP and operation.kind in _PAIRS_WITH_NOP)

    def _wait(self, operation: Operation) -> Wait:
        wait = Wait()
        if is_float(operation):
            wait.longer(self.float_from, Stall.RESULT, "floating-point product")
        for register, consumer in operation.consumes:
            result = self.results.get(register)
            if result is None:
                continue
            cause = Stall.ADDRESS if consumer in _ADDRESS else Stall.RESULT
            cause = Stall.LOAD_USE if result.producer in _LOADED else cause
            wait.longer(result.issued + _latency(result, register, consumer, operation), cause, register_name(register))
        return wait

    def _record(self, operation: Operation, issue: Issue) -> None:
        late = operation.shifter or operation.kind is InsnKind.MULTIPLY or _adds_extended(operation)
        shifted = operation.shifter and any(consumer is ConsumerStage.EARLY for _, consumer in operation.consumes)
        extra = _extra_cycles(operation, shifted)
        loaded = 0
        for register, producer in operation.produces:
            available = issue.cycle + extra
            if operation.kind is InsnKind.LOAD_MULTIPLE:  # one word a cycle, first register first; the base at once
                available = issue.cycle + loaded
                loaded += producer in _LOADED
            self.results[register] = _Result(available, producer, late, shifted)
        self.group.append(operation)
        if operation.kind in _FP_PRODUCTS:
            self.float_from = issue.cycle + FP_PRODUCT_CYCLES
        if extra:
            cause = Stall.MEMORY if operation.memory is not None else Stall.MULTI_CYCLE
            issue.stalls[cause] = issue.stalls.get(cause, 0) + extra
            self.cycle += extra


def _extra_cycles(operation: Operation, shifted_register: bool) -> int:
    memory = operation.memory
    if operation.kind in (InsnKind.LOAD_MULTIPLE, InsnKind.STORE_MULTIPLE) and memory is not None:
        return max(memory.words, 1) - 1
    if operation.kind is InsnKind.TABLE_BRANCH:
        return 1
    if operation.sets_flags and (operation.kind is InsnKind.MULTIPLY or (operation.shifter and not shifted_register)):
        return 1
    return _LENGTH.get(operation.kind, 1) - 1


def _latency(result: _Result, register: int, consumer: ConsumerStage, insn: Operation) -> int:
    if result.producer in _LOADED:
        return (
            1
            if consumer in (ConsumerStage.ACCUMULATOR, ConsumerStage.STORED, ConsumerStage.FP_STORED)
            else LOADED_CYCLES
        )
    if result.producer in (ProducerStage.FP_PRODUCT, ProducerStage.FP_FUSED):
        return FP_PRODUCT_CYCLES
    if register == FLAGS:
        return 2 if result.of_shifted_register else 1
    if not result.late or consumer is ConsumerStage.STORED:
        return 1
    chained = consumer is ConsumerStage.ACCUMULATOR or (consumer is ConsumerStage.BESIDE_EARLY and _adds_extended(insn))
    return 1 if chained else SECOND_STAGE_CYCLES


class CortexM33(PipelineModel):
    """A ``CoreModel`` (``timing/decode/core_model.py``) without branch prediction."""

    name = "cortex-m33"
    version = "1"
    pipe = _Pipe

    def taken_cycles(self, terminator: BlockTerminator) -> int:
        """The refill of a branch that was issued alone."""
        return REFILL_CYCLES.get(terminator.branch, 0)
