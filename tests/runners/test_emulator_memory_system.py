# SPDX-License-Identifier: Apache-2.0
"""Caches, flash accelerator and placement: cycles worked out by hand, then a firmware that reads and runs there."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from mlperf_tiny.firmware.boards import BOARDS, Board, find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.native.counts import DATA, FETCH, UNALIGNED, Counts
from mlperf_tiny.runners.emulator.native.entry_points import access, fetch, unaligned_cycles
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.timing.memory_setup import MemorySetup
from mlperf_tiny.runners.emulator.timing.memory_system import memory_system_of, regions, switches
from tests.runners.emulator_images import build_image

F446, F746 = "stm32f446", "stm32f746"
# FLASH_ACR at the highest clock: wait states, prefetch, accelerator (F446: instructions and data).
ACR = {F446: 0x705, F746: 0x307}
NO_PREFETCH = {F446: 0x605, F746: 0x207}
NO_ACCELERATOR = {F446: 0x105, F746: 0x107}
CACHES_ON, CACHES_OFF = 0x0007_0200, 0x0004_0200
FLASH, ITCM_FLASH, DTCM, SRAM, ITCM = 0x0800_0000, 0x0020_0000, 0x2000_0000, 0x2001_0000, 0x0000_0000


def memory(device: str, acr: int | None = None, ccr: int = CACHES_ON) -> State:
    state = State()
    MemorySetup(state, find_board(device)).update(ACR[device] if acr is None else acr, ccr)
    return state


def read_cycles(state: State, addresses: Sequence[int], size: int = 4) -> int:
    before = int(state.core.cycles)
    for address in addresses:
        access(state, address, size, False)
    return int(state.core.cycles) - before


def fetch_cycles(state: State, blocks: Sequence[tuple[int, int]]) -> int:
    """Blocks of (address, size in bytes), each reached by a branch."""
    before = int(state.core.cycles)
    for address, size in blocks:
        fetch(state, address, address + size - 1, True)
    return int(state.core.cycles) - before


def words(base: int, count: int, step: int = 4) -> list[int]:
    return list(range(base, base + count * step, step))


@pytest.mark.parametrize(
    ("device", "addresses", "cycles"),
    [
        # F746, 32-byte lines: 1 KiB in order is 32 lines, each 6 from flash (half of 7 + 1 + 4), 4 from SRAM.
        (F746, words(FLASH, 256), 32 * 6),
        (F746, words(SRAM, 256), 32 * 4),
        (F746, words(DTCM, 256), 0),
        (F746, words(ITCM, 256), 0),
        # The ITCM alias reads through the accelerator: 8 a line of 32 bytes, and 64 lines of them.
        (F746, words(ITCM_FLASH, 256), 32 * 8),
        (F746, words(ITCM_FLASH, 512) * 3, 64 * 8),
        # 4 KiB stay in the cache; so do four lines 1 KiB apart, which share a set of 4 ways.
        (F746, words(FLASH, 1024) * 2, 128 * 6),
        (F746, words(FLASH, 4, 1024) * 9, 4 * 6),
        # F446, 16-byte lines, eight of them for data, least recently used: 5 wait states each.
        (F446, words(FLASH, 32), 8 * 5),
        (F446, words(FLASH, 32) * 4, 8 * 5),
        # Nine lines in turn never find the next one again.
        (F446, words(FLASH, 9, 16) * 3, 27 * 5),
        (F446, words(SRAM, 256), 0),
        # The alias at 0 shows the same lines.
        (F446, [FLASH, 0x0000_0000, FLASH + 12], 5),
    ],
)
def test_data_reads(device: str, addresses: list[int], cycles: int) -> None:
    assert read_cycles(memory(device), addresses) == cycles


@pytest.mark.parametrize(
    ("device", "acr", "ccr", "addresses", "cycles"),
    [
        # Every single read waits: 7 + 1 + 4 from flash over AXI, 8 from SRAM; tightly coupled memory never.
        (F746, ACR, CACHES_OFF, words(FLASH, 8), 8 * 12),
        (F746, ACR, CACHES_OFF, words(SRAM, 8), 8 * 8),
        (F746, ACR, CACHES_OFF, words(DTCM, 8), 0),
        (F746, NO_ACCELERATOR, CACHES_ON, words(ITCM_FLASH, 8), 8 * 8),
        (F446, NO_ACCELERATOR, CACHES_ON, words(FLASH, 8), 8 * 5),
    ],
)
def test_data_reads_with_everything_off(
    device: str, acr: dict[str, int], ccr: int, addresses: list[int], cycles: int
) -> None:
    assert read_cycles(memory(device, acr[device], ccr), addresses) == cycles


@pytest.mark.parametrize(
    ("device", "acr", "ccr", "blocks", "cycles"),
    [
        # F746: lines of 32 bytes at 12. A block of 64 bytes off its boundary touches three.
        (F746, ACR, CACHES_ON, [(FLASH, 64)], 2 * 12),
        (F746, ACR, CACHES_ON, [(FLASH + 16, 64)], 3 * 12),
        (F746, ACR, CACHES_ON, [(FLASH, 64), (FLASH + 256, 8), (FLASH, 64)], 3 * 12),
        # Two ways of 2 KiB: 4 KiB fit.
        (F746, ACR, CACHES_ON, [(FLASH, 4096)] * 2, 128 * 12),
        # Without the cache each 8 bytes take 12, again and again.
        (F746, ACR, CACHES_OFF, [(FLASH, 32), (FLASH, 32)], 8 * 12),
        (F746, ACR, CACHES_ON, [(ITCM, 1024), (DTCM, 1024)], 0),
        # Straight on with the prefetch: only the first line waits. Each jump starts again.
        (F746, ACR, CACHES_ON, [(ITCM_FLASH, 256)], 8),
        (F746, NO_PREFETCH, CACHES_ON, [(ITCM_FLASH, 256)], 8 * 8),
        (F446, ACR, 0, [(FLASH, 128)], 5),
        (F446, NO_PREFETCH, 0, [(FLASH, 128)], 8 * 5),
        (F446, ACR, 0, [(FLASH, 16), (FLASH + 64, 16), (FLASH, 16), (FLASH + 64, 16)], 2 * 5),
        # 64 lines of 16 bytes stay; a loop over 65, against the order of the prefetch, finds none again.
        (F446, ACR, 0, [(FLASH + 32 * line, 16) for line in range(64)] * 2, 64 * 5),
        (F446, ACR, 0, [(FLASH + 32 * line, 16) for line in range(65)] * 2, 130 * 5),
        # Accelerator off: only the line on the flash's output is there.
        (F446, {F446: 0x005}, 0, [(FLASH, 8), (FLASH + 8, 8), (FLASH + 16, 8), (FLASH, 8)], 3 * 5),
        (F446, ACR, 0, [(SRAM, 1024)], 0),
    ],
)
def test_instruction_fetches(
    device: str, acr: dict[str, int], ccr: int, blocks: list[tuple[int, int]], cycles: int
) -> None:
    assert fetch_cycles(memory(device, acr[device], ccr), blocks) == cycles


@pytest.mark.parametrize(
    ("device", "size", "is_write", "cycles_by_offset"),
    [
        (F446, 4, False, (0, 2, 1, 2)),
        (F446, 4, True, (0, 2, 1, 2)),
        (F446, 2, False, (0, 1, 0, 1)),
        (F446, 1, False, (0, 0, 0, 0)),
        (F746, 4, False, (0, 3, 3, 3)),
        (F746, 4, True, (0, 0, 0, 0)),
        (F746, 2, False, (0, 3, 0, 3)),
        (F746, 8, False, (0, 3, 3, 3)),
    ],
)
def test_unaligned(device: str, size: int, is_write: bool, cycles_by_offset: tuple[int, ...]) -> None:
    state = memory(device)
    assert tuple(unaligned_cycles(state, SRAM + off, size, is_write) for off in range(4)) == cycles_by_offset


@pytest.mark.parametrize(("device", "base", "lines", "line_bytes"), [(F446, FLASH, 8, 16), (F746, ITCM_FLASH, 64, 32)])
@pytest.mark.parametrize("spread", [4, 9, 64, 100, 1000])
def test_the_accelerator_keeps_the_lines_used_last(
    device: str, base: int, lines: int, line_bytes: int, spread: int
) -> None:
    """Against a list in the order of use: loops, streams and jumps in turn."""
    state, rng, held = memory(device), random.Random(spread), list[int]()
    at = 0
    for _ in range(4000):
        at = rng.choice([at + 1, at + 1, at, rng.randrange(spread), rng.randrange(4)]) % spread
        before = int(state.losses.data_misses)
        access(state, base + at * line_bytes, 4, False)
        assert (state.losses.data_misses == before) == (at in held)
        held = [*(line for line in held if line != at), at][-lines:]


def test_stores_never_wait_and_leave_their_line_in_the_cache() -> None:
    state = memory(F746)
    access(state, SRAM, 4, True)
    assert state.core.cycles == 0
    assert read_cycles(state, words(SRAM, 8)) == 0


def test_the_replacement_is_the_same_each_time() -> None:
    def one() -> int:
        return read_cycles(memory(F746), words(FLASH, 7, 1024) * 50)

    assert one() == one()
    # Seven lines in four ways: more than the first seven have to be read, and not all 350.
    assert 7 * 6 < one() < 350 * 6


def test_caches_start_empty_when_switched_on() -> None:
    setup = MemorySetup(state := State(), find_board(F746))
    setup.update(ACR[F746], CACHES_ON)
    assert (read_cycles(state, [SRAM]), read_cycles(state, [SRAM])) == (4, 0)
    setup.update(ACR[F746], CACHES_OFF)
    setup.update(ACR[F746], CACHES_ON)
    assert read_cycles(state, [SRAM]) == 4
    setup.update(ACR[F746], CACHES_ON)
    assert read_cycles(state, [SRAM]) == 0
    assert (fetch_cycles(state, [(FLASH, 4)]), fetch_cycles(state, [(FLASH, 4)])) == (12, 0)
    setup.empty_instruction_cache()
    assert fetch_cycles(state, [(FLASH, 4)]) == 12


@pytest.mark.parametrize(("wait_states", "line_read", "line_fetch"), [(0, 2, 5), (3, 4, 8), (7, 6, 12)])
def test_slow_clocks_wait_less(wait_states: int, line_read: int, line_fetch: int) -> None:
    flash = next(region for region in regions(find_board(F746), wait_states) if region.first == FLASH)
    assert (flash.line_read, flash.line_fetch) == (line_read, line_fetch)


@pytest.mark.parametrize("board", [board for board in BOARDS if not board.is_host], ids=lambda board: board.device)
def test_every_board_has_a_memory_system_that_fits(board: Board) -> None:
    MemorySetup(State(), board).update(0, 0)
    row = memory_system_of(board)
    assert not switches(row, 0, 0).accelerator
    assert switches(row, 1 << 9 | 1 << 10, 0).accelerator_data


def counted(device: str, code: int, data: int, acr: int, ccr: int, offset: int = 0) -> Counts:
    """What reading 128 more words costs, the rest being equal: caches warm for the code, cold for the data."""
    defines = {"CODE": code, "DATA": data, "ACR": acr, "CCR": ccr, "OFFSET": offset}
    image = build_image("placement.c", device, *(f"{name}={value:#x}u" for name, value in defines.items()))
    board = EmulatedBoard(find_board(device), image, "full")
    intervals = []
    for command in (b"r", b"R", b"r", b"R"):
        before = board.counts
        board.send(command)
        while not board.idle:
            board.run(1.0)
        intervals.append(board.counts.since(before))
    return intervals[-1].since(intervals[-2])


@pytest.mark.parametrize(
    ("device", "code", "data", "acr", "ccr", "fetch_stalls", "data_stalls"),
    [
        # 128 iterations of an eight-byte loop over 16 lines of 32 bytes, or 32 lines of 16.
        (F746, 0, FLASH + 0x8000, 0x307, 3 << 16, 0, 16 * 6),
        (F746, 0, ITCM_FLASH + 0x8000, 0x307, 3 << 16, 0, 16 * 8),
        (F746, 0, SRAM + 0x1000, 0x307, 3 << 16, 0, 16 * 4),
        (F746, 0, DTCM + 0x4000, 0x307, 3 << 16, 0, 0),
        (F746, ITCM_FLASH, DTCM + 0x4000, 0x307, 3 << 16, 0, 0),
        (F746, DTCM + 0x4000, SRAM + 0x1000, 0x307, 3 << 16, 0, 16 * 4),
        (F746, 0x100, SRAM + 0x1000, 0x307, 3 << 16, 0, 16 * 4),
        # Caches left off.
        (F746, 0, SRAM + 0x1000, 0x307, 0, 128 * 12, 128 * 8),
        (F746, 0, FLASH + 0x8000, 0x307, 0, 128 * 12, 128 * 12),
        (F746, SRAM, DTCM + 0x4000, 0x307, 0, 128 * 8, 0),
        (F746, 0x100, DTCM + 0x4000, 0x307, 0, 0, 0),
        (F446, 0, FLASH + 0x8000, 0x705, 0, 0, 32 * 5),
        (F446, 0, FLASH + 0x8000, 0x305, 0, 0, 128 * 5),
        (F446, 0, SRAM, 0x705, 0, 0, 0),
        (F446, SRAM, FLASH + 0x8000, 0x705, 0, 0, 32 * 5),
    ],
)
def test_cycles_by_placement_of_code_and_data(
    device: str, code: int, data: int, acr: int, ccr: int, fetch_stalls: int, data_stalls: int
) -> None:
    more = counted(device, code, data, acr, ccr)
    assert (more.instructions, more.stalls[FETCH], more.stalls[DATA]) == (3 * 128, fetch_stalls, data_stalls)
    assert (more.flash_read_bytes, more.ram_read_bytes) == ((512, 0) if data < DTCM else (0, 512))
    assert more.cycles == more.issue_cycles + more.idle_cycles + sum(more.stalls.values())


@pytest.mark.parametrize(
    ("device", "offset", "cycles"), [(F446, 1, 2), (F446, 2, 1), (F446, 3, 2), (F746, 1, 3), (F746, 2, 3)]
)
def test_unaligned_words_in_a_firmware(device: str, offset: int, cycles: int) -> None:
    more = counted(device, 0, SRAM + 0x1000, ACR[device], 3 << 16, offset)
    assert (more.unaligned, more.stalls[UNALIGNED]) == (128, 128 * cycles)
