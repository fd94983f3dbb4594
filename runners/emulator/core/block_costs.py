# SPDX-License-Identifier: Apache-2.0
"""The table of costs: filled when a block first follows another, read by the compiled block hook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlperf_tiny.runners.emulator.native.entry_points import find_row
from mlperf_tiny.runners.emulator.native.state import (
    BLOCK_BITS,
    CONDITIONAL,
    EDGE_ROWS,
    MAX_BLOCKS,
    TRANSLATED,
    State,
    block_before,
    edge_rest,
    number_before,
)
from mlperf_tiny.runners.emulator.timing.decode.core_model import (
    Block,
    BlockCost,
    BlockTerminator,
    BranchKind,
    Stall,
)
from mlperf_tiny.runners.emulator.timing.decode.thumb import branches_to_itself, may_hold_it
from mlperf_tiny.runners.emulator.timing.levels import CostModel

# Open addressing gets slow when nearly full; after the table is cleared the costs are only computed again.
MAX_EDGES = EDGE_ROWS * 3 // 4

_STALLS = tuple(Stall)
_NO_BRANCH = BlockTerminator(BranchKind.FALL_THROUGH)


def parts_of(cost: BlockCost) -> tuple[int, ...]:
    """Issue cycles, then stalls by cause, in the order of ``Stall``."""
    return (cost.issue_cycles, *(cost.stalls.get(stall, 0) for stall in _STALLS))


@dataclass(frozen=True, kw_only=True)
class Counters:
    """Edges that a translation counts by itself."""

    executions: npt.NDArray[np.int64]
    """How often each ran; the translation writes here."""
    blocks: tuple[tuple[int, int], ...]
    """The (address, size in bytes) of the block that each leads to."""
    parts: npt.NDArray[np.int64]
    """``parts_of`` the cost of each."""


class BlockCosts:
    """``code`` reads guest memory: (address, size in bytes) -> bytes."""

    def __init__(self, state: State, cost_model: CostModel, code: Callable[[int, int], bytes]) -> None:
        self._state, self._cost_model, self._code = state, cost_model, code
        self._rows = state.array["edges"][0]
        # Block 0 is "unknown". A block's number outlives the rows of the table.
        self._blocks: list[Block | None] = [None]
        # None: of a block that has run in a translation only.
        self._terminators: list[BlockTerminator | None] = [_NO_BRANCH]
        self.mispredict_cycles: npt.NDArray[np.int64] = np.zeros(MAX_BLOCKS, np.int64)
        """What it costs to mispredict the branch of each block, by its number, and 1 more; 0: it has not run yet.
        The edge on which a block runs first decides."""
        self._counters: list[Counters] = []
        self._numbers: dict[tuple[int, int], int] = {}
        self._cleared: Counter[tuple[int, int]] = Counter()
        # Of each row of the table: issue cycles, then stalls by cause, of one execution.
        self._parts: npt.NDArray[np.int64] = np.zeros((EDGE_ROWS, 1 + len(_STALLS)), np.int64)
        self._cleared_parts: npt.NDArray[np.int64] = np.zeros(1 + len(_STALLS), np.int64)
        self._used: list[int] = []
        self._translated: set[int] = set()

    def add(self, address: int, size_bytes: int, may_be_interrupted: bool = False) -> bool:
        """Compute the cost of a block after the one that ran last, and put it into the table.

        Args:
            address: Of the block.
            size_bytes: Of the block.
            may_be_interrupted: Whether an interrupt could end a branch to itself.

        Returns:
            False for a branch to itself that would never end.
        """
        code = self._code(address, size_bytes)
        if not may_be_interrupted and branches_to_itself(code):
            return False
        state = self._state
        if state.core.edges >= MAX_EDGES:
            self._clear()
        taken = bool(state.core.next_address != address)
        before = number_before(state.core.before)
        block = Block(address, code)
        cost = self._cost_model.cost(block, self._blocks[before], taken)
        rest = edge_rest(taken, address, size_bytes)
        place = int(find_row(state, state.core.before, rest))
        row = state.edges[place]
        row.instructions = cost.instructions
        row.cycles = cost.cycles
        row.executions = 0
        row.before = block_before(self._number(block, cost.terminator)) if self._cost_model.by_edge else 0
        ends_in_branch = self._terminator(before).branch is not BranchKind.FALL_THROUGH
        row.ends_in_branch = ends_in_branch and state.core.predicts_branches
        row.mispredict_cycles = max(int(self.mispredict_cycles[before]) - 1, 0)
        row.marks = CONDITIONAL * may_hold_it(code) | TRANSLATED * (address in self._translated)
        row.key = state.core.before & BLOCK_BITS | rest
        self._parts[place] = parts_of(cost)
        self._used.append(place)
        state.core.edges += 1
        return True

    def executions(self) -> dict[tuple[int, int], int]:
        """How often each block ran."""
        return dict(self._cleared + self._counted() + self._counted_elsewhere())

    def parts(self) -> tuple[int, dict[str, int]]:
        """Cycles in which instructions were issued, and cycles lost in the pipeline by cause, since power-on."""
        total = self._cleared_parts + self._summed_parts()
        for counters in self._counters:
            total = total + counters.executions @ counters.parts
        issue, *stalls = (int(cycles) for cycles in total)
        return issue, {stall.value: cycles for stall, cycles in zip(_STALLS, stalls, strict=True)}

    def number_of(self, block: Block) -> int:
        """The number of a block, of its own from now on; 0 where there are too many."""
        key = block.address, len(block.code)
        number = self._numbers.get(key)
        if number is None:
            if len(self._blocks) == MAX_BLOCKS:
                return 0
            number = self._numbers[key] = len(self._blocks)
            self._blocks.append(block)
            self._terminators.append(None)
        return number

    def count_also(self, counters: Counters) -> None:
        """Add what a translation counts to the totals, from now on."""
        self._counters.append(counters)

    def mark(self, addresses: set[int]) -> None:
        """These are the blocks whose translations take over."""
        self._translated = addresses
        marks = self._rows["marks"]
        starts = self._rows["key"] >> 11 & 0xFFFF_FFFF
        found = np.isin(starts, np.fromiter(addresses, np.int64, len(addresses)))
        self._rows["marks"] = np.where(found, marks | TRANSLATED, marks & ~TRANSLATED)

    def hot(self) -> dict[int, int]:
        """Instructions that the engine has run, by address of the block."""
        used = self._rows[self._used]
        run: dict[int, int] = {}
        starts = used["key"] >> 11 & 0xFFFF_FFFF
        for start, count in zip(starts.tolist(), (used["executions"] * used["instructions"]).tolist(), strict=True):
            run[start] = run.get(start, 0) + count
        return run

    def _number(self, block: Block, terminator: BlockTerminator) -> int:
        number = self.number_of(block)
        if number and self._terminators[number] is None:
            self._terminators[number] = terminator
            if not self.mispredict_cycles[number]:
                self.mispredict_cycles[number] = terminator.mispredict_cycles + 1
        return number

    def _terminator(self, number: int) -> BlockTerminator:
        terminator = self._terminators[number]
        if terminator is None:
            block = self._blocks[number]
            assert block is not None
            terminator = self._terminators[number] = self._cost_model.cost(block, None, False).terminator
        return terminator

    def _counted(self) -> Counter[tuple[int, int]]:
        counted: Counter[tuple[int, int]] = Counter()
        used = self._rows[self._used]
        for key, executions in zip(used["key"].tolist(), used["executions"].tolist(), strict=True):
            counted[key >> 11 & 0xFFFF_FFFF, key & 0x7FF] += executions
        return counted

    def _counted_elsewhere(self) -> Counter[tuple[int, int]]:
        counted: Counter[tuple[int, int]] = Counter()
        for counters in self._counters:
            for block, executions in zip(counters.blocks, counters.executions.tolist(), strict=True):
                counted[block] += executions
        return counted

    def _summed_parts(self) -> npt.NDArray[np.int64]:
        summed: npt.NDArray[np.int64] = self._rows["executions"][self._used] @ self._parts[self._used]
        return summed

    def _clear(self) -> None:
        self._cleared += self._counted()
        self._cleared_parts += self._summed_parts()
        self._rows[:] = 0
        self._used.clear()
        self._state.core.edges = 0
