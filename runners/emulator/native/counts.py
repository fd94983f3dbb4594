# SPDX-License-Identifier: Apache-2.0
"""What an emulated board has done so far, and where its cycles went: the numbers a profile is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from mlperf_tiny.runners.emulator.native.state import State

MISPREDICT, FETCH, DATA, UNALIGNED = "branch mispredicted", "instruction fetch", "data read", "unaligned access"


@dataclass(frozen=True)
class Counts:
    """Totals since power-on, or of an interval (see ``since``).

    ``cycles == issue_cycles + idle_cycles + sum(stalls.values())`` in core clock cycles, and what entry to interrupts
    and return from them took; ``stalls`` by cause: those of the pipeline under the words of ``Stall``, then
    ``MISPREDICT``, ``FETCH``, ``DATA`` and ``UNALIGNED``. A block is
    counted whole as it starts. Bytes, misses and unaligned accesses are 0 below the level ``full``; a flash read is one
    by a load, not an instruction fetch, whether or not a cache answers it.
    """

    instructions: int = 0
    cycles: int = 0
    idle_cycles: int = 0
    issue_cycles: int = 0
    mispredicts: int = 0
    fetch_misses: int = 0
    data_misses: int = 0
    unaligned: int = 0
    flash_read_bytes: int = 0
    ram_read_bytes: int = 0
    ram_written_bytes: int = 0
    stalls: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def since(self, earlier: Counts) -> Counts:
        """What has been added after ``earlier``."""
        numbers = {
            one.name: getattr(self, one.name) - getattr(earlier, one.name)
            for one in fields(Counts)
            if one.name != "stalls"
        }
        stalls = {cause: count - earlier.stalls.get(cause, 0) for cause, count in self.stalls.items()}
        return Counts(**numbers, stalls=MappingProxyType(stalls))


def counts_of(state: State, issue_cycles: int, stalls: Mapping[str, int]) -> Counts:
    """Return the totals of a board.

    Args:
        state: Its native state.
        issue_cycles: Cycles in which an instruction was issued.
        stalls: Cycles lost in the pipeline, by cause.
    """
    core, losses = state.core, state.losses
    lost = {
        MISPREDICT: losses.mispredict_cycles,
        FETCH: losses.fetch_cycles,
        DATA: losses.data_cycles,
        UNALIGNED: losses.unaligned_cycles,
    }
    return Counts(
        instructions=core.instructions,
        cycles=core.cycles,
        idle_cycles=core.idle_cycles,
        issue_cycles=issue_cycles,
        mispredicts=losses.mispredicts,
        fetch_misses=losses.fetch_misses,
        data_misses=losses.data_misses,
        unaligned=losses.unaligned,
        flash_read_bytes=losses.flash_read_bytes,
        ram_read_bytes=losses.ram_read_bytes,
        ram_written_bytes=losses.ram_written_bytes,
        stalls=MappingProxyType({**stalls, **lost}),
    )
