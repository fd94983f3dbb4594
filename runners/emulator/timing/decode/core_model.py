# SPDX-License-Identifier: Apache-2.0
"""The interface of a pipeline model: the cost of a code block on one edge of the control flow.

A block's cycles depend on what the pipeline still holds when it starts, so a cost belongs to an edge:
``cost(block, before, taken)``. The model runs ``before`` from a neutral state, then ``block``, and the cost is the
difference; pending loads, half-filled issue groups and loop back-edges (``before == block``) thus carry over one block.
The emulator adds the costs of the edges it runs over; nothing is computed per instruction at run time.

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
    """Thumb-2 code up to and including the instruction that ends it; no branch in the middle."""

    address: int
    """Of its first instruction, without the Thumb bit."""
    code: bytes
    """Its bytes."""

    @property
    def end(self) -> int:
        """The address after the block."""
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
    """The end of a block."""

    branch: BranchKind
    """How control leaves the block."""
    conditional: bool = False
    """Whether it may fall through; also true for an indirect branch or return inside IT."""
    target: int | None = None
    """The address a direct branch goes to, without the Thumb bit; None for others."""
    mispredict_cycles: int = 0
    """Added by the emulator each time it mispredicts this branch; 0 on a core that does not predict."""


@dataclass(frozen=True, kw_only=True)
class BlockCost:
    """What running a block once over one edge adds: ``cycles == issue_cycles + sum(stalls.values())``."""

    instructions: int
    """Instructions executed; exact."""
    cycles: int
    """Core cycles; 0 for a short block that is issued wholly together with the instructions before it."""
    terminator: BlockTerminator
    """How the block ends."""
    issue_cycles: int = 0
    """Cycles in which an instruction was issued."""
    stalls: Mapping[Stall, int] = field(default_factory=lambda: MappingProxyType({}))
    """Cycles in which none was, by cause."""
    taken_cycles: int = 0
    """What a taken branch at the end costs at a word-aligned target. The edge into the successor includes it already
    (see the module): it is for reports, and not to be added to costs of edges."""


@dataclass(frozen=True, kw_only=True)
class IssuedInsn:
    """One instruction of an explained block: when it was issued, and what held it up."""

    address: int
    """Of the instruction."""
    code: bytes
    """Its bytes."""
    cycle: int
    """Of its issue, from the end of the block before: usually 0 for the first instruction, negative when that was
    issued together with the last one of the block before."""
    slot: int
    """0, or 1 for the younger of a pair."""
    stalls: Mapping[Stall, int]
    """Cycles lost before it, and those beyond the first that it takes for itself."""
    blocker: str = ""
    """The register whose value it waited for, such as ``"r3"``, or the hazard that kept it from being issued
    together with the instruction before it."""


class CoreModel(Protocol):
    """A pipeline model. Pure: the same arguments give the same cost. Not cached; the emulator keeps costs."""

    name: str
    """The core, such as ``"cortex-m7"``."""
    version: str
    """Changes whenever a cost may change."""

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
