# SPDX-License-Identifier: Apache-2.0
"""Register models, one access after the other, against reference manual values."""

from __future__ import annotations

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.chip.register_map import chip_of
from mlperf_tiny.runners.emulator.native.entry_points import read_register
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.peripherals.registers import PeripheralFault

DEVICES = ("stm32f446", "stm32f746")
RCC, PWR, FLASH, SCS = 0x4002_3800, 0x4000_7000, 0x4002_3C00, 0xE000_E000
AHB1ENR, APB1ENR = RCC + 0x30, RCC + 0x40
TIM2, TIM5, DWT, GPIOA, GPIOB = 0x4000_0000, 0x4000_0C00, 0xE000_1000, 0x4002_0000, 0x4002_0400


def make_bus(device: str = "stm32f746", baud: int | None = None) -> Bus:
    board = find_board(device)
    return Bus(board, chip_of(board), State(), lambda: None, baud)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("address", "value"),
    [
        (RCC + 0x00, 0x0000_0083),
        (RCC + 0x04, 0x2400_3010),
        (RCC + 0x08, 0),
        (AHB1ENR, 0x0010_0000),
        (RCC + 0x74, 0x0E00_0000),
        (FLASH + 0x00, 0),
        (FLASH + 0x10, 0x8000_0000),
    ],
)
def test_reset_values(device: str, address: int, value: int) -> None:
    assert make_bus(device).read(address, 4) == value


@pytest.mark.parametrize(
    ("device", "address", "value"),
    [
        ("stm32f446", SCS + 0xD00, 0x410F_C241),
        ("stm32f746", SCS + 0xD00, 0x410F_C271),
        ("stm32f446", SCS + 0xD14, 0x0000_0200),
        ("stm32f746", SCS + 0xD14, 0x0004_0200),
        ("stm32f746", SCS + 0xD78, 0x0900_0003),
        ("stm32f746", SCS + 0xD80, 0xF003_E019),
        ("stm32f446", SCS + 0xD80, 0),
    ],
)
def test_core_identity(device: str, address: int, value: int) -> None:
    assert make_bus(device).read(address, 4) == value


@pytest.mark.parametrize(("device", "code"), [("stm32f446", 0x421), ("stm32f746", 0x449)])
def test_device_id(device: str, code: int) -> None:
    assert make_bus(device).read(0xE004_2000, 4) & 0xFFF == code


@pytest.mark.parametrize(
    ("writes", "address", "value"),
    [
        pytest.param([(RCC, 0x0005_0083)], RCC, 0x0007_0083, id="HSE in bypass is ready"),
        pytest.param([(RCC, 0x0001_0083)], RCC, 0x0001_0083, id="HSE without a crystal is never ready"),
        pytest.param([(RCC + 4, 8 | 216 << 6), (RCC, 0x0100_0081)], RCC, 0x0300_0083, id="PLL is ready"),
        pytest.param([(RCC + 0x74, 1)], RCC + 0x74, 3, id="LSI is ready"),
        pytest.param([(APB1ENR, 1 << 28), (PWR, 0x1_C000)], PWR + 4, 0x1_4000, id="over-drive is ready"),
        pytest.param([(APB1ENR, 1 << 28), (PWR, 0x3_C000)], PWR + 4, 0x3_4000, id="over-drive is switched"),
        pytest.param([(FLASH, 0x307)], FLASH, 0x307, id="wait states read back"),
        pytest.param([(FLASH + 4, 0x4567_0123), (FLASH + 4, 0xCDEF_89AB)], FLASH + 0x10, 0, id="flash unlocks"),
        pytest.param([(FLASH + 4, 0xCDEF_89AB)], FLASH + 0x10, 0x8000_0000, id="half a key does not unlock"),
        pytest.param([(SCS + 0xD88, 0xF0_0000)], SCS + 0xD88, 0xF0_0000, id="CPACR reads back"),
        pytest.param([(SCS + 0xD84, 1)], SCS + 0xD80, 0xF007_E009, id="instruction cache size"),
        pytest.param([(SCS + 0xF50, 0)], SCS + 0xF50, 0, id="cache maintenance"),
    ],
)
def test_register_effects_of_a_write(writes: list[tuple[int, int]], address: int, value: int) -> None:
    bus = make_bus()
    for where, what in writes:
        bus.write(where, 4, what)
    assert bus.read(address, 4) == value


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        ([(0x4001_3400, 1)], "no peripheral"),
        ([(RCC + 0xFC, 1)], r"RCC \+ 0xfc"),
        ([(TIM2, 1)], "clock of TIM2 is off .*APB1ENR bit 0"),
        ([(APB1ENR, 1), (TIM2 + 0xC, 1 << 8)], "DMA or another interrupt of TIM2"),
        ([(SCS + 0xD04, 1 << 31)], "requests NMI"),
        ([(DWT, 1)], "DWT is locked"),
        ([(RCC + 8, 2)], "selects PLL, which is not running"),
        ([(APB1ENR, 1 << 18), (0x4000_4800, 0x1D)], "interrupt on an idle line"),
        ([(APB1ENR, 1 << 18), (0x4000_4800, 0x100D)], "frame other than eight bits"),
        ([(APB1ENR, 1 << 18), (0x4000_4828, 65)], "transmitter is off"),
        ([(APB1ENR, 1 << 18), (0x4000_480C, 139), (0x4000_4800, 13), (0x4000_4828, 65)], "pin PD8 is not in"),
    ],
)
def test_refused_writes_name_the_reason(writes: list[tuple[int, int]], message: str) -> None:
    bus = make_bus()
    for where, what in writes[:-1]:
        bus.write(where, 4, what)
    with pytest.raises(PeripheralFault, match=message):
        bus.write(*writes[-1][:1], 4, writes[-1][1])


def test_wrong_baud_rate_is_refused() -> None:
    bus = make_bus(baud=115_200)
    for where, what in (
        (APB1ENR, 1 << 18),
        (AHB1ENR, 1 << 3),
        (0x4002_0C00, 2 << 16 | 2 << 18),
        (0x4002_0C24, 0x77),
        (0x4000_480C, 1667),
        (0x4000_4800, 13),
    ):
        bus.write(where, 4, what)
    with pytest.raises(PeripheralFault, match=r"USART3 runs at 9598 baud .*the host's end at 115200"):
        bus.write(0x4000_4828, 4, 65)


def test_pin_edges_carry_device_time() -> None:
    bus = make_bus("stm32f446")
    bus.write(AHB1ENR, 4, 1)
    bus.write(GPIOA + 0x18, 4, 1 << 8)  # high before it drives: no edge
    bus.write(GPIOA, 4, 0xA800_0000 | 1 << 16)
    for cycles, value in ((1600, 1 << 24), (3200, 1 << 24), (4800, 1 << 8)):
        bus.state.core.cycles = cycles
        bus.write(GPIOA + 0x18, 4, value)
    microsecond = 10**9
    assert bus.pin_edges == [(0, "PA8", 1), (100 * microsecond, "PA8", 0), (300 * microsecond, "PA8", 1)]
    assert bus.read(GPIOA + 0x10, 4) >> 8 & 1 == 1


def test_narrow_accesses_touch_their_bytes_only() -> None:
    bus = make_bus()
    bus.write(AHB1ENR, 4, 2)
    bus.write(GPIOB + 0x14, 4, 0x1234)
    bus.write(GPIOB + 0x15, 1, 0xAB)
    assert (bus.read(GPIOB + 0x14, 4), bus.read(GPIOB + 0x15, 1)) == (0xAB34, 0xAB)


@pytest.mark.parametrize(
    ("prescaler", "cycles", "count"), [(15, 16 * 1000, 1000), (15, 16 * 1000 - 1, 999), (0, 5, 5), (107, 1080, 10)]
)
def test_timer_counts(prescaler: int, cycles: int, count: int) -> None:
    bus = make_bus()
    for where, what in ((APB1ENR, 8), (TIM5 + 0x28, prescaler), (TIM5 + 0x14, 1), (TIM5, 1)):
        bus.write(where, 4, what)
    bus.state.core.cycles += cycles
    assert read_register(bus.state, TIM5 + 0x24, 4) == count
    bus.write(TIM5, 4, 0)
    bus.state.core.cycles += 12345
    assert read_register(bus.state, TIM5 + 0x24, 4) == count


def test_timer_wraps_and_prescaler_waits_for_an_update() -> None:
    bus = make_bus()
    for where, what in ((APB1ENR, 1), (TIM2, 1), (TIM2 + 0x28, 99)):
        bus.write(where, 4, what)
    bus.state.core.cycles += 50
    assert bus.read(TIM2 + 0x24, 4) == 50
    bus.write(TIM2 + 0x24, 4, 0xFFFF_FFFF)
    bus.state.core.cycles += 2
    assert bus.read(TIM2 + 0x24, 4) == 1


def test_cycle_counter_needs_trace_and_enable() -> None:
    bus = make_bus("stm32f446")
    bus.write(DWT, 4, 1)
    bus.state.core.cycles += 100
    assert read_register(bus.state, DWT + 4, 4) == 0
    bus.write(SCS + 0xDFC, 4, 1 << 24)
    bus.state.core.cycles += 100
    assert read_register(bus.state, DWT + 4, 4) == 100
    bus.write(DWT + 4, 4, 0xFFFF_FFF0)
    bus.state.core.cycles += 0x20
    assert read_register(bus.state, DWT + 4, 4) == 0x10


def test_systick_counts_down_and_flags_once() -> None:
    bus = make_bus()
    bus.write(SCS + 0x14, 4, 99)
    bus.write(SCS + 0x18, 4, 0)
    bus.write(SCS + 0x10, 4, 5)
    bus.state.core.cycles += 30
    assert bus.read(SCS + 0x18, 4) == 69
    bus.state.core.cycles += 100
    assert bus.read(SCS + 0x18, 4) == 69
    assert (bus.read(SCS + 0x10, 4) >> 16 & 1, bus.read(SCS + 0x10, 4) >> 16 & 1) == (1, 0)


def test_reset_restores_all_registers() -> None:
    bus = make_bus()
    bus.write(APB1ENR, 4, 1)
    bus.reset()
    assert bus.read(APB1ENR, 4) == 0
    with pytest.raises(PeripheralFault, match="clock of TIM2 is off"):
        bus.read(TIM2 + 0x24, 4)
