# SPDX-License-Identifier: Apache-2.0
"""What a pipeline model of a core tells the emulator: the price of a code block on one edge of the control flow.

A block's cycles depend on what the pipeline still holds when it starts, so a price is asked for an edge:
``cost(block, before, taken)``. The model runs ``before`` from a neutral state, then ``block``, and the price is the
difference; pending loads, half-filled issue groups and loop back-edges (``before == block``) thus carry over one block.
The emulator adds the prices of the edges it runs over; nothing is worked out per instruction at run time.

Cycles are whole core cycles, with perfect memory (every access hits, aligned) and, on cores that predict branches,
perfect prediction. What depends on data or history is the emulator's to add: cache misses, wait states, unaligned data,
``BlockTerminator.mispredict_cycles`` for each wrong prediction. On a core without prediction the refill after a taken
branch is part of the edge into the target: ``cost(target, before, taken=True).cycles`` holds it, with the target's
alignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Protocol


@dataclass(frozen=True)
class Block:
    """Thumb-2 code from ``address`` up to and including the instruction that ends it; no branch in the middle."""

    address: int
    code: bytes

    @property
    def end(self) -> int:
        """The address behind the block."""
        return self.address + len(self.code)


class Stall(Enum):
    """Why a cycle passed in which no instruction was issued."""

    LOAD_USE = "load result not there yet"
    RESULT = "result of an ALU, multiply or floating-point operation not there yet"
    ADDRESS = "address register not ready"
    MEMORY = "load/store unit busy: unpipelined access, or one of several words"
    MULTI_CYCLE = "divide, square root, barrier or other operation that holds the pipe"
    FETCH = "instructions not fetched yet: alignment of code"
    BRANCH = "refill after a taken branch"


class BranchKind(Enum):
    """How control leaves a block."""

    FALL_THROUGH = "no branch at the end"
    CONDITIONAL = "branch that may fall through (also a branch inside IT, CBZ)"
    UNCONDITIONAL = "branch to a fixed address, always taken"
    CALL = "BL to a fixed address"
    INDIRECT = "BX, BLX register, LDR PC, TBB: target in a register or in memory"
    RETURN = "BX LR, POP with PC"


@dataclass(frozen=True)
class BlockTerminator:
    """The end of a block. ``target`` is the address a direct branch goes to, without the Thumb bit.

    ``mispredict_cycles`` is added by the emulator each time its branch predictor guesses this ending wrong; 0 on a
    core that does not predict. ``conditional`` is also true for an indirect branch or return inside IT.
    """

    branch: BranchKind
    conditional: bool = False
    target: int | None = None
    mispredict_cycles: int = 0


@dataclass(frozen=True)
class BlockCost:
    """What running a block once over one edge adds.

    ``cycles`` may be 0: a short block can be issued wholly beside the instructions before it.
    ``cycles == issue_cycles + sum(stalls.values())``; an issue cycle is one in which an instruction was issued.
    ``taken_cycles`` is what a taken exit costs at a word-aligned target. The edge into the successor already holds it
    (see the module): it is for reports, and not to be added to prices of edges.
    """

    instructions: int
    cycles: int
    terminator: BlockTerminator
    issue_cycles: int = 0
    stalls: Mapping[Stall, int] = field(default_factory=lambda: MappingProxyType({}))
    taken_cycles: int = 0


@dataclass(frozen=True)
class IssuedInsn:
    """One instruction of an explained block: when it was issued, and what held it up.

    ``cycle`` counts from the end of ``before`` (first instruction usually 0; negative when it was issued beside the
    last one of ``before``). ``slot`` is 0, or 1 for the younger of a pair. ``stalls`` are the cycles lost in front of
    it and those beyond the first that it keeps for itself; ``blocker`` is the register whose value it waited for, such
    as ``"r3"``, or the rule that kept it from going beside the instruction in front of it.
    """

    address: int
    code: bytes
    cycle: int
    slot: int
    stalls: Mapping[Stall, int]
    blocker: str = ""


class CoreModel(Protocol):
    """A pipeline model. Pure: the same arguments give the same price. Not cached; the emulator keeps prices.

    ``name`` is the core (``"cortex-m7"``), ``version`` changes whenever a price may change.
    """

    name: str
    version: str

    def cost(self, block: Block, before: Block | None, taken: bool) -> BlockCost:
        """Return the cost of a block.

        Args:
            block: The block.
            before: The block that ran before it; None: unknown.
            taken: Whether that was left by a taken branch.
        """
        ...

    def explain(self, block: Block, before: Block | None, taken: bool) -> tuple[IssuedInsn, ...]:
        """Return the block's instructions with their issue cycles and stalls.

        Args:
            block: The block.
            before: The block that ran before it; None: unknown.
            taken: Whether that was left by a taken branch.
        """
        ...
