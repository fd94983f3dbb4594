# SPDX-License-Identifier: Apache-2.0
"""The UART's data path on a bare state: what the firmware sees, cycle by cycle."""

from __future__ import annotations

import pytest

from mlperf_tiny.runners.emulator.native.entry_points import read_data, read_status, write_data
from mlperf_tiny.runners.emulator.native.state import NEVER, RX_BYTES, State
from mlperf_tiny.runners.emulator.native.uart import BUSY, ORE, RXNE, TC, TIGHT_LOOP_REPEATS, TXE

FRAME = 1000


def make_uart(kind: int = 2, queued: bytes = b"") -> State:
    state = State()
    state.core.stop_at = NEVER
    state.uart.kind, state.uart.frame = kind, FRAME
    state.uart.tx_on = state.uart.rx_on = 1
    for index, byte in enumerate(queued):
        state.rx[index] = byte
    state.uart.rx_tail = len(queued)
    return state


def sent(state: State) -> bytes:
    return bytes(state.tx[: state.uart.tx_count])


def poll(state: State, times: int = TIGHT_LOOP_REPEATS + 1) -> int:
    """A waiting loop of the firmware; the value of its last read."""
    return [read_status(state) for _ in range(times)][-1]


def test_a_byte_takes_a_frame_and_the_register_holds_one_more() -> None:
    state = make_uart()
    assert read_status(state) == TXE | TC
    write_data(state, ord("a"))
    assert read_status(state) == TXE
    write_data(state, ord("b"))
    assert read_status(state) == 0
    state.core.cycles = FRAME
    assert read_status(state) == TXE
    state.core.cycles = 2 * FRAME - 1
    assert read_status(state) == TXE
    state.core.cycles = 2 * FRAME
    assert read_status(state) == TXE | TC
    assert sent(state) == b"ab"


def test_a_byte_written_too_early_replaces_the_one_that_waits() -> None:
    state = make_uart()
    for byte in b"abc":
        write_data(state, byte)
    assert sent(state) == b"ac"


def test_a_byte_the_host_has_already_is_not_taken_back() -> None:
    state = make_uart()
    write_data(state, ord("a"))
    write_data(state, ord("b"))
    state.uart.tx_count = 0  # a slice ended here, and the host was given both
    write_data(state, ord("c"))
    assert sent(state) == b"c"
    assert state.rx[RX_BYTES - 1] == 0, "nothing is written before the buffer"


def test_nothing_is_sent_while_the_transmitter_is_off() -> None:
    state = make_uart()
    state.uart.tx_on = 0
    write_data(state, 1)
    assert sent(state) == b""


def test_waiting_for_the_transmitter_jumps_to_its_end() -> None:
    state = make_uart()
    write_data(state, 1)
    write_data(state, 2)
    assert poll(state) == TXE
    assert (state.core.cycles, state.core.idle_cycles, state.core.idle) == (FRAME, FRAME, 0)


def test_bytes_arrive_one_frame_apart_once_they_are_waited_for() -> None:
    state = make_uart(queued=b"xy")
    assert not read_status(state) & (RXNE | BUSY)
    assert poll(state) & RXNE
    assert state.core.cycles == FRAME
    assert read_data(state) == ord("x")
    assert poll(state) & RXNE
    assert (state.core.cycles, read_data(state)) == (2 * FRAME, ord("y"))
    assert not read_status(state) & BUSY


def test_waiting_without_anything_to_come_is_idle() -> None:
    state = make_uart()
    poll(state, TIGHT_LOOP_REPEATS)
    assert (state.core.idle, state.core.stop_at) == (0, NEVER)
    poll(state, 1)
    assert (state.core.idle, state.core.stop_at, state.core.cycles) == (1, 0, 0)


def test_known_loop_is_recognised_at_its_second_iteration() -> None:
    state = make_uart(queued=b"xyz")
    state.core.next_address = 0x0800_1000
    assert poll(state) & RXNE
    for count, byte in enumerate(b"xy", start=2):
        assert read_data(state) == byte
        assert not poll(state, 1) & RXNE
        assert poll(state, 1) & RXNE
        assert state.core.cycles == count * FRAME


@pytest.mark.parametrize("change", [("core", "next_address", 0x0800_2000), ("uart", "status_bits", 1 << 21)])
def test_loop_with_another_address_or_status_is_another_loop(change: tuple[str, str, int]) -> None:
    state = make_uart(queued=b"xy")
    state.core.next_address = 0x0800_1000
    assert poll(state) & RXNE
    read_data(state)
    group, field, value = change
    setattr(getattr(state, group), field, value)
    assert not poll(state, TIGHT_LOOP_REPEATS) & RXNE
    assert poll(state, 1) & RXNE


def test_polling_between_work_is_not_idle() -> None:
    state = make_uart()
    for _ in range(100):
        read_status(state)
        state.core.instructions += 10_000
    assert state.core.idle == 0


def test_rare_polling_receives_bytes_too() -> None:
    state = make_uart(queued=b"x")
    for _ in range(100):
        read_status(state)
        state.core.instructions += 10_000
        state.core.cycles += 100
    assert read_status(state) & RXNE


@pytest.mark.parametrize("kind", [1, 2])
def test_overrun_keeps_the_first_byte(kind: int) -> None:
    state = make_uart(kind, queued=b"abc")
    poll(state)
    state.core.cycles += 2 * FRAME
    assert read_status(state) & (ORE | RXNE) == ORE | RXNE
    assert (read_data(state), state.console.lost) == (ord("a"), 2)
    # On F4 reading status and then data has cleared it; the newer kind waits for ICR.
    assert bool(read_status(state) & ORE) == (kind == 2)


def test_with_overrun_detection_off_the_newest_byte_wins() -> None:
    state = make_uart(queued=b"abc")
    state.uart.keep_newest = 1
    poll(state)
    state.core.cycles += 2 * FRAME
    assert read_status(state) & (ORE | RXNE) == RXNE
    assert read_data(state) == ord("c")
