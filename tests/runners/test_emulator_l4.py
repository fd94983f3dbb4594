# SPDX-License-Identifier: Apache-2.0
"""The STM32L4+ on the emulator: register values and clocks against the tables of RM0432."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlperf_tiny.firmware.boards import find_board
from mlperf_tiny.firmware.build import build_firmware
from mlperf_tiny.runners.emulator.board import EmulatedBoard
from mlperf_tiny.runners.emulator.chip.bus import Bus
from mlperf_tiny.runners.emulator.chip.register_map import chip_of
from mlperf_tiny.runners.emulator.native.state import State
from mlperf_tiny.runners.emulator.peripherals.clock_tree_l4 import ClockRegistersL4, clocks
from mlperf_tiny.runners.emulator.peripherals.clocking import ClockProblem, Supply
from mlperf_tiny.runners.emulator.peripherals.registers import PeripheralFault
from tests.fakes.compiled import KWS
from tests.fakes.emulated_console import talk
from tests.fakes.wire_formats import WIRE_FORMATS

MHZ = 1_000_000
RCC, PWR, FLASH = 0x4002_1000, 0x4000_7000, 0x4002_2000
AHB2ENR, APB1ENR1, APB1ENR2 = RCC + 0x4C, RCC + 0x58, RCC + 0x5C
GPIOA, GPIOB, GPIOG, LPUART1 = 0x4800_0000, 0x4800_0400, 0x4800_1800, 0x4000_8000
PWR_ON = (APB1ENR1, 1 << 28)
LPUART_ON = (APB1ENR2, 1)


def make_bus() -> Bus:
    board = find_board("stm32l4r5")
    return Bus(board, chip_of(board), State(), lambda: None, None)


def write(bus: Bus, *writes: tuple[int, int]) -> None:
    for address, value in writes:
        bus.write(address, 4, value)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        (RCC, 0x0000_0063),
        (RCC + 0x0C, 0x0000_1000),
        (RCC + 0x48, 0x0000_0100),
        (RCC + 0x94, 0x0C00_0600),
        (FLASH, 0x0000_0600),
        (FLASH + 0x14, 0xC000_0000),
        (0xE004_2000, 0x1001_6470),
        (0xE000_ED00, 0x410F_C241),
    ],
)
def test_reset_values(address: int, value: int) -> None:
    assert make_bus().read(address, 4) == value


@pytest.mark.parametrize(
    ("writes", "address", "value"),
    [
        pytest.param([(RCC, 0x163)], RCC, 0x563, id="HSI16 is ready"),
        pytest.param([(RCC, 0x5_0063)], RCC, 0x5_0063, id="the board has no HSE"),
        pytest.param([(RCC + 0x90, 1)], RCC + 0x90, 3, id="LSE is ready"),
        pytest.param([(RCC + 0x98, 1)], RCC + 0x98, 3, id="HSI48 is ready"),
        pytest.param([(RCC, 0x163), (RCC + 8, 1)], RCC + 8, 5, id="the switch to HSI16 follows"),
        pytest.param([PWR_ON], PWR, 0x200, id="range 1 after a reset"),
        pytest.param([PWR_ON], PWR + 0x14, 0, id="VOSF: the voltage is reached"),
        pytest.param([PWR_ON], PWR + 0x80, 0x100, id="no boost after a reset"),
        pytest.param([(AHB2ENR, 1)], GPIOA, 0xABFF_FFFF, id="port A comes up analog but for the debug port"),
        pytest.param([(AHB2ENR, 1 << 6)], GPIOG, 0xFFFF_FFFF, id="port G comes up analog"),
        pytest.param([(AHB2ENR, 2), (GPIOB + 0x18, 0x81), (GPIOB + 0x28, 1)], GPIOB + 0x14, 0x80, id="BRR"),
        pytest.param([LPUART_ON, (LPUART1, 0xD)], LPUART1 + 0x1C, 0x60_00C0, id="LPUART enables are acknowledged"),
    ],
)
def test_register_effects_of_a_write(writes: list[tuple[int, int]], address: int, value: int) -> None:
    bus = make_bus()
    write(bus, *writes)
    assert bus.read(address, 4) == value


def test_pins_of_port_g_need_their_own_supply() -> None:
    bus = make_bus()
    pins = [(AHB2ENR, 1 << 6), (GPIOG, 2 << 14 | 2 << 16), (GPIOG + 0x20, 8 << 28), (GPIOG + 0x24, 8)]
    write(bus, PWR_ON, LPUART_ON, *pins, (LPUART1 + 0x0C, 0x2710), (LPUART1, 0xD))
    with pytest.raises(PeripheralFault, match=r"PG7 has no supply: PWR_CR2\.IOSV is 0"):
        bus.write(LPUART1 + 0x28, 4, 65)
    write(bus, (PWR + 4, 1 << 9), (LPUART1 + 0x28, 65))


def registers(
    source: int = 3, pll_source: int = 2, m: int = 2, n: int = 30, r: int = 2, cfgr: int = 0, cr: int = 0x0100_0163
) -> ClockRegistersL4:
    pllcfgr = pll_source | (m - 1) << 4 | n << 8 | 1 << 24 | (r // 2 - 1) << 25
    return ClockRegistersL4(cr=cr, pllcfgr=pllcfgr, cfgr=source | cfgr, csr=0x0C00_0600)


def supply(wait_states: int = 5, boost: bool = True, low: bool = False) -> Supply:
    return Supply(flash_acr=wait_states, boost=boost, low=low)


@pytest.mark.parametrize(
    ("given", "power", "core_mhz", "apb1_mhz", "timer_mhz"),
    [
        pytest.param(registers(), supply(), 120, 120, 120, id="HSI16 / 2 * 30 / 2"),
        pytest.param(registers(pll_source=1, m=1, n=60), supply(), 120, 120, 120, id="MSI at 4 MHz * 60 / 2"),
        pytest.param(registers(cfgr=7 << 8 | 7 << 11), supply(), 120, 7.5, 15, id="buses divided by 16"),
        pytest.param(registers(cfgr=8 << 4), supply(3, boost=False), 60, 60, 60, id="half of it, without boost"),
        pytest.param(registers(n=20), supply(3, boost=False), 80, 80, 80, id="80 MHz needs no boost"),
        pytest.param(registers(source=0), supply(0, boost=False), 4, 4, 4, id="MSI after a reset"),
        pytest.param(registers(source=0, cr=0xB9), supply(2, False), 48, 48, 48, id="MSI at 48 MHz"),
        pytest.param(registers(source=1), supply(0, boost=False), 16, 16, 16, id="HSI16"),
        pytest.param(registers(source=1), supply(1, boost=False, low=True), 16, 16, 16, id="range 2: 8 MHz a state"),
    ],
)
def test_clocks(given: ClockRegistersL4, power: Supply, core_mhz: float, apb1_mhz: float, timer_mhz: float) -> None:
    result = clocks(given, chip_of(find_board("stm32l4r5")).clocks, power)
    assert (result.core_hz, result.apb1_hz, result.timer1_hz) == (core_mhz * MHZ, apb1_mhz * MHZ, timer_mhz * MHZ)


@pytest.mark.parametrize(
    ("given", "power", "message"),
    [
        (registers(), supply(4), "4 wait states at 120 MHz; the flash needs 5"),
        (registers(), supply(boost=False), "120 MHz without boost, which clearing PWR_CR5.R1MODE"),
        (registers(n=31), supply(6), "124 MHz; its maximum is 120 MHz"),
        (registers(n=7), supply(), "N = 7"),
        (registers(m=1, n=30), supply(), "VCO would run at 480 MHz"),
        (registers(m=8), supply(), "PLL input is 2 MHz"),
        (registers(pll_source=3), supply(), "source HSE is off"),
        (registers(cr=0x63), supply(), "selects PLL, which is not running"),
        (registers(source=0, cr=0xB9), supply(5, boost=False, low=True), "range 2 of PWR_CR1.VOS"),
    ],
)
def test_clock_setups_outside_the_limits_are_refused(given: ClockRegistersL4, power: Supply, message: str) -> None:
    with pytest.raises(ClockProblem, match=message):
        clocks(given, chip_of(find_board("stm32l4r5")).clocks, power)


@pytest.mark.parametrize("baud", [9600, 115_200, 921_600])
def test_the_console_runs_at_rates_that_120_mhz_could_not_be_divided_to(baud: int, tmp_path: Path) -> None:
    built = build_firmware(KWS, WIRE_FORMATS["kws01"], find_board("stm32l4r5"), tmp_path, baud=baud)
    board = EmulatedBoard(find_board("stm32l4r5"), built.elf, baud=baud)
    assert talk(board).endswith(b"m-ready\r\n")
    assert board.core_hz == 120 * MHZ


def test_the_second_memory_is_seen_at_both_its_addresses(tmp_path: Path) -> None:
    board = EmulatedBoard(
        find_board("stm32l4r5"), build_firmware(KWS, WIRE_FORMATS["kws01"], find_board("stm32l4r5"), tmp_path).elf
    )
    talk(board)
    assert board.read_memory(0x1000_0000, 64) == board.read_memory(0x2003_0000, 64)
    board._uc.mem_write(0x1000_0010, b"both")
    assert board.read_memory(0x2003_0010, 4) == b"both"
