# SPDX-License-Identifier: Apache-2.0
"""The table of costs: filled when a block first follows another, read by the compiled block hook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mlperf_tiny.runners.emulator.native.entry_points import find_row
from mlperf_tiny.runners.emulator.native.state import (
    BLOCK_BITS,
    EDGE_ROWS,
    MAX_BLOCKS,
    State,
    block_before,
    edge_rest,
    number_before,
)
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block, BlockTerminator, BranchKind, Stall
from mlperf_tiny.runners.emulator.timing.decode.thumb import branches_to_itself, may_hold_it
from mlperf_tiny.runners.emulator.timing.levels import CostModel

# Open addressing gets slow when nearly full; after the table is cleared the costs are only computed again.
MAX_EDGES = EDGE_ROWS * 3 // 4

_STALLS = tuple(Stall)
_NO_BRANCH = BlockTerminator(BranchKind.FALL_THROUGH)


class BlockCosts:
    """``code`` reads guest memory: (address, size in bytes) -> bytes."""

    def __init__(self, state: State, cost_model: CostModel, code: Callable[[int, int], bytes]) -> None:
        self._state, self._cost_model, self._code = state, cost_model, code
        self._rows = state.array["edges"][0]
        # Block 0 is "unknown". A block's number outlives the rows of the table.
        self._blocks: list[Block | None] = [None]
        self._terminators: list[BlockTerminator] = [_NO_BRANCH]
        self._numbers: dict[tuple[int, int], int] = {}
        self._cleared: Counter[tuple[int, int]] = Counter()
        # Of each row of the table: issue cycles, then stalls by cause, of one execution.
        self._parts: npt.NDArray[np.int64] = np.zeros((EDGE_ROWS, 1 + len(_STALLS)), np.int64)
        self._cleared_parts: npt.NDArray[np.int64] = np.zeros(1 + len(_STALLS), np.int64)
        self._used: list[int] = []

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
        terminator = self._terminators[before]
        rest = edge_rest(taken, address, size_bytes)
        place = int(find_row(state, state.core.before, rest))
        row = state.edges[place]
        row.instructions = cost.instructions
        row.cycles = cost.cycles
        row.executions = 0
        row.before = block_before(self._number(block, cost.terminator)) if self._cost_model.by_edge else 0
        row.ends_in_branch = terminator.branch is not BranchKind.FALL_THROUGH and state.core.predicts_branches
        row.mispredict_cycles = terminator.mispredict_cycles
        row.may_be_conditional = may_hold_it(code)
        row.key = state.core.before & BLOCK_BITS | rest
        self._parts[place] = (cost.issue_cycles, *(cost.stalls.get(stall, 0) for stall in _STALLS))
        self._used.append(place)
        state.core.edges += 1
        return True

    def executions(self) -> dict[tuple[int, int], int]:
        """How often each block ran."""
        return dict(self._cleared + self._counted())

    def parts(self) -> tuple[int, dict[str, int]]:
        """Cycles in which instructions were issued, and cycles lost in the pipeline by cause, since power-on."""
        issue, *stalls = (int(cycles) for cycles in self._cleared_parts + self._summed_parts())
        return issue, {stall.value: cycles for stall, cycles in zip(_STALLS, stalls, strict=True)}

    def _number(self, block: Block, terminator: BlockTerminator) -> int:
        key = block.address, len(block.code)
        number = self._numbers.get(key)
        if number is None:
            if len(self._blocks) == MAX_BLOCKS:
                return 0
            number = self._numbers[key] = len(self._blocks)
            self._blocks.append(block)
            self._terminators.append(terminator)
        return number

    def _counted(self) -> Counter[tuple[int, int]]:
        counted: Counter[tuple[int, int]] = Counter()
        used = self._rows[self._used]
        for key, executions in zip(used["key"].tolist(), used["executions"].tolist(), strict=True):
            counted[key >> 11 & 0xFFFF_FFFF, key & 0x7FF] += executions
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
