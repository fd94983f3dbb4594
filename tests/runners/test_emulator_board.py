# SPDX-License-Identifier: Apache-2.0
"""A whole emulated board running small images: boot, talk, time, counts, faults."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from unicorn import UC_HOOK_CODE

from mlperf_tiny.errors import DeviceCrashed, DeviceGone, UsageError
from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.core.alignment import base_to_align
from mlperf_tiny.runners.emulator.timing.decode.block import decode_block
from mlperf_tiny.runners.emulator.timing.decode.core_model import Block
from mlperf_tiny.runners.emulator.transport import EmulatorTransport
from mlperf_tiny.runners.transports.transport import ClockedTransport, CountingTransport
from tests.fakes.emulated_console import talk
from tests.runners.emulator_images import build_image

DEVICES = ("stm32f446", "stm32f746")
# (core clock, APB1 clock, BRR of echo.c)
RATES = {"stm32f446": (180_000_000, 45_000_000, 391), "stm32f746": (216_000_000, 54_000_000, 469)}


def make_board(device: str, source: str = "echo.c", *defines: str, **options: Any) -> EmulatedBoard:
    return EmulatedBoard(find_board(device), build_image(source, device, *defines), **options)


@pytest.mark.parametrize("device", DEVICES)
def test_boots_and_answers(device: str) -> None:
    board = make_board(device, baud=115_200)
    assert talk(board) == b"ready\r\n"
    assert talk(board, b"hello%") == b"[hello]\r\n"
    assert talk(board, b"%") == b"[]\r\n"
    assert (board.core_hz, board.lost_bytes, board.run(5.0)) == (RATES[device][0], 0, b"")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [1, 10, 60])
def test_bytes_take_one_frame_in_both_directions(device: str, count: int) -> None:
    board = make_board(device)
    talk(board)
    start_fs = board.device_time_fs
    talk(board, b"x" * count + b"%")
    took_s = (board.device_time_fs - start_fs) / 1e15
    _, uart_hz, divisor = RATES[device]
    # count + 1 bytes in, then count + 4 out, 10 bits each
    bit_s = divisor / uart_hz
    assert took_s == pytest.approx((2 * count + 5) * 10 * bit_s, abs=2 * bit_s)
    assert bit_s == pytest.approx(1 / 115_200, rel=1.1e-3)


@pytest.mark.parametrize("device", DEVICES)
def test_timer_cycle_counter_and_host_agree(device: str) -> None:
    board = make_board(device)
    talk(board)
    core_mhz = RATES[device][0] // 1_000_000
    readings = []
    for _ in range(3):
        talk(board, b"w%")
        before = board.device_time_s
        microseconds, cycles = (int(word) for word in talk(board, b"t%").split())
        readings.append((microseconds, cycles, before))
    for (us_0, cycles_0, s_0), (us_1, cycles_1, s_1) in pairwise(readings):
        assert abs((cycles_1 - cycles_0) / core_mhz - (us_1 - us_0)) < 2
        assert abs((s_1 - s_0) * 1e6 - (us_1 - us_0)) < 5


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_input_gives_the_same_counts(device: str) -> None:
    def story(pieces: list[bytes], timeout_s: float) -> tuple[int, int, int, bytes]:
        board = make_board(device)
        output = b""
        while not board.idle:
            output += board.run(timeout_s)
        for piece in pieces:
            board.send(piece)
            while not board.idle:
                output += board.run(timeout_s)
        return board.instructions, board.cycles, board.device_time_fs, output

    pieces = [b"t%", b"hello%", b"w%", b"t%"]
    first = story(pieces, 1.0)
    # Neither how long the host waits nor how often it asks may matter.
    assert story(pieces, 1.0) == first
    assert story(pieces, 0.0) == first


@pytest.mark.parametrize("device", DEVICES)
def test_every_instruction_is_counted_once(device: str) -> None:
    """Against a hook on every instruction. It does not see instructions that IT skips, so those are added."""
    board = make_board(device)
    executed = 0
    behind_it = 0  # instructions left of the present IT block

    def on_instruction(uc: Any, address: int, size: int, data: object) -> None:
        nonlocal executed, behind_it
        word = int.from_bytes(uc.mem_read(address, 2), "little")
        if address in covered:
            return
        executed += 1
        if word >> 8 == 0xBF and word & 0xF:
            length = 4 - (word & -word & 0xF).bit_length() + 1
            executed += length
            at = address + 2
            for _ in range(length):
                covered.add(at)
                first = int.from_bytes(uc.mem_read(at, 2), "little")
                at += 4 if first >> 11 >= 0x1D else 2

    covered: set[int] = set()
    board._uc.hook_add(UC_HOOK_CODE, on_instruction)
    for line in (b"", b"t%", b"hello%", b"w%"):
        talk(board, line)
    assert board.instructions > 500_000
    assert board.instructions == executed


def test_stopping_and_resuming_counts_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_board("stm32f746")
    talk(whole)
    talk(whole, b"w%")
    monkeypatch.setattr("mlperf_tiny.runners.emulator.board.SLICE_INSTRUCTIONS", 997)
    pieces = make_board("stm32f746")
    talk(pieces)
    talk(pieces, b"w%")
    assert (pieces.instructions, pieces.cycles) == (whole.instructions, whole.cycles)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("slice_instructions", [997, 100, 7, 1])
def test_a_stop_never_falls_inside_an_it_block(
    monkeypatch: pytest.MonkeyPatch, device: str, slice_instructions: int
) -> None:
    whole = make_board(device, "conditional.c")
    assert talk(whole) == b"40004\r\n"
    monkeypatch.setattr("mlperf_tiny.runners.emulator.board.SLICE_INSTRUCTIONS", slice_instructions)
    pieces = make_board(device, "conditional.c")
    assert talk(pieces) == b"40004\r\n"
    assert (pieces.instructions, pieces.cycles) == (whole.instructions, whole.cycles)


def test_block_executions_add_up() -> None:
    board = make_board("stm32f446")
    talk(board)
    talk(board, b"w%")
    executed = sum(
        times * len(decode_block(Block(address, board.read_memory(address, size))))
        for (address, size), times in board.block_executions().items()
    )
    assert executed == board.instructions > 500_000


def test_waiting_costs_no_instructions() -> None:
    board = make_board("stm32f746")
    talk(board)
    before = board.instructions
    for _ in range(100):
        assert board.run(0.0) == b""
    assert board.instructions == before
    assert board.idle_cycles > 0.9 * board.cycles


def test_memory_is_not_zero_at_power_on_and_the_stack_is_measured() -> None:
    board = make_board("stm32f746")
    talk(board, b"%")
    assert board.read_memory(0x2001_0000, 4) == b"\xa5" * 4
    assert board.read_memory(0x0020_0000, 64) == board.read_memory(0x0800_0000, 64)
    assert board.stack_used_bytes is not None and 64 <= board.stack_used_bytes < 512


FAULTS = [
    (0, "HardFault: the firmware reads 0x60000000, where there is nothing"),
    (1, r"HardFault: the firmware writes 0x08000100, which cannot be written \(flash\)"),
    (2, "executes UDF"),
    (3, "executes BKPT"),
    (4, "jumps to 0x30000000, where there is nothing"),
    (5, "stack overflow"),
    (6, "endless loop"),
    (7, "run-away: .* instructions without output"),
    (8, "reads 0x40013400, where the emulated stm32f746 has no peripheral"),
    (9, r"USART3 \+ 0x80"),
    (10, "clock of TIM5 is off"),
    (11, "the flash needs 7"),
    (12, "exception 11 has no handler"),
    (13, "requests NMI"),
    (14, "returns from an exception"),
    (18, "writes 0xe0100000"),
    (20, "unaligned access"),
    (22, "jumps to an even address"),
    (23, "floating point before CPACR"),
]


@pytest.mark.parametrize(("case", "message"), FAULTS)
def test_crash_is_reported_after_pending_output(case: int, message: str) -> None:
    board = make_board("stm32f746", "faults.c", f"CASE={case}", instruction_limit=3_000_000)
    assert board.run(5.0) == b"up\r\n"
    with pytest.raises(DeviceCrashed, match=message) as caught:
        while True:
            board.run(5.0)
    report = caught.value.report
    assert "last output: 'up'" in report
    place = {4: "pc    0x30000000", 5: "recurse+", 14: "pc    0xfffffff8", 22: "pc    0x08000100"}.get(case, "crash+")
    assert place in report and " lr " in report and "r12 " in report
    with pytest.raises(DeviceCrashed):
        board.run(0.0)


@pytest.mark.parametrize("case", [15, 16])
def test_check_alignment_finds_unaligned_multiple_accesses(case: int) -> None:
    assert b"survived" in make_board("stm32f746", "faults.c", f"CASE={case}").run(5.0)
    board = make_board("stm32f746", "faults.c", f"CASE={case}", check_alignment=True)
    assert board.run(5.0) == b"up\r\n"
    with pytest.raises(DeviceCrashed, match=r"UsageFault: a multiple-word access at 0x2000000[12]") as caught:
        board.run(5.0)
    assert "pc    0x" in caught.value.report and "in crash+" in caught.value.report


@pytest.mark.parametrize(
    ("code", "base"),
    [
        (0xC807, 0),  # ldmia r0!, {r0-r2}
        (0xC307, 3),  # stmia r3!, {r0-r2}
        (0xBD80, None),  # pop
        (0x6808, None),  # ldr r0, [r1]
        (0xE9D11200, 1),  # ldrd r1, r2, [r1]
        (0xE9C21200, 2),  # strd
        (0xE8F41202, 4),  # ldrd r1, r2, [r4], #8
        (0xE92D41F0, None),  # push.w
        (0xE8930006, 3),  # ldmia.w r3, {r1, r2}
        (0xE8DFF000, None),  # tbb
        (0xE8501F00, None),  # ldrex
        (0xED900A01, 0),  # vldr s0, [r0, #4]
        (0xED9F0A01, None),  # vldr s0, [pc, #4]
        (0xECB30A04, 3),  # vldmia r3!, {s0-s3}
        (0xEC510B10, None),  # vmov r0, r1, d0
        (0xEE300A20, None),  # vadd.f32
    ],
)
def test_which_instructions_need_an_aligned_base(code: int, base: int | None) -> None:
    halfwords = (code >> 16, code & 0xFFFF) if code > 0xFFFF else (code, 0)
    assert base_to_align(*halfwords) == base


def test_slow_register_polling_ends_the_slice_in_time() -> None:
    board = make_board("stm32f746", "faults.c", "CASE=19")
    assert board.run(5.0) == b"up\r\n"
    slices = []
    for _ in range(2):
        before = board.instructions
        assert board.run(0.02) == b""
        slices.append(board.instructions - before)
    # Python answers this register, so a slice of ten million instructions would take seconds.
    assert all(0 < slice_ < 5_000_000 for slice_ in slices)


def test_sleep_without_interrupts_is_idle() -> None:
    board = make_board("stm32f746", "faults.c", "CASE=21")
    assert talk(board) == b"up\r\n"
    assert board.idle


@pytest.mark.parametrize(
    ("elf", "message"),
    [
        (b"", "not an ELF file"),
        (b"\x7fELF" + b"\0" * 60, "not an ELF file"),
        (b"MZ" * 100, "not an ELF file"),
    ],
)
def test_unusable_images(elf: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EmulatedBoard(find_board("stm32f746"), elf)


def test_unknown_devices_and_levels_are_refused() -> None:
    image = build_image("echo.c", "stm32f746")
    with pytest.raises(UsageError, match="no emulator for 'host'"):
        EmulatedBoard(find_board("host"), image)
    with pytest.raises(UsageError, match="no timing level 'guess'"):
        EmulatedBoard(find_board("stm32f746"), image, timing="guess")


def test_image_for_another_board_is_refused() -> None:
    board = EmulatedBoard(find_board("stm32f446"), build_image("echo.c", "stm32f746"))
    with pytest.raises(DeviceCrashed, match=r"clock set-up: .*maximum is 180 MHz|flash needs"):
        board.run(1.0)


def test_transport_after_close() -> None:
    transport = EmulatorTransport(make_board("stm32f746"))
    assert (transport.device_info.timing, transport.url) == ("emulated", "emu://stm32f746")
    assert isinstance(transport, CountingTransport) and not isinstance(transport, ClockedTransport)
    assert transport.read(1.0).startswith(b"ready")
    transport.close()
    transport.close()
    with pytest.raises(DeviceGone, match="switched off"):
        transport.read(1.0)
    with pytest.raises(DeviceGone):
        transport.write(b"x")
