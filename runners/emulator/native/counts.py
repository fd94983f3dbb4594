# SPDX-License-Identifier: Apache-2.0
"""What an emulated board has done so far, and where its cycles went: the numbers a profile is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from mlperf_tiny.runners.emulator.native.state import State

MISPREDICT, FETCH, DATA, UNALIGNED = "branch mispredicted", "instruction fetch", "data read", "unaligned access"


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Totals since power-on, or of an interval (see ``since``).

    A block is counted whole as it starts. Bytes, misses and unaligned accesses are 0 below the level ``full``.
    """

    instructions: int = 0
    """Executed; exact."""
    cycles: int = 0
    """Core clock cycles: ``issue_cycles + idle_cycles + sum(stalls.values())``, and interrupt entries and returns."""
    idle_cycles: int = 0
    """Skipped because the firmware only waited."""
    issue_cycles: int = 0
    """In which an instruction was issued."""
    mispredicts: int = 0
    """Branches that were mispredicted."""
    fetch_misses: int = 0
    """Lines that instruction fetch waited for."""
    data_misses: int = 0
    """Reads that waited for memory."""
    unaligned: int = 0
    """Accesses off their own alignment."""
    flash_read_bytes: int = 0
    """Read by loads, not by instruction fetch, whether or not a cache answers."""
    ram_read_bytes: int = 0
    """Read by loads."""
    ram_written_bytes: int = 0
    """Written by stores."""
    stalls: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Cycles lost by cause: the values of ``Stall``, then ``MISPREDICT``, ``FETCH``, ``DATA`` and ``UNALIGNED``."""

    def since(self, earlier: Counts) -> Counts:
        """Return what has been added after ``earlier``."""
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
