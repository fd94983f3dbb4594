# SPDX-License-Identifier: Apache-2.0
"""Odd things done by functions that are translated: the same output, crash, counts and memories as without."""

from __future__ import annotations

import time

import pytest

from mlperf_tiny.errors import DeviceCrashed
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator import board as board_module
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.translate import tables
from tests.runners.emulator_images import build_image
from tests.runners.translate.boards import assert_equal, both, translate_at_once

pytestmark = pytest.mark.slow

DEVICE = "stm32f746"
TIMEOUT_S = 30.0

ATTACKS = {
    "a jump to each half-word of a function": (("CASE=0", "HALVES=14"), ""),
    "a stack that runs over": (("CASE=1",), "stack overflow below"),
    "code in RAM that is changed": (("CASE=2",), ""),
    "a supervisor call": (("CASE=3",), "exception 11 has no handler"),
    "a trap": (("CASE=5",), "the firmware executes UDF"),
    "asleep without an interrupt": (("CASE=6",), ""),
    "a reset": (("CASE=7",), ""),
    "a loop without an end": (("CASE=8",), "run-away"),
    "a branch to itself": (("CASE=9",), "endless loop that nothing can end"),
    "the flash controller": (("CASE=13",), "cannot be written (flash)"),
    "hints": (("CASE=14",), ""),
    "registers in a loop": (("CASE=15",), ""),
    "a clock that falls": (("CASE=17",), ""),
    "yield": (("CASE=24",), ""),
    "the alias of the flash": (("CASE=21",), ""),
    "RAM of zeros": (("CASE=23",), "jumps to 0x20050000, where there is nothing"),
    "a word across the end of RAM": (("CASE=20", "KIND=0", "AT=RAM_END-2"), "reads 0x20050000, where there is nothing"),
    "words across the end of RAM": (("CASE=20", "KIND=4", "AT=RAM_END-8"), "writes 0x20050000, where there is nothing"),
    "an exclusive access that is not aligned": (("CASE=20", "KIND=3"), "an unaligned access that the core refuses"),
    "accesses that are not aligned": (("CASE=20", "KIND=5"), ""),
    "a stack pointer that is not aligned": (("CASE=20", "KIND=7"), ""),
    "a second access that fails": (("CASE=20", "KIND=8", "AT=0x60000000"), "writes 0x60000000"),
    "a call of an even address": (("CASE=20", "KIND=12", "GOOD=leaf", "AT=(uint32_t)leaf&~1u"), "to an even address"),
    "an even return address": (("CASE=20", "KIND=13", "GOOD=leaf", "AT=(uint32_t)busy&~1u"), "to an even address"),
    "a return from no exception": (("CASE=20", "KIND=13", "GOOD=leaf", "AT=0xFFFFFFF9"), "and is in none"),
}  # fmt: skip
"""What is done to what is compiled, and part of the crash; "" for none."""


def outcome(board: EmulatedBoard) -> tuple[bytes, str]:
    """All output, and the whole report of a crash."""
    output, deadline = b"", time.monotonic() + TIMEOUT_S
    try:
        while not board.idle and time.monotonic() < deadline:
            output += board.run(TIMEOUT_S)
    except DeviceCrashed as crash:
        return output, f"{crash}\n{crash.report}"
    assert board.idle, "it has not ended"
    return output, ""


@pytest.mark.parametrize("name", ATTACKS)
def test_translations_change_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    defines, crash = ATTACKS[name]
    translate_at_once(monkeypatch, 500)
    monkeypatch.setattr(tables, "ENOUGH_VISITS", 1 << 60)
    monkeypatch.setattr(board_module, "SLICE_INSTRUCTIONS", 20_000)
    boards = both(DEVICE, build_image("attacks.c", DEVICE, *defines), "instructions")
    for one in boards:
        one._state.core.silence_limit = 3_000_000
    plain, translated = outcome(boards[0]), outcome(boards[1])
    assert plain == translated
    assert crash in plain[1] and bool(crash) == bool(plain[1])
    assert plain[0].startswith(b"up\r\n")
    assert_equal(*boards)
    translator = boards[1].translator
    assert translator is not None and translator.native_instructions > 5_000


def test_a_jump_to_an_even_address_fails_where_the_core_stops_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It went on as Thumb code where a time slice ended there."""
    monkeypatch.setattr(board_module, "SLICE_INSTRUCTIONS", 1)
    defines = ("CASE=20", "KIND=12", "GOOD=leaf", "AT=(uint32_t)leaf&~1u", "LAST=1")
    board = EmulatedBoard(find_board(DEVICE), build_image("attacks.c", DEVICE, *defines), translate=False)
    output, crash = outcome(board)
    assert output == b"up\r\n" and "jumps to an even address" in crash


def test_a_loop_in_native_code_ends_with_the_time_out() -> None:
    """With translations as they are made for a user: in the background."""
    board = EmulatedBoard(find_board(DEVICE), build_image("attacks.c", DEVICE, "CASE=8"), translate=True)
    assert b"up" in board.run(TIMEOUT_S)
    while board.run(0.5):
        pass
    board.wait_for_translations()
    board.run(0.5)
    board.wait_for_translations()
    start, before = time.monotonic(), board.instructions
    assert board.run(0.5) == b""
    assert 0.4 < time.monotonic() - start < 5.0
    assert board.instructions > before
    assert board.translator is not None and board.translator.native_instructions > 1_000_000
