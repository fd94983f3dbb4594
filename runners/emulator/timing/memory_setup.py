# SPDX-License-Identifier: Apache-2.0
"""Puts the memory system, as the firmware has set it up, into the state that the compiled hooks read."""

from __future__ import annotations

from mlperf_tiny.firmware.boards import Board, Cache
from mlperf_tiny.runners.emulator.native.state import ACCELERATED, CACHED, MAX_ACCELERATOR_LINES, NO_WAIT, State
from mlperf_tiny.runners.emulator.timing.cores.core_table import emulation_of
from mlperf_tiny.runners.emulator.timing.memory_system import Switches, memory_system_of, regions, sets, switches

_PATHS = {"tcm": NO_WAIT, "cached": CACHED, "accelerated": ACCELERATED}


class MemorySetup:
    """Follows FLASH_ACR and CCR of one board. What is switched on starts empty; switching off empties it."""

    def __init__(self, state: State, board: Board) -> None:
        """Write what never changes.

        Args:
            state: The native state of the board.
            board: Its memory system is in its row; raises UsageError without one.
        """
        self._state, self._board, self._system = state, board, memory_system_of(board)
        self._now: Switches | None = None
        unaligned = emulation_of(board.cpu).unaligned
        state.memory.unaligned_read = unaligned.read
        state.memory.unaligned_write = unaligned.write
        state.memory.unaligned_odd_word = unaligned.odd_word

    def update(self, flash_acr: int, ccr: int) -> None:
        """Follow a write to one of the registers, or a reset of them.

        Args:
            flash_acr: The flash access control register.
            ccr: The core's configuration and control register.
        """
        now, before = switches(self._system, flash_acr, ccr), self._now
        if now == before:
            return
        self._now = now
        state = self._state
        state.core.may_enter = 0  # translations are made for one setup
        state.core.look_at = 0
        state.memory.fetched_line = -1
        state.memory.prefetch = now.prefetch
        if before is None or now.wait_states != before.wait_states:
            self._write_regions(now.wait_states)
        if before is None or now.instruction_cache != before.instruction_cache:
            self._write_cache("instruction_cache", self._system.instruction_cache, now.instruction_cache)
        if before is None or now.data_cache != before.data_cache:
            self._write_cache("data_cache", self._system.data_cache, now.data_cache)
        self._write_accelerators(now)

    def empty_instruction_cache(self) -> None:
        """ICIALLU has been written."""
        self._state.array["instruction_cache"]["tags"] = 0
        self._state.memory.fetched_line = -1

    def _write_accelerators(self, now: Switches) -> None:
        state, accelerator = self._state, self._system.accelerator
        state.memory.accelerator_line_bits = accelerator.line_bytes.bit_length() - 1
        instruction_lines = accelerator.instruction_lines if now.accelerator else 0
        data_lines = (accelerator.data_lines or -1) if now.accelerator_data else 0
        had = state.instruction_accelerator.lines, state.data_accelerator.lines
        if had != (instruction_lines, data_lines):
            for name, lines in (("instruction_accelerator", instruction_lines), ("data_accelerator", data_lines)):
                state.array[name] = 0
                state.array[name]["lines"] = lines
                state.array[name]["queue"][0] = range(MAX_ACCELERATOR_LINES)

    def _write_regions(self, wait_states: int) -> None:
        found = regions(self._board, wait_states)
        self._state.array["regions"] = 0
        # More regions than there are rows fail here.
        for row, region in zip(self._state.regions[: len(found)], found, strict=True):
            row.first, row.end = region.first, region.end
            row.path, row.is_flash = _PATHS[region.path], region.is_flash
            row.line_read, row.line_fetch = region.line_read, region.line_fetch
            row.single_read, row.single_fetch = region.single_read, region.single_fetch

    def _write_cache(self, name: str, cache: Cache | None, is_on: bool) -> None:
        """Describe a cache, now empty; None is a core without."""
        self._state.array[name] = 0
        if cache is None:
            return
        words = getattr(self._state, name)
        words.on = is_on
        words.line_bits = cache.line_bytes.bit_length() - 1
        words.set_mask = sets(cache) - 1
        words.ways = cache.ways
