# SPDX-License-Identifier: Apache-2.0
"""What all pipeline models share: running blocks through a pipe, and turning what it issued into a cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
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

# A block that follows itself is run until its cost repeats; queues and slots settle within a few rounds.
_WARM_UP_ROUNDS = 6
_MEASURED_ROUNDS = 4


@dataclass(frozen=True)
class Issue:
    """One issued instruction."""

    cycle: int
    """The cycle in which it was issued."""
    slot: int
    """0 where it began a new cycle, 1 where it was issued together with the one before it."""
    stalls: dict[Stall, int]
    """Cycles lost before it, and those beyond the first that it takes for itself."""
    blocker: str = ""
    """The register whose value it waited for, or the hazard that kept it from being issued together."""


@dataclass
class Wait:
    """The latest of the things an instruction waits for."""

    until: int = -1
    """The cycle in which it is there."""
    cause: Stall = Stall.RESULT
    """Why it takes so long."""
    what: str = ""
    """Names it in explanations."""

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
    def step(self, decoded: DecodedInsn) -> Issue:
        """Issue the next instruction."""

    @abstractmethod
    def jump(self) -> None:
        """The last instruction jumped: the next one is a branch target."""

    def flags_at(self) -> int | None:
        """The cycle of the last instruction that set the flags; None: there was none, or the model does not use it."""
        return None


class PipelineModel:
    """A ``CoreModel`` made of a pipe."""

    name: str
    version: str
    pipe: Callable[[], Pipe]
    """Makes an empty pipe."""

    def terminator(
        self, decoded: tuple[DecodedInsn, ...], issues: Sequence[Issue], flags_at: int | None
    ) -> BlockTerminator:
        """Return how the block ends, with the cost of mispredicting that: 0 for a core that predicts nothing.

        Args:
            decoded: The instructions of the block.
            issues: When each was issued.
            flags_at: The cycle in which the flags were last set; None: not in this run.
        """
        return terminator_of(decoded, mispredict_cycles=0)

    def taken_cycles(self, terminator: BlockTerminator) -> int:
        """What a taken branch costs at a word-aligned target."""
        return 0

    def cost(self, block: Block, before: Block | None, taken: bool) -> BlockCost:
        """Return the cost of a block.

        Args:
            block: The block.
            before: The block that ran before it; None: unknown.
            taken: Whether that was left by a taken branch.
        """
        decoded, _, issues, flags_at = self._run(block, before, taken)
        stalls: dict[Stall, int] = {}
        issued = 0
        for issue in issues:
            issued += issue.slot == 0
            for cause, count in issue.stalls.items():
                stalls[cause] = stalls.get(cause, 0) + count
        terminator = self.terminator(decoded, issues, flags_at)
        return BlockCost(
            instructions=len(decoded),
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
        decoded, start, issues, _ = self._run(block, before, taken)
        return tuple(
            IssuedInsn(
                address=one.address,
                code=one.code,
                cycle=issue.cycle - start,
                slot=issue.slot,
                stalls=MappingProxyType(issue.stalls),
                blocker=issue.blocker,
            )
            for one, issue in zip(decoded, issues, strict=True)
        )

    def cycles_of_run(self, blocks: Sequence[tuple[Block, bool]]) -> int:
        """Cycles of blocks in the order they ran, each with whether it was jumped to, without cutting at edges."""
        pipe = self.pipe()
        it_state = 0
        for block, taken in blocks:
            if taken:
                pipe.jump()
                it_state = 0
            decoded = decode_block(block, it_state)
            it_state = it_state_after(decoded, it_state)
            for one in decoded:
                pipe.step(one)
        return pipe.cycle + 1

    def _run(
        self, block: Block, before: Block | None, taken: bool
    ) -> tuple[tuple[DecodedInsn, ...], int, list[Issue], int | None]:
        """The block's operations, its first own cycle, what was issued when, and when the flags were last set."""
        pipe = self.pipe()
        it_state = 0
        if before is not None:
            earlier = decode_block(before)
            for one in earlier:
                pipe.step(one)
            it_state = 0 if taken else it_state_after(earlier)
        if taken:
            pipe.jump()
        decoded = decode_block(block, it_state)
        if block == before and taken:
            return (decoded, *_settled_round(pipe, decoded))
        start = pipe.cycle + 1
        issues = [pipe.step(one) for one in decoded]
        return decoded, start, issues, pipe.flags_at()


def _settled_round(pipe: Pipe, decoded: tuple[DecodedInsn, ...]) -> tuple[int, list[Issue], int | None]:
    """A loop's round whose cycles are the nearest to the mean of its rounds."""
    rounds = []
    for _ in range(_WARM_UP_ROUNDS + _MEASURED_ROUNDS):
        start = pipe.cycle + 1
        issues = [pipe.step(one) for one in decoded]
        rounds.append((pipe.cycle + 1 - start, start, issues, pipe.flags_at()))
        pipe.jump()
    rounds = rounds[_WARM_UP_ROUNDS:]
    mean = sum(cycles for cycles, *_ in rounds) / len(rounds)
    _, start, issues, flags_at = min(rounds, key=lambda one: (abs(one[0] - mean), -one[0]))
    return start, issues, flags_at


def terminator_of(decoded: tuple[DecodedInsn, ...], mispredict_cycles: int) -> BlockTerminator:
    """Return the terminator of a block.

    Args:
        decoded: Its instructions.
        mispredict_cycles: Counts only for branches that a core has to predict.
    """
    if not decoded or decoded[-1].operation.branch is None:
        return BlockTerminator(BranchKind.FALL_THROUGH)
    last = decoded[-1]
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
