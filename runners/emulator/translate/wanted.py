# SPDX-License-Identifier: Apache-2.0
"""A unit that a board wants, has, or wants again with more effort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlperf_tiny.runners.emulator.translate.guest.blocks import GuestFunction
from mlperf_tiny.runners.emulator.translate.worker import Order

# A unit that has run so many instructions is made again with more effort.
WORTH_MORE_INSTRUCTIONS = 20_000_000
# LLVM's time grows faster than a unit does. Large ones, which are seldom hot throughout, stay as they are.
LARGE_BLOCKS = 100
_INSTRUCTION_BYTES = 3  # about, on average


@dataclass(kw_only=True)
class Wanted:
    """What was wanted, and what came of it."""

    function: GuestFunction
    """The function."""
    root: int
    """Where the unit begins."""
    order: Order
    """Makes it."""
    executions: npt.NDArray[np.int64] | None = None
    """How often each of its edges has run, once it is used."""

    def is_worth_more(self) -> bool:
        """Whether it has run so much that it is to be made again."""
        unit = self.order.unit
        if unit is None or self.executions is None or not unit.is_quick or len(unit.blocks) > LARGE_BLOCKS:
            return False
        sizes = np.array([unit.blocks[number][1] for number in unit.targets], np.int64)
        return int(self.executions @ sizes) >= WORTH_MORE_INSTRUCTIONS * _INSTRUCTION_BYTES
