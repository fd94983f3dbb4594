# SPDX-License-Identifier: Apache-2.0
"""Puts the memory system, as the firmware has set it up, into the words the compiled hooks read."""

from __future__ import annotations

from mlperf_tiny.firmware.boards import Board, Cache
from mlperf_tiny.runners.emulator.native.memory import M4, M7
from mlperf_tiny.runners.emulator.native.state import (
    ACCELERATED,
    ART_LINE_BITS,
    CACHE_LINE_BITS,
    CACHE_ON,
    CACHE_SET_MASK,
    CACHE_WAYS,
    CACHED,
    CORE_KIND,
    DATA_ART,
    DATA_ART_LINES,
    DATA_ART_USED,
    DATA_CACHE,
    DATA_TAGS,
    FETCHED_LINE,
    INSTRUCTION_ART,
    INSTRUCTION_ART_LINES,
    INSTRUCTION_ART_USED,
    INSTRUCTION_CACHE,
    INSTRUCTION_TAGS,
    MOST_ART_LINES,
    MOST_CACHE_LINES,
    MOST_FLASH_LINES,
    NO_WAIT,
    PREFETCH,
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
    State,
)
from mlperf_tiny.runners.emulator.timing.memory_system import Switches, memory_system_of, regions, sets, switches

_PATHS = {"tcm": NO_WAIT, "cached": CACHED, "accelerated": ACCELERATED}


class MemorySetup:
    """Follows FLASH_ACR and CCR of one board. What is switched on starts empty; switching off empties it."""

    def __init__(self, state: State, board: Board) -> None:
        self._state, self._board, self._system = state, board, memory_system_of(board)
        self._now: Switches | None = None

    def update(self, flash_acr: int, ccr: int) -> None:
        """The firmware has written one of the registers, or they have been reset."""
        now, before = switches(self._system, flash_acr, ccr), self._now
        if now == before:
            return
        self._now = now
        state = self._state
        state[FETCHED_LINE] = -1
        state[CORE_KIND] = M4 if self._system.data_cache is None else M7
        state[PREFETCH] = now.prefetch
        if before is None or now.wait_states != before.wait_states:
            self._write_regions(now.wait_states)
        if before is None or now.instruction_cache != before.instruction_cache:
            self._write_cache(INSTRUCTION_CACHE, self._system.instruction_cache, now.instruction_cache)
            self.empty_instruction_cache()
        if before is None or now.data_cache != before.data_cache:
            self._write_cache(DATA_CACHE, self._system.data_cache, now.data_cache)
            state[DATA_TAGS : DATA_TAGS + MOST_CACHE_LINES] = 0
        self._write_accelerator(now)

    def empty_instruction_cache(self) -> None:
        """ICIALLU has been written."""
        self._state[INSTRUCTION_TAGS : INSTRUCTION_TAGS + MOST_CACHE_LINES] = 0
        self._state[FETCHED_LINE] = -1

    def _write_cache(self, place: int, cache: Cache | None, is_on: bool) -> None:
        if cache is None:
            return
        state = self._state
        state[place + CACHE_ON] = is_on
        state[place + CACHE_LINE_BITS] = cache.line_bytes.bit_length() - 1
        state[place + CACHE_SET_MASK] = sets(cache) - 1
        state[place + CACHE_WAYS] = cache.ways

    def _write_accelerator(self, now: Switches) -> None:
        state, accelerator = self._state, self._system.accelerator
        state[ART_LINE_BITS] = accelerator.line_bytes.bit_length() - 1
        was = int(state[INSTRUCTION_ART]), int(state[DATA_ART])
        state[INSTRUCTION_ART] = accelerator.instruction_lines if now.accelerator else 0
        state[DATA_ART] = (accelerator.data_lines or -1) if now.accelerator_data else 0
        if was != (state[INSTRUCTION_ART], state[DATA_ART]):
            for used, lines in ((INSTRUCTION_ART_USED, INSTRUCTION_ART_LINES), (DATA_ART_USED, DATA_ART_LINES)):
                state[used : used + MOST_FLASH_LINES] = 0
                state[lines : lines + MOST_ART_LINES] = 0

    def _write_regions(self, wait_states: int) -> None:
        found = regions(self._board, wait_states)
        rows = self._state[REGIONS : REGIONS + REGION_ROWS * REGION_WORDS].reshape(REGION_ROWS, REGION_WORDS)
        rows[:] = 0
        # More rows than there is room for fail here.
        for row, region in zip(rows[: len(found)], found, strict=True):
            row[REGION_FIRST], row[REGION_END] = region.first, region.end
            row[REGION_PATH], row[REGION_IS_FLASH] = _PATHS[region.path], region.is_flash
            row[REGION_LINE_READ], row[REGION_LINE_FETCH] = region.line_read, region.line_fetch
            row[REGION_SINGLE_READ], row[REGION_SINGLE_FETCH] = region.single_read, region.single_fetch
