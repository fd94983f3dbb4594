# SPDX-License-Identifier: Apache-2.0
"""The Cortex-M7's branch prediction, compiled: a branch target address cache with a counter for each branch.

The core's reference manual (DDI 0489) names such a cache, which holds "branch predictor state and target address", and
no return stack; it gives neither its size nor its policy. 64 entries is the figure often quoted. The rest is the
simplest that fits: placed by address, a two-bit counter, a branch that is not in it is guessed as not taken, a return
is guessed to go where it went last.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import (
    BTAC,
    BTAC_BRANCH,
    BTAC_COUNTER,
    BTAC_ROWS,
    BTAC_TARGET,
    BTAC_WORDS,
    State,
)


@compiled
def mispredicted(s: State, branch: int, taken: bool, target: int) -> bool:
    """Whether the branch in front of address ``branch`` was guessed wrong; what it did is learnt."""
    entry = BTAC + (branch >> 1 & (BTAC_ROWS - 1)) * BTAC_WORDS
    known = s[entry + BTAC_BRANCH] == branch
    guess = known and s[entry + BTAC_COUNTER] >= 2
    wrong = guess != taken or (taken and s[entry + BTAC_TARGET] != target)
    if taken:
        if not known:
            s[entry + BTAC_BRANCH] = branch
            s[entry + BTAC_COUNTER] = 2
        elif s[entry + BTAC_COUNTER] < 3:
            s[entry + BTAC_COUNTER] += 1
        s[entry + BTAC_TARGET] = target
    elif known and s[entry + BTAC_COUNTER] > 0:
        s[entry + BTAC_COUNTER] -= 1
    return wrong
