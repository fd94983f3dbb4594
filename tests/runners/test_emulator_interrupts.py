# SPDX-License-Identifier: Apache-2.0
"""Firmware that takes its input by interrupt, and SysTick; however it waits."""

from __future__ import annotations

import time

import pytest
import unicorn.arm_const as arm

from mlperf_tiny.errors import DeviceCrashed
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.executors import set_translates
from tests.runners.emulator_images import build_image

DEVICES = ("stm32f446", "stm32f746")


def make_board(device: str, *defines: str) -> EmulatedBoard:
    return EmulatedBoard(find_board(device), build_image("interrupts.c", device, *defines))


def lines_of(board: EmulatedBoard, data: bytes, count: int = 1, limit_s: float = 10.0) -> list[str]:
    """Send ``data``; the next ``count`` lines that the board sends."""
    board.send(data)
    output, end = b"", time.monotonic() + limit_s
    while output.count(b"\r\n") < count:
        assert time.monotonic() < end, f"the board only sent {output!r}"
        output += board.run(0.5)
    return output.decode("ascii").split("\r\n")[:-1]


def until_idle(board: EmulatedBoard, limit_s: float = 20.0) -> bytes:
    output, end = b"", time.monotonic() + limit_s
    while not board.idle:
        assert time.monotonic() < end, "the board does not become idle"
        output += board.run(0.5)
    return output


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("ticking", [(), ("TICK",)], ids=["quiet", "ticking"])
@pytest.mark.parametrize("wait", range(4))
def test_input_by_interrupt(device: str, wait: int, ticking: tuple[str, ...]) -> None:
    """No byte is lost, no register of the loop that waits is changed, and ticks keep time."""
    board = make_board(device, f"WAIT={wait}", *ticking)
    assert lines_of(board, b"") == ["ready"]
    readings = []
    for text in ("name", "x" * 60, "db 00112233"):
        (line,) = lines_of(board, text.encode() + b"%")
        echoed, ticks, microseconds = line.rsplit(" ", 2)
        assert echoed == f"[{text}]"
        readings.append((int(ticks), int(microseconds)))
    assert board.lost_bytes == 0
    if ticking:
        (first_ticks, first_us), (last_ticks, last_us) = readings[0], readings[-1]
        assert last_ticks - first_ticks == pytest.approx((last_us - first_us) / 1000, abs=1)
    else:
        assert [ticks for ticks, _ in readings] == [0, 0, 0]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wait", [0, 1, 2])
def test_a_board_that_only_waits_is_idle(device: str, wait: int) -> None:
    board = make_board(device, f"WAIT={wait}")
    assert until_idle(board) == b"ready\r\n"
    before = board.cycles
    assert (board.run(5.0), board.cycles) == (b"", before)
    assert lines_of(board, b"again%")[0].startswith("[again]")


def test_ticks_alone_do_not_keep_the_board_busy() -> None:
    board = make_board("stm32f746", "WAIT=1", "TICK")
    assert until_idle(board) == b"ready\r\n"
    assert 2.0 < board.device_time_s < 2.1
    assert lines_of(board, b"again%")[0].startswith("[again]")


@pytest.mark.parametrize("device", DEVICES)
def test_output_by_interrupt(device: str) -> None:
    board = make_board(device, "WAIT=1", "SEND", "TICK")
    assert lines_of(board, b"")[0] == "ready"
    assert lines_of(board, b"sent by interrupt%")[0].startswith("[sent by interrupt] ")


def test_everything_in_handlers() -> None:
    """``for (;;) {}`` in main is no endless loop where an interrupt may come."""
    board = make_board("stm32f746", "WAIT=0", "SPIN")
    assert lines_of(board, b"") == ["ready"]
    assert lines_of(board, b"echo\r\n") == ["echo"]
    assert until_idle(board) == b""


@pytest.mark.parametrize("wait", [0, 1, 2])
def test_the_same_input_gives_the_same_counts(wait: int) -> None:
    """However the host cuts what it sends, and whenever it looks."""

    def story(pieces: list[bytes], timeout_s: float) -> tuple[int, int, bytes]:
        board = make_board("stm32f746", f"WAIT={wait}")
        output = until_idle(board)
        for piece in pieces:
            board.send(piece)
        while not board.idle:
            output += board.run(timeout_s)
        return board.instructions, board.cycles, output

    assert story([b"one%"], 5.0) == story([b"o", b"n", b"e%"], 0.001)


@pytest.mark.parametrize("translates", [True, False])
@pytest.mark.parametrize("wait", [0, 1, 2])
def test_a_board_that_ticks_is_where_it_is_however_long_the_host_looks(wait: int, translates: bool) -> None:
    """What comes next would else meet another tick, and windows would last a byte longer or shorter."""

    def story(timeout_s: float) -> tuple[int, int]:
        set_translates(translates)
        try:
            board = make_board("stm32f746", f"WAIT={wait}", "TICK")
        finally:
            set_translates(True)
        assert lines_of(board, b"") == ["ready"]
        assert board.run(timeout_s) == b""
        assert lines_of(board, b"one%")[0].startswith("[one]")
        return board.instructions, board.cycles

    assert story(0.0) == story(0.1) == story(5.0)


@pytest.mark.parametrize("wait", [0, 3])
def test_masked_tick_does_not_delay_input(wait: int) -> None:
    board = make_board("stm32f746", f"WAIT={wait}", "BASE")
    assert lines_of(board, b"") == ["ready"]
    (line,) = lines_of(board, b"x" * 60 + b"%")
    assert line.startswith(f"[{'x' * 60}] 0 ")
    assert board.lost_bytes == 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (1, "exception 55 has no handler"),
        (2, "exception 55 returns to 0xfffffff1"),
    ],
)
def test_unsupported_interrupt_use_is_reported(fault: int, message: str) -> None:
    board = make_board("stm32f746", "WAIT=1", f"FAULT={fault}")
    assert lines_of(board, b"") == ["ready"]
    board.send(b"x")
    with pytest.raises(DeviceCrashed, match=message):
        board.run(5.0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wait", range(4))
def test_input_by_interrupt_on_the_process_stack(device: str, wait: int) -> None:
    board = make_board(device, f"WAIT={wait}", "PROCESS", "TICK")
    assert lines_of(board, b"") == ["ready"]
    assert lines_of(board, b"one%")[0].startswith("[one] ")


@pytest.mark.parametrize("number", [3, 8])
def test_both_exceptions_of_the_engine_are_a_return(number: int) -> None:
    """Which of the two the engine reports depends on the firmware; images of other compilers come with 8."""
    board = make_board("stm32f746", "WAIT=1")
    board._uc.reg_write(arm.UC_ARM_REG_PC, 0xFFFF_FFE8)
    faults = board._faults
    faults._on_exception(board._uc, number, None)
    assert "in none" in str(faults.take(0)) and not faults.returned
    faults.in_handler = True
    faults._on_exception(board._uc, number, None)
    assert faults.returned and faults.take(0) is None
