# SPDX-License-Identifier: Apache-2.0
"""The memory system, compiled: which fetches and accesses wait, and for how long.

Level 1 caches (Cortex-M7) replace a way at random and allocate on reads and writes; stores never wait, a write buffer
takes them. The flash accelerator holds the lines used last, and reads the next line ahead while code runs straight on.
What a line costs comes from ``runners.emulator.timing.memory_system``.
"""

from __future__ import annotations

from mlperf_tiny.runners.emulator.native.jit_cache import compiled
from mlperf_tiny.runners.emulator.native.state import (
    ACCELERATED,
    ART_LINE_BITS,
    CACHE_LINE_BITS,
    CACHE_ON,
    CACHE_SET_MASK,
    CACHE_WAYS,
    CACHED,
    CORE_KIND,
    CYCLES,
    DATA_ART,
    DATA_ART_LINES,
    DATA_ART_USED,
    DATA_CACHE,
    DATA_CYCLES,
    DATA_MISSES,
    DATA_TAGS,
    FETCH_CYCLES,
    FETCH_MISSES,
    FETCHED_LINE,
    FLASH_READ_BYTES,
    INSTRUCTION_ART,
    INSTRUCTION_ART_LINES,
    INSTRUCTION_ART_USED,
    INSTRUCTION_CACHE,
    INSTRUCTION_TAGS,
    NO_WAIT,
    PREFETCH,
    RAM_READ_BYTES,
    RAM_WRITTEN_BYTES,
    RANDOM,
    REGION_END,
    REGION_FIRST,
    REGION_IS_FLASH,
    REGION_LINE_FETCH,
    REGION_LINE_READ,
    REGION_PATH,
    REGION_ROWS,
    REGION_SINGLE_FETCH,
    REGION_SINGLE_READ,
    REGION_WORDS,
    REGIONS,
    UNALIGNED,
    UNALIGNED_CYCLES,
    USES,
    State,
)

# The AXI port of the Cortex-M7 fetches 64 bits at a time where no cache asks for whole lines.
AXI_BITS = 3
M4, M7 = 1, 2
M7_UNALIGNED_READ_CYCLES = 3


@compiled
def find_region(s: State, address: int) -> int:
    """The first word of the region that holds ``address``; 0 when none does."""
    for index in range(REGION_ROWS):
        region = REGIONS + index * REGION_WORDS
        if s[region + REGION_FIRST] <= address and address < s[region + REGION_END]:
            return region
    return 0


@compiled
def cache_has(s: State, cache: int, tags: int, line: int) -> bool:
    """Look a line up in a level 1 cache; it is there afterwards."""
    ways = s[cache + CACHE_WAYS]
    first = tags + (line & s[cache + CACHE_SET_MASK]) * ways
    for way in range(ways):
        if s[first + way] == line + 1:
            return True
    for way in range(ways):
        if s[first + way] == 0:
            s[first + way] = line + 1
            return False
    s[RANDOM] = (s[RANDOM] * 1103515245 + 12345) & 0x7FFF_FFFF
    s[first + (s[RANDOM] >> 16) % ways] = line + 1
    return False


@compiled
def accelerator_has(s: State, used: int, lines: int, count: int, line: int) -> bool:
    """Look a line of the flash up in the accelerator's ``count`` lines; it is there afterwards."""
    s[USES] += 1
    if s[used + line]:
        s[used + line] = s[USES]
        return True
    oldest = lines
    for place in range(lines, lines + count):
        held = s[place]
        if held == 0:  # line + 1 is kept, 0 is a free place
            oldest = place
            break
        if s[used + held - 1] < s[used + s[oldest] - 1]:
            oldest = place
    if s[oldest]:
        s[used + s[oldest] - 1] = 0
    s[oldest] = line + 1
    s[used + line] = s[USES]
    return False


@compiled
def fetch(s: State, first: int, last: int, taken: bool) -> None:
    """A block with its first and last byte at these addresses is about to run; ``taken``: reached by a branch."""
    region = find_region(s, first)
    if region == 0 or s[region + REGION_PATH] == NO_WAIT:
        return
    cost = 0
    if s[region + REGION_PATH] == ACCELERATED:
        bits = s[ART_LINE_BITS]
        start = s[region + REGION_FIRST]
        previous = (s[FETCHED_LINE] - start) >> bits
        for line in range((first - start) >> bits, ((last - start) >> bits) + 1):
            # The line read last stays on the flash's output.
            if line == previous:
                continue
            held = s[INSTRUCTION_ART] > 0 and accelerator_has(
                s, INSTRUCTION_ART_USED, INSTRUCTION_ART_LINES, s[INSTRUCTION_ART], line
            )
            if not held and not (s[PREFETCH] and line == previous + 1):
                cost += s[region + REGION_LINE_FETCH]
                s[FETCH_MISSES] += 1
            previous = line
        s[FETCHED_LINE] = start + (previous << bits)
    elif s[INSTRUCTION_CACHE + CACHE_ON]:
        bits = s[INSTRUCTION_CACHE + CACHE_LINE_BITS]
        previous = s[FETCHED_LINE] >> bits
        for line in range(first >> bits, (last >> bits) + 1):
            if line == previous:
                continue
            if not cache_has(s, INSTRUCTION_CACHE, INSTRUCTION_TAGS, line):
                cost += s[region + REGION_LINE_FETCH]
                s[FETCH_MISSES] += 1
            previous = line
        s[FETCHED_LINE] = previous << bits
    else:
        previous = -1 if taken else s[FETCHED_LINE] >> AXI_BITS
        for line in range(first >> AXI_BITS, (last >> AXI_BITS) + 1):
            if line == previous:
                continue
            cost += s[region + REGION_SINGLE_FETCH]
            s[FETCH_MISSES] += 1
            previous = line
        s[FETCHED_LINE] = previous << AXI_BITS
    s[FETCH_CYCLES] += cost
    s[CYCLES] += cost


@compiled
def unaligned_cycles(s: State, address: int, size: int, is_write: bool) -> int:
    """What an access off its own alignment costs on top; doubles need a word's alignment only."""
    off = address & (min(size, 4) - 1)
    if off == 0:
        return 0
    s[UNALIGNED] += 1
    if s[CORE_KIND] == M7:
        return 0 if is_write else M7_UNALIGNED_READ_CYCLES
    # The Cortex-M4 splits it: a word into two halves or byte, half, byte; a half into two bytes.
    return 2 if size == 4 and off & 1 else 1


@compiled
def access(s: State, address: int, size: int, is_write: bool) -> None:
    """A load or store of ``size`` bytes."""
    unaligned = unaligned_cycles(s, address, size, is_write)
    if unaligned:
        s[UNALIGNED_CYCLES] += unaligned
        s[CYCLES] += unaligned
    region = find_region(s, address)
    if region == 0:
        return
    if s[region + REGION_IS_FLASH]:
        s[FLASH_READ_BYTES] += size
    elif is_write:
        s[RAM_WRITTEN_BYTES] += size
    else:
        s[RAM_READ_BYTES] += size
    path = s[region + REGION_PATH]
    if path == NO_WAIT:
        return
    if path == CACHED and s[DATA_CACHE + CACHE_ON]:
        held = cache_has(s, DATA_CACHE, DATA_TAGS, address >> s[DATA_CACHE + CACHE_LINE_BITS])
        cost = s[region + REGION_LINE_READ]
    elif path == ACCELERATED and s[DATA_ART] != 0:
        line = (address - s[region + REGION_FIRST]) >> s[ART_LINE_BITS]
        if s[DATA_ART] < 0:
            held = accelerator_has(s, INSTRUCTION_ART_USED, INSTRUCTION_ART_LINES, s[INSTRUCTION_ART], line)
        else:
            held = accelerator_has(s, DATA_ART_USED, DATA_ART_LINES, s[DATA_ART], line)
        cost = s[region + REGION_LINE_READ]
    else:
        held = False
        cost = s[region + REGION_SINGLE_READ]
    if held or is_write:
        return
    s[DATA_MISSES] += 1
    s[DATA_CYCLES] += cost
    s[CYCLES] += cost
