# SPDX-License-Identifier: Apache-2.0
"""What all pipeline models share: running blocks through a pipe, and turning what it issued into a price."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mlperf_tiny.runners.emulator.timing.decode.block import decode_block, it_state_after
from mlperf_tiny.runners.emulator.timing.decode.core_model import (
    Block,
    BlockCost,
    BlockTerminator,
    BranchKind,
    IssuedInsn,
    Stall,
)
from mlperf_tiny.runners.emulator.timing.decode.operation import FP_FLAGS, S0, DecodedInsn, Operation

# A block that follows itself is run until its price repeats; queues and slots settle within a few rounds.
_WARM_UP_ROUNDS = 6
_MEASURED_ROUNDS = 4


@dataclass(frozen=True)
class Issue:
    """One issued instruction. ``slot`` is 0 where it began a new cycle, 1 where it went beside the one before it.

    ``stalls`` are the cycles lost in front of it and the cycles beyond the first that it keeps for itself.
    """

    cycle: int
    slot: int
    stalls: dict[Stall, int]
    blocker: str = ""


@dataclass
class Wait:
    """The latest of the things an instruction waits for."""

    until: int = -1
    cause: Stall = Stall.RESULT
    what: str = ""

    def longer(self, until: int, cause: Stall, what: str) -> None:
        """Take note of one more thing to wait for; of equal ones the first counts.

        Args:
            until: The cycle in which it is there.
            cause: Why it takes so long.
            what: Names it in explanations.
        """
        if until > self.until:
            self.until, self.cause, self.what = until, cause, what


class Pipe(ABC):
    """The state of a pipeline. As constructed it is empty; ``cycle`` is the last busy one, -1 before the first."""

    cycle: int

    @abstractmethod
    def step(self, placed: DecodedInsn) -> Issue:
        """Issue the next instruction."""

    @abstractmethod
    def jump(self) -> None:
        """The last instruction jumped: the next one is a branch target."""

    def flags_at(self) -> int | None:
        """The cycle of the last instruction that set the flags; None when there was none or nobody asks."""
        return None


class PipelineModel(ABC):
    """A ``CoreModel`` made of a pipe."""

    name: str
    version: str

    @abstractmethod
    def new_pipe(self) -> Pipe:
        """An empty pipe."""

    @abstractmethod
    def terminator(
        self, placed: tuple[DecodedInsn, ...], issues: Sequence[Issue], flags_at: int | None
    ) -> BlockTerminator:
        """Return how the block ends, with the cost of mispredicting that.

        Args:
            placed: The instructions of the block.
            issues: When each was issued.
            flags_at: The cycle in which the flags were last set; None: not in this run.
        """

    def taken_cycles(self, terminator: BlockTerminator) -> int:
        """What a taken exit costs at a word-aligned target."""
        return 0

    def cost(self, block: Block, before: Block | None, taken: bool) -> BlockCost:
        """Return the cost of a block.

        Args:
            block: The block.
            before: The block that ran before it; None: unknown.
            taken: Whether that was left by a taken branch.
        """
        placed, _, issues, flags_at = self._run(block, before, taken)
        stalls: dict[Stall, int] = {}
        issued = 0
        for issue in issues:
            issued += issue.slot == 0
            for cause, count in issue.stalls.items():
                stalls[cause] = stalls.get(cause, 0) + count
        terminator = self.terminator(placed, issues, flags_at)
        return BlockCost(
            instructions=len(placed),
            cycles=issued + sum(stalls.values()),
            terminator=terminator,
            issue_cycles=issued,
            stalls=MappingProxyType(stalls),
            taken_cycles=self.taken_cycles(terminator),
        )

    def explain(self, block: Block, before: Block | None, taken: bool) -> tuple[IssuedInsn, ...]:
        """Return the block's instructions with their issue cycles and stalls.

        Args:
            block: The block.
            before: The block that ran before it; None: unknown.
            taken: Whether that was left by a taken branch.
        """
        placed, start, issues, _ = self._run(block, before, taken)
        return tuple(
            IssuedInsn(
                one.address, one.code, issue.cycle - start, issue.slot, MappingProxyType(issue.stalls), issue.blocker
            )
            for one, issue in zip(placed, issues, strict=True)
        )

    def cycles_of_run(self, blocks: Sequence[tuple[Block, bool]]) -> int:
        """Cycles of blocks in the order they ran, each with whether it was jumped to, without cutting at edges."""
        pipe = self.new_pipe()
        it_state = 0
        for block, taken in blocks:
            if taken:
                pipe.jump()
                it_state = 0
            placed = decode_block(block, it_state)
            it_state = it_state_after(placed, it_state)
            for one in placed:
                pipe.step(one)
        return pipe.cycle + 1

    def _run(
        self, block: Block, before: Block | None, taken: bool
    ) -> tuple[tuple[DecodedInsn, ...], int, list[Issue], int | None]:
        """The block's operations, its first own cycle, what was issued when, and when the flags were last set."""
        pipe = self.new_pipe()
        it_state = 0
        if before is not None:
            earlier = decode_block(before)
            for one in earlier:
                pipe.step(one)
            it_state = 0 if taken else it_state_after(earlier)
        if taken:
            pipe.jump()
        placed = decode_block(block, it_state)
        if block == before and taken:
            return (placed, *_settled_round(pipe, placed))
        start = pipe.cycle + 1
        issues = [pipe.step(one) for one in placed]
        return placed, start, issues, pipe.flags_at()


def _settled_round(pipe: Pipe, placed: tuple[DecodedInsn, ...]) -> tuple[int, list[Issue], int | None]:
    """A loop's round whose cycles are the nearest to the mean of its rounds."""
    rounds = []
    for _ in range(_WARM_UP_ROUNDS + _MEASURED_ROUNDS):
        start = pipe.cycle + 1
        issues = [pipe.step(one) for one in placed]
        rounds.append((pipe.cycle + 1 - start, start, issues, pipe.flags_at()))
        pipe.jump()
    rounds = rounds[_WARM_UP_ROUNDS:]
    mean = sum(cycles for cycles, *_ in rounds) / len(rounds)
    _, start, issues, flags_at = min(rounds, key=lambda one: (abs(one[0] - mean), -one[0]))
    return start, issues, flags_at


def terminator_of(placed: tuple[DecodedInsn, ...], mispredict_cycles: int) -> BlockTerminator:
    """Return the terminator of a block.

    Args:
        placed: Its instructions.
        mispredict_cycles: Counts only for branches that a core has to predict.
    """
    if not placed or placed[-1].operation.branch is None:
        return BlockTerminator(BranchKind.FALL_THROUGH)
    last = placed[-1]
    operation = last.operation
    assert operation.branch is not None
    target = None if operation.target_offset is None else last.address + operation.target_offset
    conditional = operation.may_fall_through
    branch = operation.branch
    if conditional and branch is BranchKind.UNCONDITIONAL:
        branch = BranchKind.CONDITIONAL
    always_right = branch in (BranchKind.UNCONDITIONAL, BranchKind.CALL) and not conditional
    return BlockTerminator(branch, conditional, target, 0 if always_right else mispredict_cycles)


def is_float(operation: Operation) -> bool:
    """True when floating-point registers or flags are read or written."""
    registers = [register for register, _ in (*operation.consumes, *operation.produces)]
    return any(register >= S0 or register == FP_FLAGS for register in registers)
