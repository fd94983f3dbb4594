# SPDX-License-Identifier: Apache-2.0
"""The memory system, compiled: which fetches and accesses wait, and for how long.

Level 1 caches (Cortex-M7) replace a way at random and allocate on reads and writes; stores never wait, a write buffer
takes them. The flash accelerator holds the lines used last, and reads the next line ahead while code runs straight on.
What a line costs comes from ``mlperf_tiny.runners.emulator.timing.memory_system``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import (
    ACCELERATED,
    ACCELERATOR_BITS,
    CACHED,
    MAX_ACCELERATOR_LINES,
    NO_WAIT,
    REGION_ROWS,
    Record,
)

# The AXI port of the Cortex-M7 fetches 64 bits at a time where no cache asks for whole lines.
AXI_BITS = 3


@compiled
def find_region(s: Record, address: int) -> int:
    """The row of ``regions`` that holds ``address``; -1 when none does.

    Args:
        s: The shared state.
        address: Of a byte.
    """
    for index in range(REGION_ROWS):
        if s.regions[index].first <= address and address < s.regions[index].end:
            return index
    return -1


@compiled
def cache_has(s: Record, cache: Any, line: int) -> bool:
    """Look a line up in a level 1 cache; it is there afterwards.

    Args:
        s: The shared state.
        cache: One of the caches in ``s``.
        line: Number of the line: address / line size.

    Returns:
        Whether it was there before.
    """
    ways = cache.ways
    first = (line & cache.set_mask) * ways
    for way in range(ways):
        if cache.tags[first + way] == line + 1:
            return True
    for way in range(ways):
        if cache.tags[first + way] == 0:
            cache.tags[first + way] = line + 1
            return False
    s.memory.random = (s.memory.random * 1103515245 + 12345) & 0x7FFF_FFFF
    cache.tags[first + (s.memory.random >> 16) % ways] = line + 1
    return False


@compiled
def sort_places(accelerator: Any) -> None:
    """Put all places into the queue in the order of their last use, free ones first.

    Args:
        accelerator: One of the accelerators.
    """
    for index in range(accelerator.lines):
        place = accelerator.queue[index] & (MAX_ACCELERATOR_LINES - 1)
        entry = accelerator.used[place] << ACCELERATOR_BITS | place
        at = index
        while at > 0 and accelerator.queue[at - 1] > entry:
            accelerator.queue[at] = accelerator.queue[at - 1]
            at -= 1
        accelerator.queue[at] = entry
    accelerator.next = 0


@compiled
def oldest_place(accelerator: Any) -> int:
    """The place that was used least recently, or the first free one.

    Of the places that have not been used since they were last sorted it is the first: mostly a short look.

    Args:
        accelerator: One of the accelerators.
    """
    while True:
        if accelerator.next == accelerator.lines:
            sort_places(accelerator)
        entry = accelerator.queue[accelerator.next]
        accelerator.next += 1
        place = entry & (MAX_ACCELERATOR_LINES - 1)
        if accelerator.used[place] == entry >> ACCELERATOR_BITS:
            return place


@compiled
def accelerator_has(s: Record, accelerator: Any, line: int) -> bool:
    """Look a line of the flash up in a flash accelerator; it is there afterwards.

    Args:
        s: The shared state.
        accelerator: One of the accelerators in ``s``.
        line: Number of the line, from the start of the flash.

    Returns:
        Whether it was there before.
    """
    s.memory.uses += 1
    place = np.int64(accelerator.place[line])
    if place:
        accelerator.used[place - 1] = s.memory.uses
        return True
    place = oldest_place(accelerator)
    if accelerator.held[place]:
        accelerator.place[accelerator.held[place] - 1] = 0
    accelerator.held[place] = line + 1
    accelerator.used[place] = s.memory.uses
    accelerator.place[line] = place + 1
    return False


@compiled
def fetch(s: Record, first: int, last: int, taken: bool) -> None:
    """Charge the instruction fetch of a block that is about to run.

    Args:
        s: The shared state.
        first: Address of its first byte.
        last: Address of its last byte.
        taken: Whether it was reached by a taken branch.
    """
    index = find_region(s, first)
    if index < 0 or s.regions[index].path == NO_WAIT:
        return
    region = s.regions[index]
    cost = 0
    if region.path == ACCELERATED:
        bits = s.memory.accelerator_line_bits
        start = region.first
        previous = (s.memory.fetched_line - start) >> bits
        for line in range((first - start) >> bits, ((last - start) >> bits) + 1):
            # The line read last stays on the flash's output.
            if line == previous:
                continue
            held = s.instruction_accelerator.lines > 0 and accelerator_has(s, s.instruction_accelerator, line)
            if not held and not (s.memory.prefetch and line == previous + 1):
                cost += region.line_fetch
                s.losses.fetch_misses += 1
            previous = line
        s.memory.fetched_line = start + (previous << bits)
    elif s.instruction_cache.on:
        bits = s.instruction_cache.line_bits
        previous = s.memory.fetched_line >> bits
        for line in range(first >> bits, (last >> bits) + 1):
            if line == previous:
                continue
            if not cache_has(s, s.instruction_cache, line):
                cost += region.line_fetch
                s.losses.fetch_misses += 1
            previous = line
        s.memory.fetched_line = previous << bits
    else:
        previous = -1 if taken else s.memory.fetched_line >> AXI_BITS
        for line in range(first >> AXI_BITS, (last >> AXI_BITS) + 1):
            if line == previous:
                continue
            cost += region.single_fetch
            s.losses.fetch_misses += 1
            previous = line
        s.memory.fetched_line = previous << AXI_BITS
    s.losses.fetch_cycles += cost
    s.core.cycles += cost


@compiled
def unaligned_cycles(s: Record, address: int, size: int, is_write: bool) -> int:
    """Return what an access off its own alignment costs on top; doubles need a word's alignment only.

    Args:
        s: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
        is_write: A store, not a load.
    """
    off = address & (min(size, 4) - 1)
    if off == 0:
        return 0
    s.losses.unaligned += 1
    cost = s.memory.unaligned_write if is_write else s.memory.unaligned_read
    # A core that splits it makes a word into two halves, or byte, half, byte at an odd address; a half into two bytes.
    return cost + (s.memory.unaligned_odd_word if size == 4 and off & 1 else 0)


@compiled
def access(s: Record, address: int, size: int, is_write: bool) -> None:
    """Charge a load or store.

    Args:
        s: The shared state.
        address: Of the first byte.
        size: 1 to 8 bytes.
        is_write: A store, not a load.
    """
    unaligned = unaligned_cycles(s, address, size, is_write)
    if unaligned:
        s.losses.unaligned_cycles += unaligned
        s.core.cycles += unaligned
    index = find_region(s, address)
    if index < 0:
        return
    region = s.regions[index]
    if region.is_flash:
        s.losses.flash_read_bytes += size
    elif is_write:
        s.losses.ram_written_bytes += size
    else:
        s.losses.ram_read_bytes += size
    path = region.path
    if path == NO_WAIT:
        return
    if path == CACHED and s.data_cache.on:
        held = cache_has(s, s.data_cache, address >> s.data_cache.line_bits)
        cost = region.line_read
    elif path == ACCELERATED and s.data_accelerator.lines != 0:
        line = (address - region.first) >> s.memory.accelerator_line_bits
        if s.data_accelerator.lines < 0:
            held = accelerator_has(s, s.instruction_accelerator, line)
        else:
            held = accelerator_has(s, s.data_accelerator, line)
        cost = region.line_read
    else:
        held = False
        cost = region.single_read
    if held or is_write:
        return
    s.losses.data_misses += 1
    s.losses.data_cycles += cost
    s.core.cycles += cost
