# SPDX-License-Identifier: Apache-2.0
"""Clocks from register values, against the tables of the chips' reference manuals."""

from __future__ import annotations

import pytest

from mlperf_tiny.firmware.boards import ClockTree, find_board
from mlperf_tiny.runners.emulator.chip.device_time import FEMTOSECONDS, DeviceTime
from mlperf_tiny.runners.emulator.peripherals.clock_tree import (
    HSE_ON,
    HSI_ON,
    PLL_ON,
    ClockProblem,
    ClockRegisters,
    clocks,
)

MHZ = 1_000_000


def tree_of(device: str) -> ClockTree:
    chip = find_board(device).chip
    assert chip is not None
    return chip.clocks


def registers(
    m: int = 8,
    n: int = 216,
    p: int = 2,
    hse: bool = False,
    wait_states: int = 7,
    overdrive: bool = True,
    source: int = 2,
    ahb: int = 0,
    apb1: int = 5,
    apb2: int = 4,
    cr: int = HSI_ON | HSE_ON | PLL_ON,
) -> ClockRegisters:
    pllcfgr = m | n << 6 | (p // 2 - 1) << 16 | int(hse) << 22
    cfgr = source | ahb << 4 | apb1 << 10 | apb2 << 13
    return ClockRegisters(cr=cr, pllcfgr=pllcfgr, cfgr=cfgr, flash_acr=wait_states, overdrive=overdrive)


@pytest.mark.parametrize(
    ("device", "given", "core_mhz", "apb1_mhz", "apb2_mhz", "timer_mhz"),
    [
        ("stm32f746", registers(), 216, 54, 108, 108),
        ("stm32f746", registers(m=4, hse=True), 216, 54, 108, 108),
        ("stm32f446", registers(n=180), 180, 45, 90, 90),
        ("stm32f446", registers(n=168, overdrive=False), 168, 42, 84, 84),
        ("stm32f746", registers(source=0, apb1=0, apb2=0, wait_states=0), 16, 16, 16, 16),
        ("stm32f746", registers(source=1, apb1=0, apb2=0, wait_states=0), 8, 8, 8, 8),
        ("stm32f746", registers(p=8, apb1=0, apb2=0, wait_states=1), 54, 54, 54, 54),
        ("stm32f746", registers(ahb=8, apb1=4), 108, 54, 54, 108),
    ],
)
def test_clocks(
    device: str, given: ClockRegisters, core_mhz: int, apb1_mhz: int, apb2_mhz: int, timer_mhz: int
) -> None:
    result = clocks(given, tree_of(device))
    got = (result.core_hz, result.apb1_hz, result.apb2_hz, result.timer1_hz)
    assert got == (core_mhz * MHZ, apb1_mhz * MHZ, apb2_mhz * MHZ, timer_mhz * MHZ)


@pytest.mark.parametrize(
    ("device", "given", "message"),
    [
        ("stm32f746", registers(wait_states=6), "6 wait states at 216 MHz; the flash needs 7"),
        ("stm32f446", registers(n=180, wait_states=4), "the flash needs 5"),
        ("stm32f746", registers(overdrive=False), "without over-drive"),
        ("stm32f446", registers(n=180, overdrive=False), "above 168 MHz"),
        ("stm32f746", registers(n=217), "VCO would run at 434 MHz"),
        ("stm32f746", registers(n=50, m=16), "VCO would run at 50 MHz"),
        ("stm32f746", registers(m=4), "PLL input is 4 MHz"),
        ("stm32f746", registers(m=1), "M = 1"),
        ("stm32f446", registers(n=216), "its maximum is 180 MHz"),
        ("stm32f746", registers(apb1=4), "APB1 would run at 108 MHz; its maximum is 54 MHz"),
        ("stm32f746", registers(apb2=0), "APB2 would run at 216 MHz"),
        ("stm32f746", registers(cr=HSI_ON), "selects PLL, which is not running"),
        ("stm32f746", registers(cr=HSI_ON | PLL_ON, hse=True, m=4), "source HSE is off"),
        ("stm32f746", registers(source=3), "selects reserved"),
    ],
)
def test_clock_setups_outside_the_limits_are_refused(device: str, given: ClockRegisters, message: str) -> None:
    with pytest.raises(ClockProblem, match=message):
        clocks(given, tree_of(device))


def test_device_time_does_not_drift() -> None:
    time = DeviceTime(16_000_000)
    cycles = 0
    for hz in (216_000_000, 16_000_000) * 500:
        cycles += 7
        time.change_clock(cycles, hz)
    exact = 7 * 500 * FEMTOSECONDS / 216e6 + 7 * 500 * FEMTOSECONDS / 16e6
    # One femtosecond at most is cut off at each of the 1000 changes.
    assert 0 <= exact - time.at(cycles) <= 1000
