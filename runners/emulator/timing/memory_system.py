# SPDX-License-Identifier: Apache-2.0
"""What a fetch or an access that misses costs, from the board row and the registers the firmware has written.

Structure (sizes, ways, lines) is in the board rows. Costs, none of them fitted to kernels of this project:

* Flash accelerator: a line that is not held costs the wait states (F4), on the F7's ITCM interface one more. With the
  prefetch on, the line after the last one comes for free: it is read while the last one is executed.
* Cortex-M7, AXI: a read of the flash takes its wait states + 1, and 4 cycles on the bus: 12 at 7 wait states, the
  estimate for an instruction line. Data waits for half of that: loads do not block, the critical word comes first, and
  the published layer times of a network on an F746 leave 1 to 4 cycles a line, those of others on the F767 2 to 10.
* SRAM behind AXI and AHB: 4 cycles a line, 8 for a single read past the cache (8 to 14 to the first use).
* Past caches that are off every access waits for the memory, and instructions come 8 bytes at a time: about five times
  slower from flash, as a published Dhrystone result of an F723 has it (49 DMIPS against 245).
* Tightly coupled memory, and SRAM of a Cortex-M4: no wait.
* Unaligned: Cortex-M7 +3 a load (measured by others; estimates from the manual: +1), stores free; Cortex-M4 one more
  cycle for each access it is split into.
* Stores never wait: a write buffer takes them.

Not modelled: conflicts of instruction and data reads at one flash, bank conflicts, bursts of stores that fill the
buffer, write-back of changed lines, DMA, the extra cycle of code in a Cortex-M4's SRAM.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlperf_tiny.errors import UsageError
from mlperf_tiny.firmware.boards import Board, Cache, MemorySystem

VERSION = "1"

AXI_BUS_CYCLES = 4
SRAM_LINE_CYCLES, SRAM_SINGLE_CYCLES = 4, 8

_LATENCY, _PREFETCH = 0xF, 1 << 8
_INSTRUCTION_LINES, _DATA_LINES = 1 << 9, 1 << 10
_DATA_CACHE, _INSTRUCTION_CACHE = 1 << 16, 1 << 17


@dataclass(frozen=True, kw_only=True)
class Switches:
    """What the firmware has switched on."""

    wait_states: int
    """Of the flash."""
    prefetch: bool
    """The flash accelerator reads the next line ahead."""
    accelerator: bool
    """The flash accelerator's lines of instructions."""
    accelerator_data: bool
    """Its lines of data."""
    instruction_cache: bool
    """The level 1 cache of instructions."""
    data_cache: bool
    """The level 1 cache of data."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """Addresses reached in one way."""

    first: int
    """The first address."""
    end: int
    """The address after the last one."""
    path: str
    """``tcm`` (no wait), ``cached`` (level 1 caches) or ``accelerated`` (the flash accelerator)."""
    is_flash: bool
    """Whether the bytes are those of the flash."""
    line_read: int = 0
    """Cycles of a line that is missing, read as data."""
    line_fetch: int = 0
    """The same, fetched as instructions."""
    single_read: int = 0
    """Cycles of one read past caches that are off."""
    single_fetch: int = 0
    """The same of one fetch."""


def switches(system: MemorySystem, flash_acr: int, ccr: int) -> Switches:
    """Read FLASH_ACR and the core's CCR. Where instructions and data share the accelerator, one bit is for both.

    Args:
        system: The board's memory system.
        flash_acr: FLASH_ACR.
        ccr: The core's CCR.
    """
    lines = bool(flash_acr & _INSTRUCTION_LINES)
    shared = system.accelerator.data_lines == 0
    return Switches(
        wait_states=flash_acr & _LATENCY,
        prefetch=bool(flash_acr & _PREFETCH),
        accelerator=lines,
        accelerator_data=lines if shared else bool(flash_acr & _DATA_LINES),
        instruction_cache=system.instruction_cache is not None and bool(ccr & _INSTRUCTION_CACHE),
        data_cache=system.data_cache is not None and bool(ccr & _DATA_CACHE),
    )


def memory_system_of(board: Board) -> MemorySystem:
    """The board's row; raises UsageError when it has none."""
    if board.memory_system is None:
        raise UsageError(f"there is no memory model for {board.device}; choose --timing pipeline or instructions.")
    return board.memory_system


def regions(board: Board, wait_states: int) -> tuple[Region, ...]:
    """All memories of a board with what they cost at so many wait states of the flash.

    Args:
        board: The board's row.
        wait_states: Of the flash, as FLASH_ACR has them.
    """
    system = memory_system_of(board)
    has_caches = system.data_cache is not None
    # On an F7 the accelerator sits on the instruction side's tightly coupled interface, which takes one cycle itself.
    accelerated = wait_states + has_caches
    axi = wait_states + 1 + AXI_BUS_CYCLES
    found = [_no_wait(base, base + size) for base, size in system.tightly_coupled]
    for memory in board.memories:
        windows = [(address, size_bytes) for address, _, size_bytes in memory.windows]
        for base, size_bytes in [(base, memory.size_bytes) for base in (memory.base, *memory.aliases)] + windows:
            end = base + size_bytes
            if memory.name == "flash" and (not has_caches or base in system.accelerator.bases):
                found.append(_flash(base, end, "accelerated", line_read=accelerated, other=accelerated))
            elif memory.name == "flash":
                found.append(_flash(base, end, "cached", line_read=axi // 2, other=axi))
            elif not has_caches:
                found.append(_no_wait(base, end))
            elif memory.name == "ram":
                found.append(_sram(base, end))
    return tuple(found)


def sets(cache: Cache) -> int:
    """How many sets a cache has."""
    return cache.size_bytes // (cache.ways * cache.line_bytes)


def _no_wait(first: int, end: int) -> Region:
    return Region(first=first, end=end, path="tcm", is_flash=False)


def _flash(first: int, end: int, path: str, line_read: int, other: int) -> Region:
    return Region(
        first=first,
        end=end,
        path=path,
        is_flash=True,
        line_read=line_read,
        line_fetch=other,
        single_read=other,
        single_fetch=other,
    )


def _sram(first: int, end: int) -> Region:
    return Region(
        first=first,
        end=end,
        path="cached",
        is_flash=False,
        line_read=SRAM_LINE_CYCLES,
        line_fetch=SRAM_LINE_CYCLES,
        single_read=SRAM_SINGLE_CYCLES,
        single_fetch=SRAM_SINGLE_CYCLES,
    )
