# SPDX-License-Identifier: Apache-2.0
"""The Cortex-M7's branch prediction, compiled: a branch target address cache with a counter for each branch.

The core's reference manual (DDI 0489) names such a cache, which holds "branch predictor state and target address", and
no return stack; it gives neither its size nor its policy. 64 entries is the size often quoted. The rest is the
simplest that fits: placed by address, a two-bit counter; a branch that is not in it is predicted as not taken, a return
as going where it went last.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import BTAC_ROWS, Record


@compiled
def mispredicted(s: Record, branch: int, taken: bool, target: int) -> bool:
    """Return whether a branch was mispredicted, and update the prediction with what it did.

    Args:
        s: The shared state.
        branch: The address after the branch.
        taken: Whether it was taken.
        target: Where it went.
    """
    entry = s.btac[branch >> 1 & (BTAC_ROWS - 1)]
    if entry.branch != branch:
        if taken:
            entry.branch = branch
            entry.counter = 2
            entry.target = target
        return taken
    # No branch of the host's depends on whether this one was taken: it would be mispredicted as often.
    counter, former = entry.counter, entry.target
    entry.counter = min(counter + 1, 3) if taken else max(counter - 1, 0)
    entry.target = target if taken else former
    return ((counter >= 2) ^ taken) | (taken & (former != target))
