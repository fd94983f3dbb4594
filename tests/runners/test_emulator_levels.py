# SPDX-License-Identifier: Apache-2.0
"""Timing levels: the same run at each, costs of edges against a sum made here, branch prediction by hand."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from unicorn import UC_HOOK_BLOCK

from mlperf_tiny.errors import DeviceCrashed, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.core import block_costs, exact_pc
from mlperf_tiny.runners.emulator.native.counts import MISPREDICT
from mlperf_tiny.runners.emulator.native.entry_points import mispredicted
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.timing.cores.core_table import find_core
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.timing.levels import LEVELS, find_level
from tests.fakes.emulated_console import talk
from tests.runners.emulator_images import build_image

DEVICES = ("stm32f446", "stm32f746")


def make_board(device: str, level: str) -> EmulatedBoard:
    return EmulatedBoard(find_board(device), build_image("echo.c", device), level)


@pytest.mark.parametrize("device", DEVICES)
def test_levels_differ_in_time_only(device: str) -> None:
    output, work, cycles = [], [], []
    for level in LEVELS:
        board = make_board(device, level)
        talk(board)
        # The line is the same, its waiting loops are not: how often they iterate depends on the time they take.
        output.append(talk(board, b"w%"))
        before = board.block_executions()
        counts = board.counts
        output.append(talk(board, b"w%"))
        more = board.counts.since(counts)
        ran = {block: count - before[block] for block, count in board.block_executions().items()}
        work.append({block: count for block, count in ran.items() if count > 1000})
        cycles.append(more.cycles - more.idle_cycles)
        assert more.cycles == more.issue_cycles + more.idle_cycles + sum(more.stalls.values())
    assert output == [b"worked\r\n"] * 6
    assert work[0] == work[1] == work[2]
    assert sum(work[0].values()) > 5_000
    assert cycles[0] != cycles[1] <= cycles[2]


@pytest.mark.parametrize("device", DEVICES)
def test_cycles_are_the_sum_of_the_costs_of_the_edges_taken(device: str) -> None:
    """Against a Python hook that writes down every block, and the model asked again for each."""
    board = make_board(device, "pipeline")
    walked: list[Block] = []

    def on_block(uc: Any, address: int, size: int, data: object) -> None:
        if not board._state.core.stopped:  # a block before which the core is stopped will be announced once more
            walked.append(Block(address, bytes(uc.mem_read(address, size))))

    board._uc.hook_add(UC_HOOK_BLOCK, on_block)
    talk(board)
    talk(board, b"t%")
    model = find_core(board.board.cpu).pipeline
    cycles = instructions = 0
    before = None
    for block in walked:
        cost = model.cost(block, before, before is not None and before.end != block.address)
        cycles, instructions, before = cycles + cost.cycles, instructions + cost.instructions, block
    counts = board.counts
    assert counts.instructions == instructions
    assert counts.cycles - counts.idle_cycles - counts.stalls[MISPREDICT] == cycles
    assert len(set(walked)) > 40


@pytest.mark.parametrize("device", DEVICES)
def test_a_full_table_is_emptied_and_nothing_is_lost(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def story() -> tuple[object, ...]:
        board = make_board(device, "pipeline")
        talk(board)
        talk(board, b"hello%")
        return board.counts, board.block_executions()

    whole = story()
    monkeypatch.setattr(block_costs, "MAX_EDGES", 7)
    assert story() == whole


@pytest.mark.parametrize("case", [0, 1, 2, 3, 4, 8, 9, 10, 12, 14, 18, 20, 22])
def test_a_crash_is_reported_at_the_same_place(case: int) -> None:
    """While memory is watched the engine does not follow the program counter; it has to be right all the same."""

    def registers(level: str) -> list[str]:
        image = build_image("faults.c", "stm32f746", f"CASE={case}")
        board = EmulatedBoard(find_board("stm32f746"), image, level, instruction_limit=3_000_000)
        with pytest.raises(DeviceCrashed) as caught:
            while True:
                board.run(5.0)
        return [line for line in caught.value.report.splitlines() if "of device time" not in line]

    assert registers("full") == registers("instructions")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looked for on Linux only")
def test_exact_pc_flag_is_found() -> None:
    board = make_board("stm32f446", "full")
    assert board._state.core.inexact_pc == exact_pc.flag_address(board._uc) != 0
    assert make_board("stm32f446", "pipeline")._state.core.inexact_pc == 0


@pytest.mark.parametrize("device", DEVICES)
def test_counts_are_equal_without_the_exact_pc_flag(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def story() -> tuple[object, ...]:
        board = make_board(device, "full")
        return talk(board), talk(board, b"hello%"), board.counts

    fast = story()
    monkeypatch.setattr(exact_pc, "flag_address", lambda uc: 0)
    assert story() == fast


def guesses(branches: list[tuple[int, bool, int]]) -> str:
    """One letter a branch of (address after it, taken, target): "x" mispredicted, "." predicted."""
    state = State()
    return "".join(".x"[bool(mispredicted(state, *branch))] for branch in branches)


LOOP = [(0x0800_0100, True, 0x0800_0080)] * 4 + [(0x0800_0100, False, 0x0800_0100)]
CALL_1, CALL_2 = (0x0800_0200, True, 0x0800_0400), (0x0800_0200, True, 0x0800_0500)


@pytest.mark.parametrize(
    ("branches", "wrong"),
    [
        # A loop of five iterations: unknown at first, afterwards only its end is a surprise.
        (LOOP * 3, "x...x" + "....x" * 2),
        # A branch that never jumps needs no entry.
        ([(0x0800_0100, False, 0x0800_0100)] * 3, "..."),
        # Every other time is the worst case of a two-bit counter.
        ([LOOP[0], LOOP[-1]] * 3, "xxxxxx"),
        # A jump through a register is predicted to go where it went last.
        ([CALL_1, CALL_1, CALL_2, CALL_2, CALL_1], "x.x.x"),
        # 64 entries by address: branches 128 bytes apart drive each other out, neighbours do not.
        ([LOOP[0], (0x0800_0180, True, 0x0800_0000)] * 2, "xxxx"),
        ([LOOP[0], (0x0800_0102, True, 0x0800_0000)] * 2, "xx.."),
    ],
)
def test_branch_prediction(branches: list[tuple[int, bool, int]], wrong: str) -> None:
    assert guesses(branches) == wrong


def test_unknown_level_is_refused() -> None:
    with pytest.raises(UsageError, match="no timing level 'exact'; choose one of instructions, pipeline, full"):
        find_level("exact", find_board("stm32f746"))
