# SPDX-License-Identifier: Apache-2.0
"""The pipeline of the Cortex-M7: in order, two slots a cycle, results forwarded as in ``cortex_m7_tables``.

Instructions are issued greedily: each in the first cycle, no earlier than the one before it, in which its bytes are
fetched, its operands come in time, and a slot is free that the pairing rules allow.

Against silicon: ten AES functions that jnk0le measured on an STM32H743 (tables in tightly coupled memory) come out 3 to
6 cycles below his totals, which hold the call; a further round costs exactly what he measured (27, 27, 39, 38 cycles).
None of these totals leaves room for a wrong prediction at the end of their loops of 9 or 13 rounds. What rescheduling
gained two number-theoretic transforms on an STM32F767 (eprint 2025/366: factors of 1.69 and 1.97) comes out as 1.68 and
1.97, and for a Keccak permutation as 1.09 instead of 1.05.

Not modelled: stalls of the store buffer (byte stores every cycle, unaligned stores), pairs of loads whose banks are not
known here, floating-point operations that a multiply-accumulate delays, the stall of LDM and STM in code of 32-bit
instructions alone, refills after barriers, early end of divides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlperf_tiny.runners.emulator.timing.cores.class_costs import ClassCosts, costs_by_kind
from mlperf_tiny.runners.emulator.timing.cores.cortex_m7_tables import (
    BASE_TO_EARLY_ALU,
    EARLY_ALU_LATENCY,
    FLAGS_EARLY_CYCLES,
    LATENCY,
    MAX_CONDITION_CYCLES,
    MISPREDICT_CYCLES,
    MISPREDICT_CYCLES_FLAGS_EARLY,
    STORE_TO_LOAD_CYCLES,
    dual_issue_hazard,
    extracts,
    issue_cycles_of,
    same_bank,
)
from mlperf_tiny.runners.emulator.timing.cores.fetch_queue import FetchQueue
from mlperf_tiny.runners.emulator.timing.cores.pipeline import Issue, Pipe, PipelineModel, Wait, terminator_of
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

# Sources: ``cores.class_costs``.
CLASS_COSTS = ClassCosts(
    data=0.6,
    others=costs_by_kind(
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

_LOADED = (ProducerStage.LOADED_WORD, ProducerStage.LOADED_PART, ProducerStage.FP_LOADED)
_ADDRESS = (ConsumerStage.ADDRESS, ConsumerStage.INDEX)
_LONG = (InsnKind.LOAD_MULTIPLE, InsnKind.STORE_MULTIPLE)
_PAIR_WORDS = 2
_FULL = "both slots taken"


@dataclass(frozen=True)
class _Result:
    """A register's value on its way: from when, from where, under which IT condition."""

    issued: int
    producer: ProducerStage
    early: bool
    condition: int | None
    shifter: bool


@dataclass
class _Pipe(Pipe):
    """As constructed nothing is in it; the first instruction is issued in cycle 0. ``cycle`` is the last busy one."""

    cycle: int = -1
    group: list[DecodedInsn] = field(default_factory=list)
    results: dict[int, _Result] = field(default_factory=dict)
    stores: dict[tuple[int, int, int], int] = field(default_factory=dict)
    queue: FetchQueue = field(default_factory=FetchQueue)

    def step(self, decoded: DecodedInsn) -> Issue:
        wait = self._wait(decoded)
        hazard = self._pairing_hazard(decoded)
        if not hazard and wait.until <= self.cycle:
            issue = Issue(self.cycle, 1, {}, "")
        else:
            issue = self._in_new_cycle(wait, hazard)
        self._record(decoded, issue)
        return issue

    def jump(self) -> None:
        self.queue.jump()

    def flags_at(self) -> int | None:
        flags = self.results.get(FLAGS)
        return None if flags is None else flags.issued

    def _in_new_cycle(self, wait: Wait, hazard: str) -> Issue:
        at = max(self.cycle + 1, wait.until)
        lost = at - self.cycle - 1
        blocker = wait.what if wait.until > self.cycle else hazard if hazard != _FULL else ""
        issue = Issue(at, 0, {wait.cause: lost} if lost else {}, blocker if self.cycle >= 0 else "")
        self.cycle, self.group = at, []
        return issue

    def _wait(self, decoded: DecodedInsn) -> Wait:
        wait = Wait()
        operation = decoded.operation
        wait.longer(self.queue.arrival(decoded.address, len(decoded.code)), Stall.FETCH, "fetch")
        stored = 0
        for register, consumer in operation.consumes:
            result = self.results.get(register)
            late = 0
            if consumer in (ConsumerStage.STORED, ConsumerStage.FP_STORED):
                late, stored = stored // _PAIR_WORDS, stored + 1
            if result is None:
                continue
            until = result.issued + _latency(result, register, consumer, operation) - late
            wait.longer(until, _cause(result, consumer), register_name(register))
        key = _store_key(operation)
        if operation.kind is InsnKind.LOAD and key is not None and key in self.stores:
            wait.longer(self.stores[key] + STORE_TO_LOAD_CYCLES, Stall.MEMORY, "store of the same word")
        return wait

    def _pairing_hazard(self, decoded: DecodedInsn) -> str:
        if len(self.group) != 1:
            return _FULL
        older, younger = self.group[0], decoded
        reason = dual_issue_hazard(older.operation, younger.operation)
        if not reason and older.operation.kind is InsnKind.LOAD is younger.operation.kind:
            collide = same_bank(older.operation, younger.operation, older.address, younger.address)
            reason = "two loads from one bank" if collide else ""
        return reason

    def _record(self, decoded: DecodedInsn, issue: Issue) -> None:
        operation = decoded.operation
        self.queue.issued(issue.cycle)
        early = self._uses_early_alu(operation, issue)
        extra = issue_cycles_of(operation) - 1
        loaded = 0
        for register, producer in operation.produces:
            available = issue.cycle
            if producer in _LOADED and operation.kind is InsnKind.LOAD_MULTIPLE:
                available, loaded = issue.cycle + loaded // _PAIR_WORDS, loaded + 1
            elif operation.kind not in _LONG:
                available += extra
            condition = operation.condition
            self.results[register] = _Result(available, producer, early, condition, operation.shifter)
            self.stores = {key: at for key, at in self.stores.items() if key[0] != register}
        self.group.append(decoded)
        key = _store_key(operation)
        if operation.kind is InsnKind.STORE and key is not None:
            self.stores[key] = issue.cycle
        if extra:
            cause = Stall.MEMORY if operation.memory is not None else Stall.MULTI_CYCLE
            issue.stalls[cause] = extra
            self.cycle += extra

    def _uses_early_alu(self, operation: Operation, issue: Issue) -> bool:
        """Whether the early ALU does it: then its result is there a cycle sooner."""
        if operation.shifter or operation.condition is not None:
            return False
        if operation.kind is InsnKind.SHIFT:
            beside = self.group[0].operation if issue.slot else None
            if beside is not None and (beside.shifter or extracts(beside)):
                return False
        elif operation.kind is not InsnKind.ADD_MOVE or issue.slot:
            return False
        for register, _ in operation.consumes:
            result = self.results.get(register)
            if result is None:
                continue
            base = result.producer is ProducerStage.BASE and operation.kind is InsnKind.ADD_MOVE
            latency = BASE_TO_EARLY_ALU if base else _latency(result, register, ConsumerStage.EARLY, operation)
            if issue.cycle < result.issued + latency:
                return False
        return True


def _latency(result: _Result, register: int, consumer: ConsumerStage, insn: Operation) -> int:
    if register == FLAGS:
        cycles = LATENCY[result.producer][ConsumerStage.CONDITION]
        return max(cycles, 2) if result.shifter else cycles
    row = EARLY_ALU_LATENCY if result.early and result.producer is ProducerStage.ALU else LATENCY[result.producer]
    cycles = row[consumer]
    if result.condition is not None and result.condition != insn.condition:
        return max(cycles, min(MAX_CONDITION_CYCLES, cycles + 1))
    return cycles


def _cause(result: _Result, consumer: ConsumerStage) -> Stall:
    if result.producer in _LOADED:
        return Stall.LOAD_USE
    return Stall.ADDRESS if consumer in _ADDRESS else Stall.RESULT


def _store_key(operation: Operation) -> tuple[int, int, int] | None:
    """Base, offset and size of an access with a constant offset; None for every other one."""
    memory = operation.memory
    if memory is None or memory.offset is None or memory.writes_base:
        return None
    return (memory.base, memory.offset, memory.size_bytes)


class CortexM7(PipelineModel):
    """A ``CoreModel`` (``timing/decode/core_model.py``). Every branch is taken to be predicted."""

    name = "cortex-m7"
    version = "1"
    pipe = _Pipe

    def terminator(
        self, decoded: tuple[DecodedInsn, ...], issues: Sequence[Issue], flags_at: int | None
    ) -> BlockTerminator:
        """A wrong prediction costs less where the flags of a conditional branch were set early.

        Args:
            decoded: The instructions of the block.
            issues: When each was issued.
            flags_at: The cycle in which the flags were last set; None: not in this run.
        """
        mispredict = MISPREDICT_CYCLES
        if decoded and decoded[-1].operation.branch is BranchKind.CONDITIONAL and not decoded[-1].operation.consumes:
            early = flags_at is None or issues[-1].cycle - flags_at >= FLAGS_EARLY_CYCLES
            mispredict = MISPREDICT_CYCLES_FLAGS_EARLY if early else MISPREDICT_CYCLES
        return terminator_of(decoded, mispredict)
