# SPDX-License-Identifier: Apache-2.0
"""How a decoded block ends."""

from __future__ import annotations

from runners.emulator.timing.core_model import Ending, Exit
from runners.emulator.timing.operation import Placed


def ending_of(placed: tuple[Placed, ...], mispredict_cycles: int) -> Ending:
    """The ending of a block; ``mispredict_cycles`` counts only for endings a core has to predict."""
    if not placed or placed[-1].operation.exit is None:
        return Ending(Exit.FALL_THROUGH)
    last = placed[-1]
    operation = last.operation
    assert operation.exit is not None
    target = None if operation.target_offset is None else last.address + operation.target_offset
    conditional = operation.may_fall_through
    leaves = operation.exit
    if conditional and leaves is Exit.UNCONDITIONAL:
        leaves = Exit.CONDITIONAL
    always_right = leaves in (Exit.UNCONDITIONAL, Exit.CALL) and not conditional
    return Ending(leaves, conditional, target, 0 if always_right else mispredict_cycles)
