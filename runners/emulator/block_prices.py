# SPDX-License-Identifier: Apache-2.0
"""The table of block prices: filled when a block is first seen, read by the compiled block hook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from runners.emulator.layout import (
    BLOCKS,
    ROW_CYCLES,
    ROW_EXECUTIONS,
    ROW_INSTRUCTIONS,
    ROW_KEY,
    ROW_TAKEN_CYCLES,
    ROW_WORDS,
    TABLE,
    TABLE_ROWS,
    State,
    block_key,
)
from runners.emulator.native import find_row
from runners.emulator.thumb import branches_to_itself
from runners.emulator.timing import BlockCostFn

# Open addressing gets slow when nearly full; clearing the table only costs the prices worked out again.
MOST_BLOCKS = TABLE_ROWS * 3 // 4


class BlockPrices:
    """``code`` reads guest memory: (address, size in bytes) -> bytes."""

    def __init__(self, state: State, block_cost: BlockCostFn, code: Callable[[int, int], bytes]) -> None:
        self._state, self._block_cost, self._code = state, block_cost, code
        self._cleared: Counter[tuple[int, int]] = Counter()

    def add(self, address: int, size_bytes: int) -> bool:
        """Price one block. False when the block is a branch to itself, which would never end."""
        code = self._code(address, size_bytes)
        if branches_to_itself(code):
            return False
        state = self._state
        if state[BLOCKS] >= MOST_BLOCKS:
            self._clear()
        cost = self._block_cost(code, address)
        key = block_key(address, size_bytes)
        row = find_row(state, key)
        state[row + ROW_INSTRUCTIONS] = cost.instructions
        state[row + ROW_CYCLES] = cost.cycles
        state[row + ROW_TAKEN_CYCLES] = cost.taken_cycles
        state[row + ROW_EXECUTIONS] = 0
        state[row + ROW_KEY] = key
        state[BLOCKS] += 1
        return True

    def executions(self) -> dict[tuple[int, int], int]:
        """How often each block ran."""
        return dict(self._cleared + self._counted())

    def _counted(self) -> Counter[tuple[int, int]]:
        rows = self._state[TABLE:].reshape(TABLE_ROWS, ROW_WORDS)
        used = rows[rows[:, ROW_KEY] != 0]
        return Counter({(int(row[ROW_KEY]) >> 11, int(row[ROW_KEY]) & 0x7FF): int(row[ROW_EXECUTIONS]) for row in used})

    def _clear(self) -> None:
        self._cleared += self._counted()
        self._state[TABLE:] = 0
        self._state[BLOCKS] = 0
